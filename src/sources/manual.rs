//! Somebody asked: `netcue emit`, a bare `ipmasq`, or `netcue from manual run` in a script.

use super::{Attach, Call, Manners, Reading, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// A person or a script.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("manual"),
    summary: "a person or a script that asks",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &TRIGGERS,
    attach: Attach::NOTHING,
};

static TRIGGERS: [Trigger; 2] = [
    // Who calls this wants the rules to stand when it returns, as ipmasq's did.
    Trigger::new("run", Some(Action::Manual), Wait::finish(60), "", wordless),
    Trigger::new("emit", Some(Action::Manual), Wait::InPlace, "", wordless),
];

/// What `from manual run` says: recompute, now.
#[must_use]
pub fn manual_run() -> Reading {
    let [run, _] = &TRIGGERS;
    Reading { source: &SOURCE, trigger: run, facts: run.facts(run.word) }
}

/// Facts that somebody made by hand.
#[must_use]
pub fn manual_emit(facts: Facts) -> Reading {
    let [_, emit] = &TRIGGERS;
    Reading { source: &SOURCE, trigger: emit, facts }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn wordless(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_most(0, facts);
    Ok(())
}
