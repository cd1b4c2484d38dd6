//! How often rules that another program took out are put back: a fight must not go on for ever.

use serde::{Deserialize, Serialize};

/// Most restores within [`WINDOW_NS`].
const MOST: usize = 5;
/// A minute.
const WINDOW_NS: u64 = 60_000_000_000;

/// When rules were put back lately, by `CLOCK_BOOTTIME`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    restored_ns: Vec<u64>,
}

/// What is to be done about rules that somebody else changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// They are put back.
    Restore,
    /// They were put back too often: not before this moment.
    Wait(u64),
}

/// Who changes our rules again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fight {
    /// Since when, by `CLOCK_BOOTTIME`.
    pub since_ns: u64,
    /// The process as it was seen last, if it was.
    pub process: Option<(String, u32)>,
}

impl Budget {
    /// Asks for a restore, which is counted if it is granted.
    pub fn ask(&mut self, now_ns: u64) -> Ruling {
        self.restored_ns.retain(|then| now_ns.saturating_sub(*then) < WINDOW_NS);
        match self.restored_ns.first() {
            Some(first) if self.restored_ns.len() >= MOST => Ruling::Wait(first + WINDOW_NS),
            _ => {
                self.restored_ns.push(now_ns);
                Ruling::Restore
            }
        }
    }

    /// How often they were put back within the last minute.
    #[must_use]
    pub fn spent(&self, now_ns: u64) -> usize {
        let is_late = |then: &&u64| now_ns.saturating_sub(**then) < WINDOW_NS;
        self.restored_ns.iter().filter(is_late).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_times_a_minute_and_no_more() {
        let mut budget = Budget::default();
        let second = 1_000_000_000;
        for n in 0..5 {
            assert_eq!(budget.ask(100 * second + n), Ruling::Restore);
        }
        assert_eq!(budget.ask(101 * second), Ruling::Wait(160 * second));
        assert_eq!(budget.ask(159 * second), Ruling::Wait(160 * second));
        assert_eq!(budget.ask(161 * second), Ruling::Restore);
        assert_eq!(budget.spent(162 * second), 1);
    }
}
