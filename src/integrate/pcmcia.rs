//! cardmgr of pcmcia-cs: the snippet for the blocks of `network.opts`, and a program of
//! the name `ipmasq` for scripts that call that.

use std::path::Path;

use super::{Change, Integration, Seen, Spot, Step, Wish, is_program, markers, program};
use crate::paths::Layout;
use crate::sources;
use crate::sys::place::Thing;

pub(super) const INTEGRATION: Integration = Integration {
    source: &sources::PCMCIA,
    look,
    is_installed: Some(is_installed),
    is_edited: true,
    plan,
    spots,
    missing,
    boot_advice: Some(
        "with pcmcia the boot event should be off or \"services\": cardmgr brings a card's \
         interface up when it finds the card, and that may come after the other interfaces; its \
         start_fn tells netcue in any case",
    ),
};

const FILE: &str = "/etc/pcmcia/network.opts";
const IPMASQ: &str = "/usr/sbin/ipmasq";
const SNIPPET: &str = include_str!("../../integrations/pcmcia/network.opts");

/// What is there where cardmgr is.
const TRACES: [&str; 3] = ["/sbin/cardmgr", "/usr/sbin/cardmgr", FILE];

fn look(seen: &mut Seen, layout: &Layout) {
    seen.look_at(layout, TRACES);
    seen.look_at(layout, [IPMASQ]);
}

fn is_installed(seen: &Seen) -> bool {
    TRACES.iter().any(|path| seen.has(path))
}

/// What goes into a block: without the line that is for shellcheck.
fn snippet(seen: &Seen) -> String {
    let lines = SNIPPET.split_once('\n').map_or("", |(_, rest)| rest);
    lines.replace("/usr/sbin/netcue", program(seen))
}

fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    let mut steps = match wish.edit {
        Some(file) => edited(seen, wish.on, file),
        None if wish.on => vec![advise(seen)],
        None => vec![remind(seen)],
    };
    steps.push(if wish.on { ipmasq_in(seen) } else { ipmasq_out(seen) });
    steps
}

fn ipmasq_in(seen: &Seen) -> Step {
    match seen.at(IPMASQ) {
        Thing::Nothing => Step::Do(Change::Link { at: IPMASQ.into(), to: program(seen).into() }),
        Thing::Link(to) if is_program(to) || is_of_package(to) => {
            Step::Already(format!("{IPMASQ} leads to netcue"))
        }
        _ => Step::Say(format!("{IPMASQ} is another program: who calls it does not reach netcue")),
    }
}

/// The package's own link is relative, so that ours can be told from it.
fn is_of_package(to: &Path) -> bool {
    to == Path::new("netcue")
}

fn ipmasq_out(seen: &Seen) -> Step {
    match seen.at(IPMASQ) {
        Thing::Link(to) if is_program(to) => Step::Do(Change::Unlink(IPMASQ.into())),
        Thing::Nothing => Step::Already(format!("{IPMASQ} is not there")),
        _ => Step::Already(format!("{IPMASQ} is not of our making, and stays")),
    }
}

/// The numbers of the lines that call netcue.
fn lines(text: &str) -> Vec<usize> {
    let calls = |line: &str| !line.trim_start().starts_with('#') && line.contains(" from pcmcia ");
    text.lines().zip(1..).filter(|(line, _)| calls(line)).map(|(_, number)| number).collect()
}

fn advise(seen: &Seen) -> Step {
    if !own_lines(seen).is_empty() {
        return Step::Already(format!("{FILE} calls netcue"));
    }
    let text = format!(
        "put these lines into the block of each card in {FILE}, or let \"netcue enable pcmcia \
         --edit {FILE}\" do it:\n{}",
        snippet(seen)
    );
    Step::Say(text.trim_end().to_owned())
}

fn remind(seen: &Seen) -> Step {
    if own_lines(seen).is_empty() {
        return Step::Already(format!("no line of {FILE} calls netcue"));
    }
    Step::Say(format!(
        "{FILE} still calls netcue: its calls are recorded and nothing runs; \"netcue disable \
         pcmcia --edit {FILE}\" takes the lines out"
    ))
}

