//! The start of the machine: what units and init scripts say at their place in the order.
//!
//! The stages are those that ipmasq asked for when it was installed, plus the two that
//! systemd brought. Nothing is read from stdin: under sysvinit it is the console, and a
//! read would hold the boot.

use super::{Attach, Call, Manners, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// The start of the machine.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("boot"),
    summary: "systemd units and init scripts, at a stage of the start",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        // The boot must not go on before the rules stand.
        stage("pre-network", Wait::finish(30)),
        stage("interfaces", Wait::InPlace),
        stage("filesystems", Wait::InPlace),
        stage("services", Wait::InPlace),
        stage("network-online", Wait::InPlace),
        // What rc tells every init script. It has no stage: where it stands, the
        // script's header says and we can't know.
        word("start", Some(Action::Boot)),
        word("stop", None),
        word("apply", Some(Action::Manual)),
        // The other words that Debian's policy wants an init script to know.
        word("restart", Some(Action::Manual)),
        word("force-reload", Some(Action::Manual)),
        word("status", None),
    ],
    attach: Attach::NOTHING,
};

const fn stage(word: &'static str, wait: Wait) -> Trigger {
    Trigger::new(word, Some(Action::Boot), wait, "", staged)
}

const fn word(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::InPlace, "", plain)
}

fn staged(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.detail_text("stage", trigger.word);
    plain(call, trigger, facts)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn plain(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_most(0, facts);
    // Under sysvinit the environment also holds what the kernel did not understand of
    // its command line, so a variable of init's is not init's for sure.
    match call.variable("RUNLEVEL", facts) {
        "" => {}
        level @ ("0" | "1" | "2" | "3" | "4" | "5" | "6" | "S" | "s") => {
            facts.detail_text("runlevel", level);
        }
        _ => facts.warn("RUNLEVEL", "none of 0 to 6 and S"),
    }
    Ok(())
}
