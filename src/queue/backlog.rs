//! The events that wait behind another, each read once in a turn.

use std::collections::BTreeMap;

use super::{Queue, Ticket};
use crate::event::Event;

/// What has been read so far.
#[derive(Debug, Default)]
pub struct Backlog {
    tickets: Vec<Ticket>,
    events: Vec<Event>,
}

impl Backlog {
    /// What waits behind an event at this moment, first come first. Events that can't be read
    /// are somebody else's trouble: their own turn's.
    pub fn behind(&mut self, queue: &Queue, event: &Event) -> &[Event] {
        let first = Ticket::of(event);
        let known = std::mem::take(&mut self.tickets).into_iter().zip(self.events.drain(..));
        let mut known: BTreeMap<Ticket, Event> = known.collect();
        let mut events = Vec::with_capacity(known.len());
        for ticket in queue.waiting().unwrap_or_default() {
            if ticket <= first {
                continue;
            }
            let read = known.remove(&ticket).or_else(|| queue.read(&ticket).ok().flatten());
            if let Some(event) = read {
                self.tickets.push(ticket);
                events.push(event);
            }
        }
        self.events = events;
        &self.events
    }
}
