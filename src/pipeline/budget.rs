//! How many events may go back to one: hooks that make several for each would make thousands
//! before their chain of causes is as long as it may be.

use uuid::Uuid;

use super::House;
use crate::event::Event;
use crate::sys::{files, folder, place};

/// Events that may have the same first cause.
pub(super) const MOST_EVENTS: u64 = 256;

/// How long a first cause is remembered: see [`super::CAUSES_AGE`].
const REMEMBERED: u64 = super::CAUSES_AGE.as_secs();

/// What is left for the events of one first cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// This one may be taken in.
    Enough,
    /// This is the first too many of that first cause.
    NoMore(Uuid),
    /// Nor is there anything left for this one, and that has been put on record.
    KnownToBeNoMore(Uuid),
}

/// Counts an event. Where the counter can't be written, nothing is held back.
pub(super) fn count(house: &House, event: &Event) -> Left {
    let Some(first) = event.first_cause else { return Left::Enough };
    let causes = house.layout.causes();
    let counter = causes.join(first.to_string());
    let number = files::make_private_folder(&causes).and_then(|()| files::tally(&counter));
    match number.unwrap_or_default() {
        0 => Left::Enough,
        1 => {
            forget_old_ones(house);
            Left::Enough
        }
        number if number <= MOST_EVENTS => Left::Enough,
        number if number == MOST_EVENTS + 1 => Left::NoMore(first),
        _ => Left::KnownToBeNoMore(first),
    }
}

fn forget_old_ones(house: &House) {
    let causes = house.layout.causes();
    for name in folder::names(&causes).unwrap_or_default() {
        let counter = causes.join(name);
        if place::age(&counter).is_some_and(|age| age > REMEMBERED) {
            files::remove_quietly(&counter);
        }
    }
}
