//! The note in a lock: who holds it, which work is in hand, and what became of that before.

use std::io;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Ticket;
use crate::reason::Reason;
use crate::sys::lock::Lock;
use crate::sys::processes::Identity;

/// What stands in a lock's record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The process that holds the lock; none if it was left in order.
    pub holder: Option<Holder>,
    /// The work that was begun and, unless somebody holds the lock, did not get through.
    pub in_hand: Option<InHand>,
}

/// A process: its number is given to others once it is dead, its number and start are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    pub start: u64,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn ours() -> Self {
        let Identity { pid, start } = Identity::ours();
        Self { pid, start }
    }

    /// Whether it lives.
    #[must_use]
    pub fn is_alive(self) -> bool {
        Identity { pid: self.pid, start: self.start }.is_alive()
    }

    /// Whether it started this process, be it by way of others.
    #[must_use]
    pub fn is_our_ancestor(self) -> bool {
        Identity { pid: self.pid, start: self.start }.is_our_ancestor()
    }
}

/// Work that was begun. A successor that finds it knows that the run did not get through,
/// and whether that was a death or a request to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InHand {
    /// Its file in the queue, which an event that could not be queued never had.
    pub ticket: String,
    /// The event, or the one whose hook it is.
    pub event_id: Uuid,
    /// How often its run died so far.
    pub deaths: u32,
    /// How often its run was asked to stop before this one.
    pub stops: u32,
    /// How far this run got.
    pub state: State,
}

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was begun.
    Begun,
    /// It was asked to stop; it did not die.
    Stopped,
    /// It has ended, though the journal may not say so.
    Ended,
    /// The work is about to be set aside.
    GivenUp,
}

impl InHand {
    /// How often work may cost a run its life before it is given up.
    pub const MOST_DEATHS: u32 = 3;

    /// How often a run may be asked to stop before its work is given up: more often than
    /// anybody has a reason to, so that it must be the work's own hook that asks.
    pub const MOST_STOPS: u32 = 10;

    /// A first run of that work.
    #[must_use]
    pub fn first(ticket: &Ticket, event_id: Uuid) -> Self {
        let ticket = ticket.as_str().to_owned();
        Self { ticket, event_id, deaths: 0, stops: 0, state: State::Begun }
    }

    /// The next run, after one that did not get through.
    #[must_use]
    pub fn again(&self) -> Self {
        let (died, stopped) = match self.state {
            State::Stopped => (0, 1),
            State::Begun => (1, 0),
            State::Ended | State::GivenUp => (0, 0),
        };
        Self {
            deaths: self.deaths.saturating_add(died),
            stops: self.stops.saturating_add(stopped),
            state: State::Begun,
            ..self.clone()
        }
    }

    /// Why it is not tried again, if it isn't.
    #[must_use]
    pub fn why_given_up(&self) -> Option<Reason> {
        if self.deaths >= Self::MOST_DEATHS {
            Some(Reason::Died { times: self.deaths })
        } else if self.stops >= Self::MOST_STOPS {
            Some(Reason::Stopped { times: self.stops })
        } else {
            None
        }
    }
}

impl Note {
    /// Reads a note; what is none counts as one that was left in order.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The note as it stands in the lock.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Writes it into a lock.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn leave_in(&self, lock: &Lock) -> io::Result<()> {
        lock.write_record(&self.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_and_stops_add_up_each_by_themselves() {
        let first = InHand::first(&Ticket("a".into()), Uuid::nil());
        let second = first.again();
        assert_eq!((second.deaths, second.stops), (1, 0));
        let third = InHand { state: State::Stopped, ..second }.again();
        assert_eq!((third.deaths, third.stops), (1, 1));
        let fourth = third.again().again();
        assert_eq!(fourth.why_given_up(), Some(Reason::Died { times: 3 }));
        let asked = InHand { stops: 10, ..first };
        assert_eq!(asked.why_given_up(), Some(Reason::Stopped { times: 10 }));
    }

    #[test]
    fn the_longest_note_has_its_place_in_a_record() {
        let ticket = Ticket("x".repeat(255));
        let in_hand = InHand {
            deaths: u32::MAX,
            stops: u32::MAX,
            state: State::GivenUp,
            ..InHand::first(&ticket, Uuid::max())
        };
        let holder = Holder { pid: i32::MIN, start: u64::MAX };
        let note = Note { holder: Some(holder), in_hand: Some(in_hand) };
        assert!(note.to_bytes().len() < crate::sys::lock::RECORD);
        let mut padded = note.to_bytes();
        padded.resize(crate::sys::lock::RECORD, b' ');
        assert_eq!(Note::from_bytes(&padded), note);
        for none in [&b""[..], b" \n", b"{\"holder\":"] {
            assert_eq!(Note::from_bytes(none), Note::default());
        }
    }
}
