//! Which lines two texts of rules do not share, and in which set or chain they stand.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, capture_diff_slices};

/// A line that only one of two texts has, or that says where one stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the new text has it.
    Added(String),
    /// Only the old text has it.
    Removed(String),
    /// Both have it: it begins the set or chain that the lines behind it are of.
    Within(String),
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(line) => write!(f, "+{line}"),
            Self::Removed(line) => write!(f, "-{line}"),
            Self::Within(line) => write!(f, " {line}"),
        }
    }
}

/// The lines to remove from `old` and to add to get `new`, in the order of the texts, each
/// behind the beginning of its set or chain where both texts have that.
#[must_use]
pub fn lines(old: &str, new: &str) -> Vec<Change> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let mut changes = Vec::new();
    let mut within = None;
    for part in capture_diff_slices(Algorithm::Myers, &old, &new) {
        for (tag, lines) in part.iter_slices(&old, &new) {
            let lines: &[&str] = lines;
            let change = match tag {
                ChangeTag::Equal => {
                    // Elements stand between braces, too.
                    let is_bound = |line: &&&str| is_beginning(line) || line.trim() == "}";
                    if let Some(line) = lines.iter().rfind(is_bound) {
                        within = is_beginning(line).then(|| (*line).to_owned());
                    }
                    continue;
                }
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Insert => Change::Added,
            };
            changes.extend(within.take().map(Change::Within));
            changes.extend(lines.iter().map(|line| change((*line).to_owned())));
        }
    }
    changes
}

/// Whether a line begins a set or chain; that of the table says nothing new.
fn is_beginning(line: &str) -> bool {
    line.starts_with('\t') && !line.starts_with("\t\t") && line.ends_with('{')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(old: &str, new: &str) -> String {
        lines(old, new).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
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

    #[test]
    fn a_line_stands_behind_the_beginning_of_its_set_or_chain() {
        let rules = |a: &str, b: &str| {
            format!("table inet t {{\n\tset a {{\n{a}\t}}\n\n\tset b {{\n{b}\t}}\n}}\n")
        };
        let old = rules("\t\telements = { 1,\n\t\t\t 2 }\n", "\t\tkept = { 3 }\n");
        for (new, expected) in [
            (rules("\t\telements = { 1 }\n", "\t\tkept = { 3 }\n"), " \tset a {"),
            (
                rules("\t\telements = { 1,\n\t\t\t 2 }\n", "\t\tkept = { 3 }\n\t\tnew\n"),
                " \tset b {",
            ),
        ] {
            let changes = lines(&old, &new);
            let first = changes.first().map(ToString::to_string);
            assert_eq!(first.as_deref(), Some(expected), "{changes:?}");
            let within = changes.iter().filter(|change| matches!(change, Change::Within(_)));
            assert_eq!(within.count(), 1, "{changes:?}");
        }
        let gone = lines(&old, "table inet t {\n}\n");
        assert!(!gone.iter().any(|change| matches!(change, Change::Within(_))), "{gone:?}");
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
