//! Which lines two texts do not share.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, capture_diff_slices};

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

/// The lines to remove from `old` and to add to get `new`, in the order of the texts.
#[must_use]
pub fn lines(old: &str, new: &str) -> Vec<Change> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let mut changes = Vec::new();
    for part in capture_diff_slices(Algorithm::Myers, &old, &new) {
        for (tag, lines) in part.iter_slices(&old, &new) {
            let change = match tag {
                ChangeTag::Equal => continue,
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Insert => Change::Added,
            };
            let lines: &[&str] = lines;
            changes.extend(lines.iter().map(|line| change((*line).to_owned())));
        }
    }
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
