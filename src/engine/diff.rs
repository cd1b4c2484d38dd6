//! Which lines two texts do not share.

use serde::Serialize;

/// A line that only one of two texts has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the new text has it.
    Added(String),
    /// Only the old text has it.
    Removed(String),
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(line) => write!(f, "+{line}"),
            Self::Removed(line) => write!(f, "-{line}"),
        }
    }
}

/// Above this many pairs of lines, the middle of the texts is given as replaced as a whole.
const MOST_PAIRS: usize = 4_000_000;

/// The lines to remove from `old` and to add to get `new`, in the order of the texts.
#[must_use]
pub fn lines(old: &str, new: &str) -> Vec<Change> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let head = same(&mut old.iter().zip(&new));
    let old = old.get(head..).unwrap_or_default();
    let new = new.get(head..).unwrap_or_default();
    let tail = same(&mut old.iter().rev().zip(new.iter().rev()));
    let old = old.get(..old.len() - tail).unwrap_or_default();
    let new = new.get(..new.len() - tail).unwrap_or_default();
    if old.len().saturating_mul(new.len()) > MOST_PAIRS {
        return old.iter().map(removed).chain(new.iter().map(added)).collect();
    }
    walk(old, new, &longest_common(old, new))
}

fn added(line: &&str) -> Change {
    Change::Added((*line).to_owned())
}

fn removed(line: &&str) -> Change {
    Change::Removed((*line).to_owned())
}

/// For each pair of positions, how many lines the rests of both texts have in common;
/// rows are one longer than `new`.
fn longest_common(old: &[&str], new: &[&str]) -> Vec<u32> {
    let mut below = vec![0; new.len() + 1];
    let mut table = vec![below.clone()];
    for line in old.iter().rev() {
        let mut row = vec![0];
        let mut right = 0;
        for (other, pair) in new.iter().zip(below.windows(2)).rev() {
            let (down, diagonal) = match pair {
                [down, diagonal] => (*down, *diagonal),
                _ => (0, 0),
            };
            right = if line == other { diagonal + 1 } else { right.max(down) };
            row.push(right);
        }
        row.reverse();
        table.push(row.clone());
        below = row;
    }
    table.into_iter().rev().flatten().collect()
}

fn walk(mut old: &[&str], mut new: &[&str], common: &[u32]) -> Vec<Change> {
    let (height, width) = (old.len(), new.len() + 1);
    let mut changes = Vec::new();
    while let (Some((one, old_rest)), Some((other, new_rest))) =
        (old.split_first(), new.split_first())
    {
        let at = (height - old.len()) * width + (width - 1 - new.len());
        let in_common = |at: usize| common.get(at).copied().unwrap_or_default();
        if one == other {
            (old, new) = (old_rest, new_rest);
        } else if in_common(at + width) >= in_common(at + 1) {
            changes.push(removed(one));
            old = old_rest;
        } else {
            changes.push(added(other));
            new = new_rest;
        }
    }
    changes.extend(old.iter().map(removed));
    changes.extend(new.iter().map(added));
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let line = |change: &Change| match change {
            Change::Added(line) => format!("+{line}"),
            Change::Removed(line) => format!("-{line}"),
        };
        lines(old, new).iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn differing_lines_are_named_in_order() {
        for (old, new, expected) in [
            ("", "", ""),
            ("a\nb", "a\nb", ""),
            ("", "a", "+a"),
            ("a\nb\nc", "a\nc", "-b"),
            ("a\nb\nc", "a\nx\nc", "-b +x"),
            ("a\nb\nc\nd", "b\nc\nd\ne", "-a +e"),
        ] {
            assert_eq!(shown(old, new), expected, "{old:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_named_is_what_is_not_shared(old in "[ab\n]{0,12}", new in "[ab\n]{0,12}") {
            let count = |text: &str, line: &str| text.lines().filter(|l| *l == line).count();
            for line in ["a", "b", "aa", ""] {
                let changes = lines(&old, &new);
                let added = changes.iter().filter(|c| **c == Change::Added(line.into())).count();
                let removed = changes.iter().filter(|c| **c == Change::Removed(line.into())).count();
                prop_assert_eq!(count(&old, line) + added, count(&new, line) + removed);
            }
        }
    }
}
