//! Everything that could need attention, as one list: each check a function over what was
//! examined. `status`, `doctor`, `why`, `metrics` and `report` say what it finds, and nothing else.

mod adopted;
mod callers;
mod examine;
mod firewalls;
mod hook_files;
mod machine;
mod runs;
mod unit;
mod watch;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::answers::shared::when;
use crate::integrate::Seen;
use crate::sys::foreign::Chain;
use crate::sys::systemd::Unit;
use adopted::Adopted;
pub(crate) use examine::{Cost, Looked, heard, look};
pub(crate) use hook_files::{Problem, of_those_that_run, problems, problems_outside};
pub(crate) use runs::Runs;
pub(crate) use work::{AtWork, is_held};

/// How a matter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// Something has to be done.
    Attention,
    /// It can't be told.
    Unknown,
}

/// What it means for the machine if a check finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Events are not handled, or packets do not go where they should.
    Critical,
    /// Something is lost or done badly, and the rest goes on.
    Warning,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The check, by its id.
    pub(crate) check: &'static str,
    /// How it stands.
    pub(crate) state: State,
    /// How bad it is where it needs attention.
    pub(crate) severity: Severity,
    /// What was found.
    pub(crate) what: String,
    /// Since when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
    /// What to do about it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_do: Option<String>,
    /// The command that mends it, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    /// The source or hook it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    /// Whether the check costs little enough to be made at every event.
    pub(crate) cheap: bool,
}

impl Finding {
    fn ok(what: impl Into<String>) -> Self {
        Self {
            check: "",
            state: State::Ok,
            severity: Warning,
            what: what.into(),
            since: None,
            to_do: None,
            command: None,
            about: None,
            cheap: true,
        }
    }

    fn attention(what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { state: State::Attention, to_do: Some(to_do.into()), ..Self::ok(what) }
    }

    fn unknown(what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { state: State::Unknown, ..Self::attention(what, to_do) }
    }

    fn since(self, since: Option<Timestamp>) -> Self {
        Self { since, ..self }
    }

    fn mended_by(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }

    fn about(self, name: impl Into<String>) -> Self {
        Self { about: Some(name.into()), ..self }
    }

    /// What was found, and since when.
    pub(crate) fn in_words(&self) -> String {
        let since = self.since.map(|since| format!(", since {}", when::brief(since)));
        format!("{}{}", self.what, since.unwrap_or_default())
    }

    /// Whether somebody should look at it.
    pub(crate) fn needs_attention(&self) -> bool {
        self.state == State::Attention
    }
}

