//! Why something did not run, or did not end well: kinds with their parts, as the journal and
//! every `--json` have them, and the one place in which they become words.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::sys::files::FileError;

/// A reason; the tag is the field `kind`. Earlier versions wrote sentences, which are read as
/// the kind they tell of, or as [`Reason::Text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The hook wants other events.
    Unwanted {
        /// `source`, `action` or `interface`.
        wish: String,
        /// What the hook wants of it, patterns with commas between them.
        wants: String,
        /// What the event has.
        has: String,
    },
    /// The dispatcher whose script it is runs it itself for events of that source.
    LeftToDispatcher {
        /// The source.
        source: String,
    },
    /// The dispatcher as whose script it is run would not run it for this event.
    Unlike {
        /// Why.
        text: String,
    },
    /// The hook's name is masked.
    Masked {
        /// The file that masks it.
        path: String,
    },
    /// The hook wants only the newest event of an interface, and a newer one waits.
    Coalesced {
        /// The newer event.
        event: Uuid,
    },
    /// Another source's event told the same.
    Covered {
        /// That event.
        event: Uuid,
        /// What called, where the event as a whole is covered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<String>,
    },
    /// Another source tells of this as well, so nothing is run for this one.
    ToldElsewhere {
        /// The other source.
        source: String,
    },
    /// The event is for the rules alone, and the hook does not name its action.
    RulesOnly,
    /// The step ended in an earlier attempt.
    Finished,
    /// Somebody other than root could have changed the hook, or what runs it.
    NotTrusted {
        /// The file, or the folder on the way to it.
        path: String,
        /// What is wrong with that.
        flaw: Flaw,
    },
    /// A `# netcue:` line can't be understood.
    BadHeader {
        /// The file, where it is not the hook itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// Line, from 1.
        line: usize,
        /// Character in that line, from 1.
        column: usize,
        /// What is wrong there.
        text: String,
    },
    /// A hook in the engine's place has `wait=no`.
    RulesUnattended,
    /// The hook has been masked since the run was planned.
    MaskedSince,
    /// The account that a hook is to run as does not exist.
    NoAccount {
        /// Its name.
        user: String,
    },
    /// Something can't be done with a file or folder.
    File {
        /// What was tried, such as `read`.
        verb: String,
        /// With which file.
        path: String,
        /// The kernel's number for the error, where it was the kernel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errno: Option<i32>,
        /// What the kernel said, and what to do.
        text: String,
    },
    /// The kernel would not run a program.
    NotRunnable {
        /// The kernel's number for the error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errno: Option<i32>,
        /// What that means, and what to do.
        text: String,
    },
    /// A step exceeded its limit.
    TimeLimit {
        /// The limit.
        seconds: u64,
    },
    /// Another process makes rules, and does not come to an end.
    RulesBusy {
        /// That process, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<i32>,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The engine could not do its work.
    Engine {
        /// What the kernel or nftables said.
        text: String,
    },
    /// Steps failed.
    Steps {
        /// Their names.
        steps: Vec<String>,
    },
    /// Runs of it died.
    Died {
        /// How often.
        times: u32,
    },
    /// Runs of it were asked to end.
    Stopped {
        /// How often.
        times: u32,
    },
    /// Its file in the queue can't be used.
    QueueFile {
        /// Why.
        text: String,
    },
    /// It was put aside, and why.
    SetAside {
        /// Where it is now.
        path: String,
        /// Why.
        reason: Box<Reason>,
    },
    /// Its network namespace can't be entered any more.
    Namespace {
        /// Why.
        text: String,
    },
    /// It could not be queued, nor be handled at once.
    NotQueued {
        /// Why it could not be queued.
        error: String,
        /// Why it could not be handled.
        text: String,
    },
    /// A call was not understood.
    Call {
        /// The word that was wrong, at most 64 characters of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        word: Option<String>,
        /// Its place, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<usize>,
        /// What is wrong.
        text: String,
        /// What would be right.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<String>,
    },
    /// Events have caused one another: a loop of hooks.
    Loop {
        /// How many.
        events: u32,
        /// The last one before this.
        event: Uuid,
    },
    /// Too many events go back to one.
    TooMany {
        /// As many as there may be.
        events: u64,
        /// To which.
        event: Uuid,
    },
    /// Another program changed the rules, and `guard = "report"` leaves them so.
    GuardReports,
    /// Another program takes the rules out whenever they are put back.
    GuardYields,
    /// What an earlier version wrote down, or a later one.
    Text {
        /// Its words.
        text: String,
    },
}

