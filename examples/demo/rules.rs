//! The rules boiled down to what a reader wants to see change: the elements of sets on one
//! line, and the rules without their comments.

use netcue::engine::{Change, Classes, Side, lines};

/// A line that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Whether it came.
    pub(crate) added: bool,
    /// The line.
    pub(crate) line: String,
    /// Where a rule stands and what it says about itself.
    pub(crate) why: Option<String>,
}

/// Whether the table has this line when it is boiled down.
pub(crate) fn has(table: &str, line: &str) -> bool {
    boiled_down(table).iter().any(|known| known.text == line)
}

/// What two texts of the table don't share, boiled down.
pub(crate) fn changes(old: &str, new: &str) -> Vec<Changed> {
    let (old, new) = (boiled_down(old), boiled_down(new));
    let text =
        |lines: &[Line]| -> String { lines.iter().map(|line| line.text.clone() + "\n").collect() };
    let why = |wanted: &str| {
        new.iter().find(|line| line.text == wanted).and_then(|line| line.why.clone())
    };
    lines(&text(&old), &text(&new))
        .into_iter()
        .filter_map(|change| match change {
            Change::Added(line) => Some(Changed { added: true, why: why(&line), line }),
            Change::Removed(line) => Some(Changed { added: false, why: None, line }),
            // Lines that are boiled down name their set or chain themselves.
            Change::Within(_) => None,
        })
        .collect()
}

#[derive(Debug)]
struct Line {
    text: String,
    why: Option<String>,
}

fn boiled_down(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut name = "";
    let mut elements: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("set ").or_else(|| line.strip_prefix("chain ")) {
            name = rest.trim_end_matches(" {");
        } else if let Some(list) = line.strip_prefix("elements = ") {
            elements = Some(list.to_owned());
        } else if let Some(list) = &mut elements {
            list.push(' ');
            list.push_str(line);
        } else if let Some((rule, why)) = line.split_once(" comment \"") {
            // That known connections pass needs no explanation.
            let why = format!("{name}: {}", why.trim_end_matches('"'));
            let why = (!rule.ends_with("accept")).then_some(why);
            found.push(Line { text: rule.to_owned(), why });
        }
        if let Some(list) = elements.take_if(|list| list.ends_with('}')) {
            add_set(&mut found, name, &list);
        }
    }
    found
}

/// Sets in a row that hold the same share a line.
fn add_set(found: &mut Vec<Line>, name: &str, elements: &str) {
    let same = found.last().and_then(|last| last.text.strip_suffix(elements)?.strip_suffix(" = "));
    match same {
        Some(names) => {
            let text = format!("{names}, {name} = {elements}");
            found.pop();
            found.push(Line { text, why: None });
        }
        None => found.push(Line { text: format!("{name} = {elements}"), why: None }),
    }
}

/// What every interface was taken for, and why.
pub(crate) fn taken_for(classes: &Classes) -> Vec<String> {
    let sides = [Side::Outside, Side::Inside, Side::Undecided];
    let all = sides.into_iter().flat_map(|side| classes.all_on(side));
    all.map(|(name, _, it)| format!("{name} is {}: {}", it.side.as_str(), it.why)).collect()
}
