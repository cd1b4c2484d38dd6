//! Not written yet.

use super::{Call, Refusal, Source, Trigger};
use crate::event::Facts;

pub(super) static SOURCE: Source = Source { name: "pcmcia", summary: "", triggers: &[], read };

fn read(_: &Call, _: &Trigger, facts: Facts) -> Result<Facts, Refusal> {
    Ok(facts)
}
