//! Somebody asked: `netcue emit`, a bare `ipmasq`, or `netcue from manual run` in a script.

use super::{Call, Reading, Refusal, Source, Trigger, Wait};
use crate::event::{Action, Facts, SourceName};

/// A person or a script.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("manual"),
    summary: "a person or a script that asks",
    triggers: &TRIGGERS,
};

static TRIGGERS: [Trigger; 2] = [
    Trigger {
        word: "run",
        action: Some(Action::Manual),
        // Who calls this wants the rules to stand when it returns, as ipmasq's did.
        wait: Wait::finish(60),
        usage: "",
        read: wordless,
        places: &[],
    },
    Trigger {
        word: "emit",
        action: Some(Action::Manual),
        wait: Wait::Foreground,
        usage: "",
        read: wordless,
        places: &[],
    },
];

/// What `from manual run` says: recompute, now.
#[must_use]
pub fn manual_run() -> Reading {
    let [run, _] = &TRIGGERS;
    Reading { source: &SOURCE, trigger: run, facts: run.facts() }
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