/// What is wrong with a file that is not trusted, or with a folder on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Flaw {
    /// It belongs to somebody other than root.
    Owner {
        /// To whom.
        uid: u32,
    },
    /// A group may write to it.
    GroupWritable {
        /// Which.
        gid: u32,
    },
    /// Everybody may write to it.
    WorldWritable,
    /// The way doesn't end at a regular file.
    NoFile,
    /// It has no execute bit.
    NotExecutable,
    /// It is set-user-id or set-group-id.
    SetId,
    /// It is env(1), told by a `#!` line to do more than to look for a program.
    Unclear,
}

impl Reason {
    /// A step that was ended at its limit.
    #[must_use]
    pub fn time_limit(limit: Duration) -> Self {
        Self::TimeLimit { seconds: limit.as_secs() }
    }

    /// The same as a sentence whose subject is the step, such as "it is masked by …".
    #[must_use]
    pub fn as_sentence(&self) -> String {
        match self {
            Self::Unwanted { wish, wants, has } => {
                format!("it is filtered by {wish}={wants}, and this event has {has}")
            }
            Self::NotTrusted { path, flaw } => {
                format!("it is refused, because {}", flaw.in_words(path))
            }
            // As earlier versions wrote it.
            Self::Text { text } => match text.strip_prefix("not trusted: ") {
                Some(why) => format!("it is refused, because {why}"),
                None => text.clone(),
            },
            other => other.to_string(),
        }
    }

    /// What earlier versions wrote, as far as it has parts that matter to somebody.
    fn of_prose(text: String) -> Self {
        if let Some(steps) = text.strip_prefix("failed: ") {
            return Self::Steps { steps: steps.split(", ").map(str::to_owned).collect() };
        }
        let wants = text.strip_prefix("wants ").and_then(|said| said.split_once(", this is "));
        match wants.and_then(|(wish, has)| Some((wish.split_once('=')?, has))) {
            Some(((wish, wants), has)) => {
                let [wish, wants, has] = [wish, wants, has].map(str::to_owned);
                Self::Unwanted { wish, wants, has }
            }
            None => Self::Text { text },
        }
    }

    /// A kind of a later version: its own words if it has any, and else its parts.
    fn of_later_version(value: &Value) -> Self {
        let text = value.get("text").and_then(Value::as_str);
        Self::Text { text: text.map_or_else(|| value.to_string(), ToOwned::to_owned) }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => Self::of_prose(text),
            value => Self::deserialize(&value).unwrap_or_else(|_| Self::of_later_version(&value)),
        })
    }
}