/// What was examined. An error stands for what could not be found out.
#[derive(Debug)]
pub(crate) struct Examined {
    /// The places of the sources.
    pub(crate) seen: Seen,
    /// The configuration file.
    pub(crate) configuration: PathBuf,
    /// Why it can't be used, and what holds instead.
    pub(crate) bad_configuration: Option<String>,
    /// Hooks that may run.
    pub(crate) hooks: usize,
    /// Files in the hook folders that don't run.
    pub(crate) refused: Vec<RefusedHook>,
    /// Hook folders that are there and can't be read, and why.
    pub(crate) unreadable: Vec<String>,
    /// What hooks that may run say without its being meant, each with its place.
    pub(crate) odd_hooks: Vec<String>,
    /// Other dispatchers' folders whose scripts are run, too.
    pub(crate) adopted: Vec<Adopted>,
    /// The file that takes the place of the built-in engine, if one does.
    pub(crate) engine_replaced: Option<PathBuf>,
    /// When each source was last heard of.
    pub(crate) heard: Result<BTreeMap<String, Timestamp>, String>,
    /// Whether one that is missing there was never heard of, as far as anybody remembers.
    pub(crate) heard_whole: bool,
    /// Why the newest events can't be read, if they can't.
    pub(crate) unread: Option<String>,
    /// Why the journal, the queue and the folder above it can't be written to.
    pub(crate) unwritable: Vec<String>,
    /// Whether we may see what only root may.
    pub(crate) is_root: bool,
    /// What time it is.
    pub(crate) now: Timestamp,
    /// Who is at work, at what, and what waits for it.
    pub(crate) work: AtWork,
    /// How the kernel is heard; none where that is not wanted.
    pub(crate) watch: Option<watch::Watching>,
    /// netcue's own unit; none where systemd does not run.
    pub(crate) unit: Option<OwnUnit>,
    /// How the hooks that are there now ended lately, and the rules.
    pub(crate) runs: Vec<Runs>,
    /// Calls that were refused lately, and no later one of the kind was taken: whose, when the
    /// first and why the last.
    pub(crate) refused_calls: Vec<runs::RefusedCalls>,
    /// Sources that are switched off and call all the same, and since when.
    pub(crate) unheeded: BTreeMap<String, Timestamp>,
    /// The folder of what was set aside, and how much is in it.
    pub(crate) failed: (PathBuf, Result<usize, String>),
    /// Where handing events on to others fails, or has lost some.
    pub(crate) handing_on: Vec<String>,
    /// Scripts that are run before netcue's link in a folder, and have not ended.
    pub(crate) ahead: Vec<Ahead>,
    /// Scripts that run what is in a folder, and may not be run themselves.
    pub(crate) not_executable: Vec<(&'static str, PathBuf)>,
    /// Who alone may change netcue's table, if that is another process.
    pub(crate) owner: Option<Owner>,
    /// The executable scripts with which an administrator can take the place of the
    /// folders in `/etc/ppp`, with their text.
    pub(crate) locals: Vec<(PathBuf, String)>,
    /// What the kernel says.
    pub(crate) kernel: Result<Kernel, Deaf>,
    /// Whether the rules in the kernel are those that its state calls for.
    pub(crate) in_force: Result<bool, Deaf>,
    /// What the engine could not understand, or has to be told more about, in words.
    pub(crate) sides: Vec<String>,
    /// The chains of all programs in `nf_tables`.
    pub(crate) chains: Result<Vec<Chain>, String>,
    /// The chains of iptables-legacy, IPv4 and IPv6.
    pub(crate) legacy: Result<Vec<Chain>, String>,
}

/// A script that is run before netcue's link in a folder, and has not ended.
#[derive(Debug, Clone)]
pub(crate) struct Ahead {
    /// For which source the link is.
    pub(crate) source: &'static str,
    /// The script.
    pub(crate) script: PathBuf,
    /// Netcue's link.
    pub(crate) link: PathBuf,
    /// The process that runs it.
    pub(crate) pid: i32,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// The process that alone may change a table (`flags owner`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// In words.
    pub(crate) who: String,
    /// Its number, as far as its netlink port tells.
    pub(crate) port: u32,
}

/// A file in a hook folder that does not run.
#[derive(Debug, Clone)]
pub(crate) struct RefusedHook {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) why: String,
    /// The command that mends it, where one does.
    pub(crate) mend: Option<String>,
}

/// How netcue's own unit stands.
#[derive(Debug)]
pub(crate) struct OwnUnit {
    /// What systemd says of netcue-queue.path and netcue-queue.service; none where it was not
    /// asked, which takes another program.
    pub(crate) asked: Option<(Result<Unit, String>, Result<Unit, String>)>,
    /// Whether netcue-queue.path is installed.
    pub(crate) is_installed: bool,
    /// Whether netcue-queue.socket listens.
    pub(crate) listens: bool,
}

/// Why the kernel did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deaf {
    /// Whether it can't, rather than won't.
    pub(crate) lacks: bool,
    /// In words.
    pub(crate) why: String,
}

/// What the kernel says about forwarding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "two facts, for each of two families")]
pub(crate) struct Kernel {
    /// There is an inside, and a way outside for it, over IPv4.
    pub(crate) passes4: bool,
    /// The same over IPv6.
    pub(crate) passes6: bool,
    /// `net.ipv4.ip_forward`.
    pub(crate) forwards4: bool,
    /// `net.ipv6.conf.all.forwarding`.
    pub(crate) forwards6: bool,
}

/// One check.
struct Check {
    /// By which faces and programs call it.
    id: &'static str,
    severity: Severity,
    /// Whether it costs little: it runs no other program.
    cheap: bool,
    judge: fn(&Examined) -> Vec<Finding>,
}

const fn check(
    id: &'static str,
    severity: Severity,
    judge: fn(&Examined) -> Vec<Finding>,
) -> Check {
    Check { id, severity, cheap: true, judge }
}

use Severity::{Critical, Warning};

