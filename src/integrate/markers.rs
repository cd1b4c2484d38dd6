//! Lines of ours in a file of somebody else's, between markers; every other byte stays.

const BEGIN: &str = "# netcue begin";
const END: &str = "# netcue end";

/// The file without what stands between markers, and without them.
///
/// # Errors
/// When a marker lacks its other half: its line.
pub(super) fn without(text: &str) -> Result<String, usize> {
    let mut rest = String::with_capacity(text.len());
    let mut begun = None;
    let mut ends_without_newline = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match (line.trim(), begun) {
            (BEGIN, None) => begun = Some(index + 1),
            (END, Some(_)) => {
                begun = None;
                ends_without_newline = !line.ends_with('\n');
            }
            (END, None) | (BEGIN, Some(_)) => return Err(index + 1),
            (_, Some(_)) => {}
            (_, None) => rest.push_str(line),
        }
    }
    if let Some(line) = begun {
        return Err(line);
    }
    // See `at_the_end`: the newline before such a block was ours.
    if ends_without_newline && rest.ends_with('\n') {
        rest.pop();
    }
    Ok(rest)
}

/// The lines between markers, with a newline at the end.
pub(super) fn block(lines: &str) -> String {
    let newline = if lines.ends_with('\n') { "" } else { "\n" };
    format!("{BEGIN}\n{lines}{newline}{END}\n")
}

/// The file with the lines at its end. A file that lacks its last newline still does
/// afterwards: that is how [`without`] knows.
pub(super) fn at_the_end(text: &str, lines: &str) -> String {
    let block = block(lines);
    if text.is_empty() || text.ends_with('\n') {
        format!("{text}{block}")
    } else {
        format!("{text}\n{}", block.trim_end_matches('\n'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_can_be_taken_out_to_the_byte() {
        for text in ["", "\n", "a", "a\n", "a\n\n", "a\r\nb\r\n", "# netcue\n", "\n\na"] {
            let with = at_the_end(text, "one\ntwo\n");
            assert!(with.contains("# netcue begin\none\ntwo\n# netcue end"), "{with:?}");
            assert_eq!(without(&with).as_deref(), Ok(text), "{with:?}");
        }
    }

    #[test]
    fn a_lonely_marker_is_named_by_its_line() {
        assert_eq!(without("a\n# netcue begin\nb\n"), Err(2));
        assert_eq!(without("a\nb\n# netcue end\n"), Err(3));
        assert_eq!(without("# netcue begin\n# netcue begin\n# netcue end\n"), Err(2));
    }
}
