//! What a caller does: puts its event in, sees to it that somebody runs it, and waits where
//! it has to.

use super::{At, CALLERS, Kind, Variant, World, bit, small};

impl World {
    pub(super) fn arrive(&mut self, pid: usize, variant: Variant) -> Option<At> {
        let finishes = self.kinds.get(pid) == Some(&Kind::Finish);
        let in_queue = match self.kinds.get(pid) {
            Some(Kind::Foreground) => At::TryLock,
            Some(Kind::Deposit) if variant == Variant::DepositsAfterProbing => At::Gone,
            Some(Kind::Deposit) => At::Probe,
            _ if variant == Variant::LooksBeforeItWatches => At::Look,
            _ => At::Watch,
        };
        Some(match self.processes[pid].at {
            At::Accept if variant == Variant::RecordsAfterPuttingIn => {
                // The acts of the two places change places.
                self.queue |= bit(pid);
                At::PutIn
            }
            At::Accept => {
                self.accepted |= bit(pid);
                self.drafts |= bit(pid);
                let probes_first =
                    variant == Variant::DepositsAfterProbing && self.kinds[pid] == Kind::Deposit;
                if probes_first { At::Probe } else { At::PutIn }
            }
            At::PutIn => {
                if variant == Variant::RecordsAfterPuttingIn {
                    self.accepted |= bit(pid);
                } else {
                    self.queue |= bit(pid);
                    self.drafts &= !bit(pid);
                }
                At::ProbeAhead
            }
            At::ProbeAhead if self.lock.is_some() => At::LockAhead,
            At::ProbeAhead => in_queue,
            At::LockAhead if variant == Variant::MakesRulesWithoutLock => At::MakeAhead,
            // Its patience is at an end: they are made in its turn.
            At::LockAhead if self.rules.is_some() => in_queue,
            At::LockAhead => {
                self.rules = Some(small(pid));
                At::MakeAhead
            }
            At::MakeAhead => {
                if variant != Variant::MakesRulesWithoutLock {
                    self.rules = None;
                }
                in_queue
            }
            At::Probe if self.lock.is_some() => Self::after_probe(variant, false),
            At::Probe if variant == Variant::ProbesByLocking => {
                self.lock = Some(small(pid));
                At::Unprobe { waits: false }
            }
            At::Probe => Self::after_probe(variant, true),
            At::Unprobe { waits } => {
                self.lock = None;
                if waits { self.after_waiting_probe(pid) } else { At::SendAndGo }
            }
            _ => {
                self.send()?;
                let is_late = variant == Variant::DepositsAfterProbing && !finishes;
                let caller = pid < CALLERS;
                if is_late && caller && self.kinds[pid] == Kind::Deposit {
                    At::PutIn
                } else {
                    At::Gone
                }
            }
        })
    }

    fn after_probe(variant: Variant, is_free: bool) -> At {
        match (is_free, variant) {
            (true, _) => At::SendAndGo,
            (false, Variant::DepositsAfterProbing) => At::PutIn,
            (false, _) => At::Gone,
        }
    }

    fn after_waiting_probe(&self, pid: usize) -> At {
        if self.processes[pid].has_sent || self.queue & bit(pid) == 0 {
            At::Asleep
        } else {
            At::SendAndSleep
        }
    }

    pub(super) fn wait(&mut self, pid: usize, variant: Variant) -> Option<At> {
        Some(match self.processes[pid].at {
            At::Watch => {
                self.processes[pid].watches = true;
                if variant == Variant::LooksBeforeItWatches { At::ProbeWaiting } else { At::Look }
            }
            At::Look if self.queue & bit(pid) == 0 => At::Gone,
            At::Look if self.processes[pid].watches => At::ProbeWaiting,
            At::Look => At::Watch,
            At::ProbeWaiting if self.lock.is_some() => At::Asleep,
            At::ProbeWaiting if variant == Variant::ProbesByLocking => {
                self.lock = Some(small(pid));
                At::Unprobe { waits: true }
            }
            At::ProbeWaiting => self.after_waiting_probe(pid),
            At::SendAndSleep => {
                self.send()?;
                self.processes[pid].has_sent = true;
                At::Asleep
            }
            _ if self.processes[pid].woken => {
                self.processes[pid].woken = false;
                At::Look
            }
            _ => return None,
        })
    }
}
