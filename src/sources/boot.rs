//! Not written yet.

use super::{Call, Refusal, Source, Trigger};
use crate::event::{Facts, SourceName};

pub(super) static SOURCE: Source = Source { name: SourceName::fixed("boot"), summary: "", triggers: &[], read };

fn read(_: &Call<'_'>, _: &Trigger, facts: Facts) -> Result<Facts, Refusal> {
    Ok(facts)
}
