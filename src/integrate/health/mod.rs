//! Everything that could keep netcue from doing its job: each check a function over what
//! was examined.

mod callers;
mod firewalls;
mod machine;
mod unit;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::Seen;
use crate::sys::foreign::Chain;
use crate::sys::systemd::Unit;

/// How a matter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Something has to be done.
    Attention,
    /// It can't be told.
    Unknown,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in one word.
    pub check: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, state: State::Ok, what: what.into(), to_do: None }
    }

    fn attention(check: &'static str, what: impl Into<String>, to_do: impl Into<String>) -> Self {
        let to_do = Some(to_do.into());
        Self { check, state: State::Attention, what: what.into(), to_do }
    }

    fn unknown(check: &'static str, what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { state: State::Unknown, ..Self::attention(check, what, to_do) }
    }
}

/// What was examined. An error stands for what could not be found out.
#[derive(Debug)]
pub struct Examined {
    /// The places of the sources.
    pub seen: Seen,
    /// The configuration file.
    pub configuration: PathBuf,
    /// Why it can't be used, and what holds instead.
    pub bad_configuration: Option<String>,
    /// Hooks that may run.
    pub hooks: usize,
    /// Files in the hook folders that don't run, and why.
    pub refused: Vec<(PathBuf, String)>,
    /// Hook folders that are there and can't be read, and why.
    pub unreadable: Vec<String>,
    /// What hooks that may run say without its being meant, each with its place.
    pub odd_hooks: Vec<String>,
    /// The file that takes the place of the built-in engine, if one does.
    pub engine_replaced: Option<PathBuf>,
    /// When each source was last heard of.
    pub heard: Result<BTreeMap<String, Timestamp>, String>,
    /// Whether one that is missing there was never heard of, as far as anybody remembers.
    pub heard_whole: bool,
    /// Why the journal, the queue and the folder above it can't be written to.
    pub unwritable: Vec<String>,
    /// Whether we may see what only root may.
    pub is_root: bool,
    /// How old the oldest waiting event is in seconds, and how many wait.
    pub waiting: Result<Option<(u64, usize)>, String>,
    /// netcue's own unit; none where systemd does not run.
    pub unit: Option<OwnUnit>,
    /// Whether nobody holds the lock.
    pub idle: bool,
    /// The longest time in seconds that an event has to wait if all is well.
    pub longest_wait: u64,
    /// The folder of what was set aside, and how much is in it.
    pub failed: (PathBuf, Result<usize, String>),
    /// Where handing events on to others fails, or has lost some.
    pub handing_on: Vec<String>,
    /// The executable scripts with which an administrator can take the place of the
    /// folders in `/etc/ppp`, with their text.
    pub locals: Vec<(PathBuf, String)>,
    /// What the kernel says.
    pub kernel: Result<Kernel, Deaf>,
    /// Whether the rules in the kernel are those that its state calls for.
    pub in_force: Result<bool, Deaf>,
    /// What the engine could not understand, or has to be told more about, in words.
    pub sides: Vec<String>,
    /// The chains of all programs in `nf_tables`.
    pub chains: Result<Vec<Chain>, String>,
    /// The chains of iptables-legacy, IPv4 and IPv6.
    pub legacy: Result<Vec<Chain>, String>,
}

/// How netcue's own unit stands.
#[derive(Debug)]
pub struct OwnUnit {
    /// netcue-queue.path.
    pub path: Result<Unit, String>,
    /// netcue-queue.service.
    pub service: Result<Unit, String>,
    /// Whether netcue-queue.socket listens.
    pub listens: bool,
}

/// Why the kernel did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deaf {
    /// Whether it can't, rather than won't.
    pub lacks: bool,
    /// In words.
    pub why: String,
}

/// What the kernel says about forwarding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "two facts, for each of two families")]
pub struct Kernel {
    /// There is an inside, and a way outside for it, over IPv4.
    pub passes4: bool,
    /// The same over IPv6.
    pub passes6: bool,
    /// `net.ipv4.ip_forward`.
    pub forwards4: bool,
    /// `net.ipv6.conf.all.forwarding`.
    pub forwards6: bool,
}

/// Every check, in the order in which they are shown.
const CHECKS: [fn(&Examined) -> Vec<Finding>; 17] = [
    machine::configuration,
    machine::writable,
    machine::queue,
    unit::unit,
    machine::failed,
    machine::handing_on,
    machine::hooks,
    callers::program,
    callers::sources,
    callers::wrapper,
    callers::boot,
    callers::dialling,
    machine::nf_tables,
    machine::rules,
    machine::sides,
    machine::forwarding,
    firewalls::others,
];

/// Runs every check.
#[must_use]
pub fn findings(examined: &Examined) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(examined)).collect()
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
            engine_replaced: None,
            heard: Ok(BTreeMap::new()),
            heard_whole: true,
            unwritable: Vec::new(),
            is_root: true,
            waiting: Ok(None),
            unit: None,
            idle: true,
            longest_wait: 60,
            failed: ("/run/netcue/failed".into(), Ok(0)),
            handing_on: Vec::new(),
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
