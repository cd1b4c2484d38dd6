//! The note in the lock: which event is being handled, and what became of it before.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Ticket;

/// Left in the lock when an event is begun. A successor that finds it knows that the run
/// did not get through, and whether that was a death or a request to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The file of the event in hand.
    pub ticket: String,
    /// The event in hand.
    pub event_id: Uuid,
    /// How often its run died so far.
    pub deaths: u32,
    /// How often its run was asked to stop before this one.
    #[serde(default)]
    pub stops: u32,
    /// Whether the run was asked to stop; it did not die then.
    pub stopped: bool,
}

impl Note {
    /// How often an event may cost a run its life before it is set aside.
    pub const MOST_DEATHS: u32 = 3;

    /// How often a run of an event may be asked to stop before it is set aside: more often
    /// than anybody has a reason to, so that it must be the event's own hook that asks.
    pub const MOST_STOPS: u32 = 10;

    /// The note for a first run of an event.
    #[must_use]
    pub fn begin(ticket: &Ticket, event_id: Uuid) -> Self {
        Self { ticket: ticket.as_str().to_owned(), event_id, deaths: 0, stops: 0, stopped: false }
    }

    /// The note for the next run, from the one the last run left: for another event, or
    /// none, it starts over.
    #[must_use]
    pub fn after(self, last: Option<&Self>) -> Self {
        match last {
            Some(last) if last.ticket == self.ticket => {
                let died = u32::from(!last.stopped);
                Self {
                    deaths: last.deaths.saturating_add(died),
                    stops: last.stops.saturating_add(u32::from(last.stopped)),
                    ..self
                }
            }
            _ => self,
        }
    }

    /// Reads a note; what is none counts as none. Behind it the end of a longer one may
    /// stand, if its writer was killed before it could cut that off.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::Deserializer::from_slice(bytes).into_iter().next()?.ok()
    }

    /// The note as it stands in the lock.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_of_the_same_event_add_up_and_a_stop_is_no_death() {
        let ticket = Ticket("a".into());
        let other = Ticket("b".into());
        let first = Note::begin(&ticket, Uuid::nil());
        let second = Note::begin(&ticket, Uuid::nil()).after(Some(&first));
        assert_eq!(second.deaths, 1);
        let stopped = Note { stopped: true, ..second };
        let third = Note::begin(&ticket, Uuid::nil()).after(Some(&stopped));
        assert_eq!((third.deaths, third.stops), (1, 1));
        assert_eq!(Note::begin(&other, Uuid::nil()).after(Some(&stopped)).deaths, 0);
    }

    #[test]
    fn a_note_is_read_whatever_is_left_of_a_longer_one() {
        let note = Note::begin(&Ticket("a".into()), Uuid::nil());
        let shorter = Note { stopped: true, ..note.clone() };
        let mut bytes = note.to_bytes();
        bytes[..shorter.to_bytes().len()].copy_from_slice(&shorter.to_bytes());
        assert!(bytes.len() > shorter.to_bytes().len());
        assert_eq!(Note::from_bytes(&bytes), Some(shorter));
        assert_eq!(Note::from_bytes(&bytes[..20]), None);
        assert_eq!(Note::from_bytes(b""), None);
    }
}
