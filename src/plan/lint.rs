//! What a hook's header lines say without its being meant: words that fit no event, and lines
//! that are not read. Pure.

use super::{KEYS, header};

/// One such thing, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What it is, and what to do.
    pub what: String,
}

/// The names that there are.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Sources of this version.
    pub sources: &'a [&'a str],
    /// Actions of this version.
    pub actions: &'a [&'a str],
    /// Whether there is an account of a name.
    pub has_account: fn(&str) -> bool,
}

/// Looks through the whole text of a script, or of the file beside another program.
#[must_use]
pub fn oddities(text: &str, names: Names<'_>) -> Vec<Oddity> {
    let is_code = |line: &str| !line.is_empty() && !line.starts_with('#');
    let read = text.lines().position(|line| is_code(line.trim())).unwrap_or(usize::MAX);
    let mut found: Vec<Oddity> = ends_in_cr(text).into_iter().collect();
    for (index, line) in text.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix('#') else { continue };
        let comment = comment.trim_start();
        let column = line.chars().count() - comment.chars().count() + 1;
        let line = index + 1;
        let mut add = |column, what| found.push(Oddity { line, column, what });
        match comment.strip_prefix("netcue:") {
            Some(_) if index >= read => add(
                column,
                "not read, because it stands behind the first line that is no comment: move it \
                 to the top"
                    .to_owned(),
            ),
            Some(words) => {
                for word in words.split_whitespace() {
                    let before =
                        comment.find(word).map_or("", |at| comment.get(..at).unwrap_or(""));
                    let column = column + before.chars().count();
                    for what in unknown(word, names) {
                        add(column, what);
                    }
                }
            }
            None if is_almost(comment) => {
                let what = "not read: a header line begins with \"# netcue:\", in small letters \
                            and with a colon";
                add(column, what.to_owned());
            }
            None => {}
        }
    }
    found
}

/// The first line of a script that ends in CR, where its `#!` line does not: the kernel takes it,
/// and a shell stumbles.
fn ends_in_cr(text: &str) -> Option<Oddity> {
    let mut lines = text.split('\n').enumerate();
    let is_script = |(_, first): &(usize, &str)| first.starts_with("#!") && !first.ends_with('\r');
    lines.next().filter(is_script)?;
    let (index, line) = lines.find(|(_, line)| line.ends_with('\r'))?;
    let what = "the line ends in CR: save the file with Unix line ends".to_owned();
    Some(Oddity { line: index + 1, column: line.chars().count(), what })
}

/// Whether a comment looks as if it was to be a header line.
fn is_almost(comment: &str) -> bool {
    let mut words = comment.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    matches!(first.as_str(), "netcue" | "netcue:" | "netcue=" | "netcue;")
        && words.next().is_some_and(|word| word.contains('='))
}

/// What in a word of the header is known to nobody here.
fn unknown(word: &str, names: Names<'_>) -> Vec<String> {
    let Some((key, value)) = word.split_once('=') else { return Vec::new() };
    let known = match key {
        "source" => names.sources,
        "action" => names.actions,
        "user" if !(names.has_account)(value) => {
            return vec![format!("there is no account {value:?}")];
        }
        later
            if KEYS.iter().all(|(known, _)| *known != later)
                && header::is_of_a_later_version(later).is_ok() =>
        {
            return vec![format!(
                "this version knows no key {later:?} and passes it over: a later one may, or it is \
                 a slip"
            )];
        }
        _ => return Vec::new(),
    };
    let is_name = |pattern: &&str| !pattern.contains(['*', '?']) && *pattern != "none";
    let strangers = value.split(',').filter(is_name).filter(|name| !known.contains(name));
    strangers
        .map(|name| {
            let nearest = known
                .iter()
                .min_by_key(|known| strsim::damerau_levenshtein(known, name))
                .map(|nearest| format!("; did you mean {nearest:?}?"));
            format!("this version knows no {key} {name:?}{}", nearest.unwrap_or_default())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hardly_meant_is_told_with_its_place() {
        let names = Names {
            sources: &["ppp", "diald"],
            actions: &["up", "down"],
            has_account: |name| name == "daemon",
        };
        let told = |text: &str| -> Vec<String> {
            let told = |odd: Oddity| format!("{}:{}: {}", odd.line, odd.column, odd.what);
            oddities(text, names).into_iter().map(told).collect()
        };
        for text in [
            "#!/bin/sh\n# netcue: source=ppp,d* action=up,none user=daemon\n\n# netcue: wait=no\n:\n",
            "#!/bin/sh\n# netcue runs this\n# for netcue: a=b\n",
            "",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(
            told("#!/bin/sh\n#  netcue: source=pppd,ppp user=nobdy action=upp when=now\n"),
            [
                "2:12: this version knows no source \"pppd\"; did you mean \"ppp\"?",
                "2:28: there is no account \"nobdy\"",
                "2:39: this version knows no action \"upp\"; did you mean \"up\"?",
                "2:50: this version knows no key \"when\" and passes it over: a later one may, or it \
                 is a slip",
            ]
        );
        assert_eq!(
            told("#!/bin/sh\n:\r\n:\r\n"),
            ["2:2: the line ends in CR: save the file with Unix line ends"]
        );
        for line in ["# netcue action=up", "#NETCUE: action=up", "# Netcue = action=up"] {
            assert_eq!(told(&format!("#!/bin/sh\n{line}\n")).len(), 1, "{line}");
        }
        let [late] = &told("#!/bin/sh\nset -eu\n# netcue: action=up\n")[..] else {
            panic!("one is late");
        };
        assert!(late.starts_with("3:3: not read, because it stands behind"), "{late}");
    }
}
