//! Lines of ours in a file of somebody else's, between markers; every other byte stays.

use std::path::Path;

use super::{Seen, Step};
use crate::sys::place::Thing;

const BEGIN: &str = "# netcue begin";
const END: &str = "# netcue end";

/// The text of a file that is to be edited, with and without our lines.
///
/// # Errors
/// The refusal, where that could not be done without touching what isn't ours.
pub(super) fn opened(seen: &Seen, file: &Path) -> Result<(String, String), Step> {
    let name = file.display();
    let text = match seen.at(file) {
        Thing::File(content) => String::from_utf8(content.clone())
            .map_err(|error| Step::Refused(format!("{name}: {error}: edit it by hand")))?,
        Thing::Nothing => return Err(Step::Refused(format!("there is no {name}"))),
        Thing::Link(to) => {
            let why = format!("{name} is a link to {}: name that file instead", to.display());
            return Err(Step::Refused(why));
        }
        Thing::Unreadable(why) => return Err(Step::Refused(why.clone())),
        Thing::Folder | Thing::Other => return Err(Step::Refused(format!("{name} is no file"))),
    };
    let rest = without(&text).map_err(|line| {
        Step::Refused(format!("{name}:{line}: this marker lacks its other half: mend that by hand"))
    })?;
    Ok((text, rest))
}

/// The file without what stands between markers, and without them.
///
/// # Errors
/// When a marker lacks its other half: its line.
fn without(text: &str) -> Result<String, usize> {
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
    fn a_file_in_another_encoding_is_left_to_its_owner() {
        let name = Path::new("/etc/pcmcia/network.opts");
        let latin1 = Thing::File(b"# B\xfcro\ncase x in\n*)\n;;\nesac\n".to_vec());
        let seen = Seen::made_up([("/etc/pcmcia/network.opts", latin1)]);
        let Err(Step::Refused(why)) = opened(&seen, name) else { panic!("it is edited") };
        assert_eq!(
            why,
            "/etc/pcmcia/network.opts: invalid utf-8 sequence of 1 bytes from index 3: edit it by \
             hand"
        );
    }

    #[test]
    fn a_lonely_marker_is_named_by_its_line() {
        assert_eq!(without("a\n# netcue begin\nb\n"), Err(2));
        assert_eq!(without("a\nb\n# netcue end\n"), Err(3));
        assert_eq!(without("# netcue begin\n# netcue begin\n# netcue end\n"), Err(2));
    }
}