/// Every check, in the order in which they are shown.
const CHECKS: [Check; 25] = [
    check("configuration", Warning, machine::configuration),
    check("journal", Critical, machine::journal),
    check("storage", Critical, machine::writable),
    check("records", Warning, work::records),
    check("lock", Critical, work::lock),
    check("running", Warning, work::running),
    check("queue", Critical, work::queue),
    Check { id: "unit", severity: Warning, cheap: false, judge: unit::unit },
    check("set-aside", Warning, machine::failed),
    check("handing-on", Warning, machine::handing_on),
    check("hooks", Warning, machine::hooks),
    check("adopted", Warning, adopted::adopted),
    check("failing", Warning, runs::failing),
    check("calls", Warning, runs::calls),
    check("program", Critical, callers::program),
    check("sources", Warning, callers::sources),
    check("wrapper", Critical, callers::wrapper),
    check("boot", Warning, callers::boot),
    check("dialling", Warning, callers::dialling),
    check("watch", Critical, watch::watch),
    check("nf_tables", Critical, machine::nf_tables),
    check("rules", Critical, machine::rules),
    check("sides", Warning, machine::sides),
    check("forwarding", Critical, machine::forwarding),
    check("firewalls", Critical, firewalls::others),
];

/// The ids of all checks.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|check| check.id)
}

/// Makes every check.
fn findings(examined: &Examined) -> Vec<Finding> {
    let of = |check: &Check| {
        let Check { id, severity, cheap, judge } = *check;
        let stamp = move |finding| Finding { check: id, severity, cheap, ..finding };
        judge(examined).into_iter().map(stamp).collect::<Vec<_>>()
    };
    CHECKS.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::place::Thing;

    /// A machine on which nothing is wrong.
    fn healthy() -> Examined {
        Examined {
            seen: Seen::default(),
            configuration: "/etc/netcue/netcue.conf".into(),
            bad_configuration: None,
            hooks: 0,
            refused: Vec::new(),
            unreadable: Vec::new(),
            odd_hooks: Vec::new(),
            adopted: Vec::new(),
            engine_replaced: None,
            heard: Ok(BTreeMap::new()),
            heard_whole: true,
            unread: None,
            unwritable: Vec::new(),
            is_root: true,
            now: Timestamp::UNIX_EPOCH,
            work: AtWork {
                holding: None,
                running: None,
                waiting: Ok(Vec::new()),
                longest_wait: 60,
                grace: 5,
                overdue: Vec::new(),
                unrecorded: false,
                lost: Vec::new(),
            },
            runs: Vec::new(),
            refused_calls: Vec::new(),
            unheeded: BTreeMap::new(),
            watch: None,
            unit: None,
            failed: ("/run/netcue/failed".into(), Ok(0)),
            handing_on: Vec::new(),
            ahead: Vec::new(),
            not_executable: Vec::new(),
            owner: None,
            locals: Vec::new(),
            kernel: Ok(Kernel { passes4: true, forwards4: true, ..Kernel::default() }),
            in_force: Ok(true),
            sides: Vec::new(),
            chains: Ok(Vec::new()),
            legacy: Ok(Vec::new()),
        }
    }

    fn troubles(examined: &Examined) -> Vec<(&'static str, State)> {
        let findings = findings(examined);
        let troubles = findings.iter().filter(|finding| finding.state != State::Ok);
        troubles.map(|finding| (finding.check, finding.state)).collect()
    }

    #[test]
    fn the_line_for_a_wrapper_calls_the_program_where_it_is() {
        let script = |text: &str| Thing::File(text.as_bytes().to_vec());
        let seen = Seen::made_up([
            ("/usr/local/sbin/netcue", script("")),
            ("/etc/ppp/ip-up", script("[ -x /etc/ppp/ip-up.local ] && exec /etc/ppp/ip-up.local")),
        ]);
        let locals = vec![("/etc/ppp/ip-up.local".into(), "route add".to_owned())];
        let findings = callers::wrapper(&Examined { seen, locals, ..healthy() });
        let to_do: Vec<&str> = findings.iter().filter_map(|f| f.to_do.as_deref()).collect();
        assert_eq!(to_do, ["put this line into it: /usr/local/sbin/netcue from ppp ip-up \"$@\""]);
    }

    /// What can't be had for a test: another kernel.
    #[test]
    fn a_kernel_without_nf_tables() {
        assert_eq!(troubles(&healthy()), []);
        let deaf = |lacks| Err(Deaf { lacks, why: "why".to_owned() });
        let bare = Examined { in_force: deaf(true), ..healthy() };
        assert_eq!(troubles(&bare), [("nf_tables", State::Attention)]);
        let denied = Examined { in_force: deaf(false), ..healthy() };
        assert_eq!(troubles(&denied), [("nf_tables", State::Unknown)]);
    }
}
