//! The start of the machine: what units and init scripts say at their place in the order.
//!
//! The stages are those that ipmasq asked for when it was installed, plus the two that
//! systemd brought. Nothing is read from stdin: under sysvinit it is the console, and a
//! read would hold the boot.

use super::{Call, Refusal, Source, Trigger, Wait};
use crate::event::{Action, Facts, SourceName};

pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("boot"),
    summary: "systemd units and init scripts, at a stage of the start",
    triggers: &[
        // The boot must not go on before the rules stand.
        word("pre-network", Some(Action::Boot), Wait::finish(30)),
        word("interfaces", Some(Action::Boot), Wait::Foreground),
        word("filesystems", Some(Action::Boot), Wait::Foreground),
        word("services", Some(Action::Boot), Wait::Foreground),
        word("network-online", Some(Action::Boot), Wait::Foreground),
        // What rc tells every init script. It has no stage: where it stands, the
        // script's header says and we can't know.
        word("start", Some(Action::Boot), Wait::Foreground),
        word("stop", None, Wait::Foreground),
        word("apply", Some(Action::Manual), Wait::Foreground),
        // The other words that Debian's policy wants an init script to know.
        word("restart", Some(Action::Manual), Wait::Foreground),
        word("force-reload", Some(Action::Manual), Wait::Foreground),
        word("status", None, Wait::Foreground),
    ],
    read,
};

const fn word(word: &'static str, action: Option<Action>, wait: Wait) -> Trigger {
    Trigger { word, action, wait, usage: "", places: &[] }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn read(call: &Call<'_>, trigger: &Trigger, mut facts: Facts) -> Result<Facts, Refusal> {
    call.at_most(0, &mut facts);
    if trigger.action == Some(Action::Boot) && trigger.word != "start" {
        facts.detail_text("stage", trigger.word);
    }
    // Under sysvinit the environment also holds what the kernel did not understand of
    // its command line, so a variable of init's is not init's for sure.
    match call.variable("RUNLEVEL", &mut facts) {
        "" => {}
        level @ ("0" | "1" | "2" | "3" | "4" | "5" | "6" | "S" | "s") => {
            facts.detail_text("runlevel", level);
        }
        _ => facts.warn("RUNLEVEL", "none of 0 to 6 and S"),
    }
    Ok(facts)
}