fn edited(seen: &Seen, on: bool, file: &Path) -> Vec<Step> {
    let name = file.display();
    let (text, rest) = match markers::opened(seen, file) {
        Ok(opened) => opened,
        Err(refused) => return vec![refused],
    };
    let mut steps = Vec::new();
    let new = if on { with_snippet(seen, &rest, file, &mut steps) } else { rest };
    steps.push(if new != text {
        Step::Do(Change::Write { at: file.to_owned(), content: new.into_bytes() })
    } else if on && steps.is_empty() {
        Step::Already(format!("{name} has the lines"))
    } else if on {
        Step::Already(format!("{name} has them wherever they fit"))
    } else {
        Step::Already(format!("{name} has no lines between markers"))
    });
    steps
}

/// The file with the snippet at the end of every block that has no functions of its own.
fn with_snippet(seen: &Seen, text: &str, file: &Path, steps: &mut Vec<Step>) -> String {
    let name = file.display();
    let lines = markers::block(&snippet(seen));
    let ends = blocks(text);
    if ends.is_empty() {
        steps.push(Step::Refused(format!(
            "{name} has no block that ends with \";;\": put the lines in by hand; \"netcue enable \
             pcmcia\" prints them"
        )));
    }
    let mut new = String::with_capacity(text.len() + lines.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match ends.iter().find(|block| block.end == index) {
            Some(Block { why_not: None, .. }) => new.push_str(&lines),
            Some(Block { why_not: Some((at, why)), .. }) => {
                steps.push(Step::Refused(format!("{name}:{}: {why}", at + 1)));
            }
            None => {}
        }
        new.push_str(line);
    }
    new
}

/// A card's block: the index of the line with its `;;`, and why nothing fits before it.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    end: usize,
    why_not: Option<(usize, &'static str)>,
}

const OWN_FUNCTION: &str = "this block has such a function of its own: call netcue in it, as the \
                            lines that \"netcue enable pcmcia\" prints do";
const ONE_LINE: &str = "this block stands in one line with its \";;\": break the line before that";

/// The blocks of the file's one `case`; a `case` within a block is that block's business.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut depth, mut why_not) = (0_usize, None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let first = line.split([' ', '\t', '(', ';']).next().unwrap_or("");
        match first {
            "case" if !line.ends_with("esac") => depth += 1,
            "esac" => depth = depth.saturating_sub(1),
            "start_fn" | "stop_fn" if depth == 1 && !does_nothing(line) => {
                why_not = why_not.or(Some((index, OWN_FUNCTION)));
            }
            _ => {}
        }
        if depth == 1 && !line.starts_with('#') && line.ends_with(";;") {
            let joined = (line != ";;").then_some((index, ONE_LINE));
            blocks.push(Block { end: index, why_not: why_not.take().or(joined) });
        }
    }
    blocks
}

/// `{ return; }`, as in the sample that comes with pcmcia-cs.
fn does_nothing(function: &str) -> bool {
    let body = function.split_once('{').map_or("", |(_, body)| body);
    matches!(body.trim_end_matches('}').trim().trim_end_matches(';'), "return" | ":" | "true")
}

/// The numbers of the lines of its own file that call netcue.
fn own_lines(seen: &Seen) -> Vec<usize> {
    seen.text(FILE).map(|text| lines(&text)).unwrap_or_default()
}

fn spots(seen: &Seen) -> Vec<Spot> {
    let mut spots = Vec::new();
    let lines = own_lines(seen);
    if !lines.is_empty() {
        spots.push(Spot::lines(FILE, lines));
    }
    match seen.at(IPMASQ) {
        Thing::Link(to) if is_program(to) || is_of_package(to) => {
            spots.push(Spot::link(IPMASQ, to));
        }
        _ => {}
    }
    spots
}

fn missing(seen: &Seen) -> Vec<String> {
    if own_lines(seen).is_empty() { vec![format!("no lines in {FILE}")] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_with_what_stands_in_the_way() {
        let text = "case \"$ADDRESS\" in\n\
                    home,*)\n  DHCP=y\n  start_fn () { return; }\n  ;;\n\
                    # a;;\n\
                    work,*)\n  case $x in\n  a) ;;\n  esac\n  start_fn () {\n    mount /x\n  }\n  ;;\n\
                    *) DHCP=n ;;\n\
                    esac\n";
        let found: Vec<(usize, Option<usize>)> =
            blocks(text).iter().map(|b| (b.end, b.why_not.map(|(at, _)| at))).collect();
        assert_eq!(found, [(4, None), (13, Some(10)), (14, Some(14))]);
    }
}
