//! `/etc/netcue/netcue.conf`: what an administrator may set, and what holds otherwise.
//!
//! Every key is described in netcue.conf(5); a test holds the manual against this file.

mod adopt;
mod ports;

pub use adopt::Adopt;
pub use ports::{Door, Forward, Opening, Ports, Target, Transport};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::event::InterfaceName;

/// Largest configuration file in bytes.
pub const LARGEST: u64 = 1 << 20;

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Whether a failure of ours or of a hook is told to the caller as an exit status.
    pub strict: bool,
    /// `[rules]`.
    pub rules: Rules,
    /// `[hooks]`.
    pub hooks: Hooks,
    /// `[journal]`.
    pub journal: Journal,
    /// `[watch]`.
    pub watch: Watch,
    /// `[[adopt]]`: folders of other dispatchers whose scripts netcue runs, too.
    #[serde(deserialize_with = "adopt::each_once")]
    pub adopt: Vec<Adopt>,
    /// `[interface.NAME]`: what is said of one interface. [`parse`] moves it to the rules, which
    /// are made from it.
    interface: BTreeMap<InterfaceName, Interface>,
}

/// `[interface.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Interface {
    side: Side,
}

/// On which side an interface is, as an administrator says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Where strangers are.
    Outside,
    /// Where those are who may open connections to everywhere.
    Inside,
    /// Where those are who may open connections to the outside only.
    Guest,
    /// Nothing is decided about it, and nothing translated.
    Ignore,
}

/// `[rules]`: corrections to what the engine reads from the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Rules {
    /// The external interfaces, instead of those with a default route.
    pub external: Option<Vec<InterfaceName>>,
    /// External for packets going out only, instead of `external`.
    pub external_out: Option<Vec<InterfaceName>>,
    /// External for packets coming in only, instead of `external`.
    pub external_in: Option<Vec<InterfaceName>>,
    /// The internal interfaces, instead of all others that are up with an address.
    pub internal: Option<Vec<InterfaceName>>,
    /// Interfaces that are neither.
    pub ignore: Vec<InterfaceName>,
    /// The ports that are forwarded to the inside.
    pub forward: Vec<Forward>,
    /// Whether strangers and guests may open no connection to the machine itself.
    pub protect: bool,
    /// What they may all the same.
    pub open: Vec<Opening>,
    /// Whether internal IPv4 addresses are translated on their way out.
    pub masquerade: bool,
    /// Whether the TCP segment size is clamped to what the way of a connection takes.
    pub clamp_mss: bool,
    /// Whether connections are forgotten that changed rules would not have as they are.
    pub conntrack: bool,
    /// The sides that `[interface.NAME]` names.
    #[serde(skip)]
    pub sides: BTreeMap<InterfaceName, Side>,
    /// The administrator's own rules, if there is a file of them; these are not in this file.
    #[serde(skip)]
    pub own: Option<OwnRules>,
}

/// The files of `/etc/netcue/rules.d`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnRules {
    /// Those that may be loaded, in order: the path, and what is in it.
    pub files: Vec<(PathBuf, String)>,
    /// Those that may not, and why.
    pub refused: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            external: None,
            external_out: None,
            external_in: None,
            internal: None,
            ignore: Vec::new(),
            forward: Vec::new(),
            protect: false,
            open: Vec::new(),
            masquerade: true,
            clamp_mss: true,
            conntrack: true,
            sides: BTreeMap::new(),
            own: None,
        }
    }
}

/// `[hooks]`: limits for hooks that don't set their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hooks {
    /// Time limit of a hook in seconds: 1 to 86400, as in a hook's own header.
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    pub timeout: u64,
    /// Seconds between TERM and KILL when a hook exceeds its limit: at most 3600.
    #[serde(deserialize_with = "within::<_, _, 0, 3600>")]
    pub grace: u64,
    /// Most bytes of a hook's output that are kept: half its head, half its tail. At most
    /// a mebibyte, which the journal has to hold for every hook of every event.
    #[serde(deserialize_with = "within::<_, _, 0, 1_048_576>")]
    pub output: usize,
    /// Hooks that hold nobody run at a time: 1 to 1024; the others wait in their order.
    #[serde(deserialize_with = "within::<_, _, 1, 1024>")]
    pub unattended: u32,
}

impl Hooks {
    /// See [`Hooks::timeout`].
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// See [`Hooks::grace`].
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace)
    }
}

impl Default for Hooks {
    fn default() -> Self {
        Self { timeout: 60, grace: 10, output: 8192, unattended: 16 }
    }
}

/// `[journal]`: how much is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Journal {
    /// Bytes after which the journal is rotated: 1 to a tebibyte.
    #[serde(deserialize_with = "within::<_, _, 1, 1_099_511_627_776>")]
    pub size: u64,
    /// Rotated journals kept: at most 1000, each of which is renamed at every rotation.
    #[serde(deserialize_with = "within::<_, _, 0, 1000>")]
    pub keep: u32,
}

impl Default for Journal {
    fn default() -> Self {
        Self { size: 8 << 20, keep: 4 }
    }
}

