//! What a run does: drains the queue under the lock, and looks once more when it has let go.

use super::{At, CALLERS, Process, Variant, World, bit, small};

impl World {
    pub(super) fn drain(&mut self, pid: usize, variant: Variant) -> At {
        let Process { at, list, hand: small_hand, last, .. } = self.processes[pid];
        let hand = usize::from(small_hand);
        match at {
            At::TryLock if self.lock.is_some() => At::Gone,
            At::TryLock => {
                self.lock = Some(small(pid));
                At::TakeInDrafts
            }
            At::TakeInDrafts => {
                self.processes[pid].last = self.note;
                let dead = |event: &usize| self.processes[*event].at == At::Gone;
                let abandoned = (0..CALLERS).filter(dead).map(bit).sum::<u8>() & self.drafts;
                self.queue |= abandoned;
                self.drafts &= !abandoned;
                At::List
            }
            At::List if self.queue == 0 => At::ClearNote,
            At::List => {
                self.processes[pid].list = self.queue;
                self.choose(pid, variant)
            }
            At::TakeUp if last == Some(small_hand) && self.outcomes[hand] > 0 => At::TakeOut,
            At::TakeUp => {
                self.runs[hand] += 1;
                if variant != Variant::LeavesNoNote {
                    self.note = Some(small_hand);
                }
                At::LockRules
            }
            At::LockRules => {
                self.rules = Some(small(pid));
                At::MakeRules
            }
            At::MakeRules => {
                self.rules = None;
                At::Running
            }
            At::Running if variant == Variant::UnlinksBeforeRecording => At::TakeOut,
            At::Running => At::Record,
            At::Record => {
                self.outcomes[hand] += 1;
                if variant == Variant::UnlinksBeforeRecording {
                    self.choose(pid, variant)
                } else {
                    At::TakeOut
                }
            }
            At::TakeOut => {
                self.queue &= !bit(hand);
                self.wake(hand);
                if variant == Variant::UnlinksBeforeRecording && self.outcomes[hand] == 0 {
                    At::Record
                } else {
                    self.choose(pid, variant)
                }
            }
            At::ClearNote => {
                self.note = None;
                At::Unlock { stopped: false }
            }
            At::Unlock { stopped } => {
                self.lock = None;
                (self.processes[pid].list, self.processes[pid].hand) = (0, 0);
                self.processes[pid].last = None;
                match (stopped, variant) {
                    (true, _) => At::SendAndGo,
                    (false, Variant::LeavesWithoutLookingAgain) => At::Gone,
                    (false, _) => At::LookAgain,
                }
            }
            At::LookAgain if self.queue == 0 => At::Gone,
            At::LookAgain => At::TryLock,
            at => unreachable!("{at:?} of {list}"),
        }
    }

    /// The next event of those listed: the noted one, then in order.
    fn choose(&mut self, pid: usize, variant: Variant) -> At {
        let process = &mut self.processes[pid];
        let is_listed = |event: &u8| process.list & bit(usize::from(*event)) != 0;
        let noted = process.last.filter(is_listed);
        let first = (0..small(CALLERS)).find(is_listed);
        let chosen = if variant == Variant::TakesUpInOrderOfNames {
            if first != process.last {
                process.last = None;
            }
            first
        } else {
            noted.or(first)
        };
        let Some(event) = chosen else { return At::List };
        process.list &= !bit(usize::from(event));
        process.hand = event;
        At::TakeUp
    }
}
