//! What a run of a hook came to, and whether the next one came to the same.

use crate::engine;
use crate::journal::{StepEnd, StepOutcome};
use crate::paths::Layout;
use crate::sys::{sandbox, traces};

/// One run.
pub(super) struct Run {
    pub(super) end: StepEnd,
    /// What it changed that can be seen: lines behind `+` and `-`.
    pub(super) changes: Vec<String>,
}

impl Run {
    pub(super) fn of(end: StepEnd, before: &str, after: &str) -> Self {
        let changes = engine::lines(before, after);
        Self { end, changes: changes.iter().map(ToString::to_string).collect() }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.end.outcome.is_failure() || self.end.outcome == StepOutcome::Interrupted
    }
}

/// Those there were.
#[derive(Default)]
pub(super) struct Runs {
    pub(super) all: Vec<Run>,
}

impl Runs {
    /// Two, unless the first was cut off or could not begin.
    pub(super) fn wants_another(&self) -> bool {
        match self.all.as_slice() {
            [] => true,
            [first] => {
                matches!(
                    first.end.outcome,
                    StepOutcome::Done | StepOutcome::NotForMe | StepOutcome::Failed
                )
            }
            _ => false,
        }
    }

    /// What the second run did otherwise, or once more; none if there was no second.
    pub(super) fn differences(&self) -> Option<Vec<String>> {
        let [first, second] = self.all.as_slice() else { return None };
        let mut told = Vec::new();
        if ending(first) != ending(second) {
            told.push(format!("it ended otherwise: {}, then {}", ending(first), ending(second)));
        }
        told.extend(second.changes.iter().map(|line| format!("it changed again: {line}")));
        if first.end.output != second.end.output {
            told.push("it said something else".to_owned());
        }
        Some(told)
    }

    /// Whether the second run ended as the first and changed nothing more; none if there was
    /// no second.
    pub(super) fn is_harmless(&self) -> Option<bool> {
        let [first, second] = self.all.as_slice() else { return None };
        Some(ending(first) == ending(second) && second.changes.is_empty())
    }
}

fn ending(run: &Run) -> String {
    crate::answers::shared::wording::how_it_ended(&run.end)
}

/// All that can be seen of what hooks changed, but for what netcue itself writes.
pub(super) fn traces(layout: &Layout) -> String {
    let own = [Some(layout.runtime()), layout.journal().parent().map(std::path::Path::to_owned)];
    let own: Vec<_> = own.into_iter().flatten().collect();
    let mut lines = traces::of_network();
    lines.extend(traces::of_files(&sandbox::writable(layout.root()), &own));
    lines.join("\n")
}