/// `[watch]`: what the kernel's own news lead to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Watch {
    /// What is done about rules that another program changed.
    pub guard: Guard,
    /// Patterns of interfaces of which no event tells; the rules follow all.
    pub ignore: Vec<String>,
    /// Milliseconds without news after which the kernel's state is looked at: at most 1000.
    #[serde(deserialize_with = "within::<_, _, 0, 1000>")]
    pub quiet_ms: u64,
    /// Milliseconds without a change after which events tell what nobody told: at most a minute.
    #[serde(deserialize_with = "within::<_, _, 0, 60_000>")]
    pub settle_ms: u64,
    /// Milliseconds after which they do, though changes go on: at most ten minutes.
    #[serde(deserialize_with = "within::<_, _, 0, 600_000>")]
    pub settle_limit_ms: u64,
}

/// What is done about rules that another program changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// They are put back at once.
    Restore,
    /// It is put on record.
    Report,
    /// Nothing.
    Off,
}

impl Default for Watch {
    fn default() -> Self {
        let ignore = ["veth*", "docker*", "br-*", "cali*", "tap*"].map(ToOwned::to_owned).to_vec();
        let guard = Guard::Restore;
        Self { guard, ignore, quiet_ms: 100, settle_ms: 3000, settle_limit_ms: 10_000 }
    }
}

/// A number with which the program still keeps its promises.
fn within<'de, D, N, const LEAST: u64, const MOST: u64>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<u64>,
{
    let number = i64::deserialize(deserializer)?;
    u64::try_from(number)
        .ok()
        .filter(|number| (LEAST..=MOST).contains(number))
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| {
            let wanted = format!("{number}: wanted is a number from {LEAST} to {MOST}");
            serde::de::Error::custom(wanted)
        })
}

/// A configuration file that can't be used: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {reason}", path.display())]
pub struct BadConfig {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}

/// Reads the text of a configuration file; `path` names it in errors.
///
/// # Errors
/// When the text is not TOML, or a key or value is none that netcue knows.
pub fn parse(text: &str, path: &Path) -> Result<Config, BadConfig> {
    let read: Result<Config, _> = toml::from_str(text);
    let read = read.map(|mut config| {
        let said = std::mem::take(&mut config.interface);
        config.rules.sides = said.into_iter().map(|(name, it)| (name, it.side)).collect();
        config
    });
    read.map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        BadConfig {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
            reason: in_words(error.message()),
        }
    })
}

/// What serde says, for somebody who doesn't know its types. An unknown key is most often a
/// misspelt one: then that is said, and else which there are.
fn in_words(message: &str) -> String {
    let mistaken = message.strip_prefix("invalid type: ");
    if let Some((found, expected)) = mistaken.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{}: wanted is {}", found_in_words(found), expected_in_words(expected));
    }
    if let Some((unknown, known)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        let unknown = unknown.trim_matches('`');
        return format!("{unknown:?}: wanted is one of {}", quoted(known).join(" "));
    }
    if message == "missing field `side`" {
        return "a section about an interface needs side = \"outside\", \"inside\", \"guest\" or \
                \"ignore\""
            .to_owned();
    }
    let Some((unknown, known)) = message.strip_prefix("unknown field ").and_then(|rest| {
        let (unknown, known) = rest.split_once(", expected ")?;
        Some((unknown.trim_matches('`'), quoted(known)))
    }) else {
        return message.to_owned();
    };
    let distance = |key: &&str| strsim::damerau_levenshtein(unknown, key);
    let nearest = known.iter().copied().min_by_key(distance);
    match nearest.filter(|key| distance(key) <= 1 + unknown.chars().count() / 4) {
        Some(key) => format!("there is no key {unknown:?}; did you mean {key:?}?"),
        None => format!("there is no key {unknown:?} here; there are {}", known.join(" ")),
    }
}