impl From<&FileError> for Reason {
    fn from(error: &FileError) -> Self {
        Self::File {
            verb: error.verb.to_owned(),
            path: error.path.display().to_string(),
            errno: error.source.raw_os_error(),
            text: format!("{}{}", error.source, error.advice()),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwanted { wish, wants, has } => {
                write!(f, "wants {wish}={wants}, this is {has}")
            }
            Self::LeftToDispatcher { source } => {
                write!(f, "its own dispatcher runs it for events of {source}")
            }
            Self::Masked { path } => write!(f, "masked by {path}"),
            Self::Coalesced { event } => {
                write!(f, "coalesced: event {event} for the same interface is waiting")
            }
            Self::Covered { event, call: None } => {
                write!(f, "covered by {event}, which told the same")
            }
            Self::Covered { event, call: Some(call) } => {
                write!(f, "covered by {event}: {call} told of it")
            }
            Self::ToldElsewhere { source } => write!(f, "covered: {source} tells of it"),
            Self::RulesOnly => f.write_str("this is for the rules, and it names no action=rules"),
            Self::Finished => f.write_str("finished in an earlier attempt"),
            Self::NotTrusted { path, flaw } => write!(f, "not trusted: {}", flaw.in_words(path)),
            Self::BadHeader { file, line, text, .. } => {
                let file = file.as_ref().map(|file| format!("{file}, ")).unwrap_or_default();
                write!(f, "bad header in {file}line {line}: {text}")
            }
            Self::RulesUnattended => {
                f.write_str("wait=no: nothing else may begin before the rules")
            }
            Self::MaskedSince => f.write_str("it has been masked since"),
            Self::NoAccount { user } => write!(f, "user={user}: there is no such account"),
            Self::File { verb, path, text, .. } => write!(f, "can't {verb} {path}: {text}"),
            Self::TimeLimit { seconds } => write!(f, "it exceeded its time limit of {seconds} s"),
            Self::RulesBusy { pid, seconds } => {
                let who = pid.map(|pid| format!("process {pid}"));
                let who = who.unwrap_or_else(|| "another process".to_owned());
                write!(f, "{who} is making rules, and has been for {seconds} s")
            }
            Self::Steps { steps } => f.write_str(&steps.join(", ")),
            Self::Died { times } => write!(f, "its run died {times} times"),
            Self::Stopped { times } => write!(f, "its run was asked to end {times} times"),
            Self::SetAside { path, reason } => write!(f, "set aside as {path}: {reason}"),
            Self::NotQueued { error, text } => write!(f, "not queued: {error}; {text}"),
            Self::Call { word, position, text, expected } => {
                let place = position.map(|at| format!("word {at}: ")).unwrap_or_default();
                let word = word.as_ref().map(|word| format!("\"{word}\": ")).unwrap_or_default();
                let expected = expected.as_ref().map(|call| format!(" (expected: {call})"));
                write!(f, "{place}{word}{text}{}", expected.unwrap_or_default())
            }
            Self::Loop { events, event } => write!(
                f,
                "{events} events have caused one another, this one {event} last: a loop of hooks"
            ),
            Self::TooMany { events, event } => {
                write!(
                    f,
                    "{events} events go back to event {event}: hooks that make ever more of them"
                )
            }
            Self::GuardReports => f.write_str("guard = \"report\": the rules are left as they are"),
            Self::GuardYields => f.write_str(
                "put back five times within a minute, and taken out again: the next try is when \
                 that minute is over",
            ),
            Self::NotRunnable { text, .. }
            | Self::Engine { text }
            | Self::QueueFile { text }
            | Self::Unlike { text }
            | Self::Namespace { text }
            | Self::Text { text } => f.write_str(text),
        }
    }
}

impl Flaw {
    /// What is wrong with the file or folder at this path, and what mends it.
    #[must_use]
    pub fn in_words(self, path: &str) -> String {
        match self {
            Self::Owner { uid } => format!("{path} belongs to uid {uid}, not to root: chown root"),
            Self::GroupWritable { gid } => format!("{path} is writable by group {gid}: chmod g-w"),
            Self::WorldWritable => format!("{path} is writable by everybody: chmod o-w"),
            Self::NoFile => format!("{path} is not a regular file"),
            Self::NotExecutable => format!("{path} is not executable: chmod +x"),
            Self::SetId => format!("{path} is set-user-id or set-group-id: chmod u-s,g-s"),
            Self::Unclear => format!(
                "nobody can tell which program its #! line makes {path} run: name that program in \
                 the line"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Reason {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_kind_has_its_parts_and_comes_back_from_them() {
        let flaw = Flaw::GroupWritable { gid: 50 };
        let reason = Reason::NotTrusted { path: "/etc/netcue".to_owned(), flaw };
        let written = serde_json::to_value(&reason).unwrap();
        let parts = json!({
            "kind": "not-trusted", "path": "/etc/netcue",
            "flaw": { "kind": "group-writable", "gid": 50 },
        });
        assert_eq!(written, parts);
        assert_eq!(read(written), reason);
        assert_eq!(
            reason.to_string(),
            "not trusted: /etc/netcue is writable by group 50: chmod g-w"
        );
    }

    #[test]
    fn sentences_of_earlier_versions_are_read_as_what_they_tell() {
        let [wish, wants, has] = ["interface", "ppp*,wg0", "eth0"].map(str::to_owned);
        let unwanted = "wants interface=ppp*,wg0, this is eth0";
        assert_eq!(read(json!(unwanted)), Reason::Unwanted { wish, wants, has });
        assert_eq!(read(json!(unwanted)).to_string(), unwanted);
        let steps = ["30-a", "40-b"].map(str::to_owned).to_vec();
        assert_eq!(read(json!("failed: 30-a, 40-b")), Reason::Steps { steps });
        assert_eq!(read(json!("its run died 3 times")).to_string(), "its run died 3 times");
    }

    #[test]
    fn kinds_of_later_versions_are_not_lost() {
        let later = json!({ "kind": "load", "average": 90, "text": "the machine is too busy" });
        assert_eq!(read(later).to_string(), "the machine is too busy");
        let later = json!({ "kind": "load", "average": 90 });
        assert_eq!(read(later.clone()).to_string(), later.to_string());
    }
}