/// A value as it stands in the file, or its kind.
fn found_in_words(found: &str) -> &str {
    match found {
        "sequence" => "a list",
        "map" => "a section",
        found => found.split_once(' ').map_or(found, |(_, value)| value.trim_matches('`')),
    }
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list, such as [\"ppp0\"]",
        "a boolean" => "true or false",
        "i64" => "a whole number",
        "a string" => "a name in quotes",
        "struct Written" => {
            "what is forwarded, such as { port = \"tcp/443\", to = \"192.168.1.10\" }"
        }
        "struct Interface" => "a section, such as [interface.eth1]",
        expected if expected.starts_with("struct ") => "a section, such as [rules]",
        "enum Side" => "outside, inside, guest or ignore, in quotes",
        "enum Guard" => "restore, report or off, in quotes",
        expected => expected,
    }
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_break_a_promise_is_refused_with_its_place() {
        for (text, refused) in [
            ("[hooks]\ntimeout = 9223372036854775807", "netcue.conf:2:11: 9223372036854775807: "),
            ("[hooks]\ntimeout = 0", "netcue.conf:2:11: 0: wanted is a number from 1 to 86400"),
            ("[hooks]\ngrace = -1", "netcue.conf:2:9: -1: "),
            ("[hooks]\noutput = 1000000000000", "netcue.conf:2:10: "),
            ("[journal]\nkeep = 4000000000", "netcue.conf:2:8: "),
            ("[journal]\nsize = 0", "netcue.conf:2:8: "),
        ] {
            let bad = parse(text, Path::new("netcue.conf")).unwrap_err().to_string();
            assert!(bad.starts_with(refused), "{bad}");
        }
        let good =
            "[hooks]\ntimeout = 86400\ngrace = 0\noutput = 0\n[journal]\nkeep = 0\nsize = 4096";
        assert_eq!(parse(good, Path::new("netcue.conf")).unwrap().hooks.timeout, 86400);
    }

    fn problem(text: &str) -> String {
        parse(text, Path::new("c")).map_or_else(|bad| bad.to_string(), |_| "good".to_owned())
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_what_may_be_meant() {
        for (text, expected) in [
            ("", "good"),
            ("strict = true\n[rules]\nexternal = [\"ppp0\"]\n", "good"),
            ("stritc = true", "c:1:1: there is no key \"stritc\"; did you mean \"strict\"?"),
            (
                "[rules]\n\n  extrenal = []\n",
                "c:3:3: there is no key \"extrenal\"; did you mean \"external\"?",
            ),
            (
                "[rules]\nclamp_mss = true\n",
                "c:2:1: there is no key \"clamp_mss\"; did you mean \"clamp-mss\"?",
            ),
            (
                "[journal]\nrotate = 3\n",
                "c:2:1: there is no key \"rotate\" here; there are size keep",
            ),
            ("[hooks]\ntimeout = \"ö\"\n", "c:2:11: \"ö\": wanted is a whole number"),
            (
                "[rules]\nexternal = \"ppp0\"\n",
                "c:2:12: \"ppp0\": wanted is a list, such as [\"ppp0\"]",
            ),
            ("[rules]\nexternal = [7]\n", "c:2:13: 7: wanted is a name in quotes"),
            ("[rules]\nmasquerade = 1\n", "c:2:14: 1: wanted is true or false"),
            ("[interface.eth1]\nside = \"guest\"\n", "good"),
            (
                "[interface.eth1]\nside = \"gast\"\n",
                "c:2:8: \"gast\": wanted is one of outside inside guest ignore",
            ),
            (
                "[interface.eth1]\n",
                "c:1:1: a section about an interface needs side = \"outside\", \"inside\", \
                 \"guest\" or \"ignore\"",
            ),
            ("[rules]\nforward = [{ port = \"tcp/443\", to = \"192.168.1.10\" }]\n", "good"),
            (
                "[rules]\nforward = [\n { port = \"tcp/90-80\", to = \"::10\" },\n]\n",
                "c:3:11: \"tcp/90-80\": wanted is tcp/PORT, udp/PORT or a range, such as tcp/80-90",
            ),
            (
                "[rules]\nforward = [{ port = \"tcp/80-90\", to = \"192.168.1.10:8080\" }]\n",
                "c:2:11: tcp/80-90 to 192.168.1.10:8080: a range of ports keeps its numbers",
            ),
            (
                "[rules]\nforward = [{ port = \"tcp/80\", to = \"::10\", from = \"10.0.0.0/8\" }]\n",
                "c:2:11: tcp/80 to ::10: \"from\" is of the other family",
            ),
            (
                "[rules]\nforward = [{ port = \"tcp/80\", to = \"::10\", from = \"2001:db8::1/64\" }]\n",
                "c:2:51: \"2001:db8::1/64\": there are bits behind the first 64",
            ),
            ("[rules]\nforward = [{ port = \"tcp/80\" }]\n", "c:2:12: missing field `to`"),
            (
                "[rules]\nforward = [{ prot = \"tcp/80\" }]\n",
                "c:2:14: there is no key \"prot\"; did you mean \"port\"?",
            ),
            (
                "[rules]\nforward = [\"tcp/80\"]\n",
                "c:2:12: \"tcp/80\": wanted is what is forwarded, such as { port = \"tcp/443\", to = \
                 \"192.168.1.10\" }",
            ),
            ("[rules]\nopen = [\"tcp/22 from 203.0.113.0/24\", \"udp/51820\", \"esp\"]\n", "good"),
            (
                "[rules]\nopen = [\"ssh\"]\n",
                "c:2:9: \"ssh\": wanted is tcp/PORT, udp/PORT, a range of these, or one of igmp ipencap \
                 ipv6 gre esp ah ospf vrrp l2tp",
            ),
            (
                "[rules]\nopen = [\"tcp/22 from home\"]\n",
                "c:2:9: \"home\": wanted is a network or an address, such as 203.0.113.0/24",
            ),
            ("strict = []\n", "c:1:10: a list: wanted is true or false"),
            ("rules = true\n", "c:1:9: true: wanted is a section, such as [rules]"),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
        assert!(problem("a = \n").starts_with("c:1:"), "{}", problem("a = \n"));
    }
}
