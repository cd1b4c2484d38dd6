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

/// What goes into a block: without the line that is for shellcheck, and with this value of
/// `IPMASQ`, or none where the block has one of its own.
fn snippet(seen: &Seen, ipmasq: Option<&str>) -> String {
    let lines = SNIPPET.split_once('\n').map_or("", |(_, rest)| rest);
    let lines = if let Some(value) = ipmasq {
        lines.replace(WANTED, value)
    } else {
        let others = lines.split("\n\n").filter(|part| !part.contains(WANTED));
        others.collect::<Vec<_>>().join("\n\n")
    };
    lines.replace("/usr/sbin/netcue", program(seen))
}

/// As the shipped lines have it; see `gate` in the source.
const WANTED: &str = "IPMASQ=\"y\"";
const UNWANTED: &str = "IPMASQ=\"n\"";

fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    let mut steps = match wish.edit {
        Some(file) => edited(seen, wish, file),
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
        snippet(seen, Some(WANTED))
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

fn edited(seen: &Seen, wish: &Wish<'_>, file: &Path) -> Vec<Step> {
    let (name, on) = (file.display(), wish.on);
    let (text, rest) = match markers::opened(seen, file) {
        Ok(opened) => opened,
        Err(refused) => return vec![refused],
    };
    let mut steps = Vec::new();
    let new = if on { with_snippet(seen, wish, file, [&text, &rest], &mut steps) } else { rest };
    let refused = steps.iter().any(|step| matches!(step, Step::Refused(_)));
    steps.push(if new != text {
        Step::Do(Change::Write { at: file.to_owned(), content: new.into_bytes() })
    } else if on && !refused {
        Step::Already(format!("{name} has the lines"))
    } else if on {
        Step::Already(format!("{name} has them wherever they fit"))
    } else {
        Step::Already(format!("{name} has no lines between markers"))
    });
    steps
}

/// The file with the snippet at the end of every block that has no functions of its own.
fn with_snippet(
    seen: &Seen,
    wish: &Wish<'_>,
    file: &Path,
    [before, text]: [&str; 2],
    steps: &mut Vec<Step>,
) -> String {
    let name = file.display();
    let ends = blocks(text);
    // What was changed between our markers is somebody's choice, too.
    let chosen = blocks(before);
    if ends.is_empty() {
        steps.push(Step::Refused(format!(
            "{name} has no block that ends with \";;\": put the lines in by hand; \"netcue enable \
             pcmcia\" prints them"
        )));
    }
    if let Some(at) = defined_anew(text) {
        steps.push(Step::Refused(format!("{name}:{at}: {DEFINED_ANEW}")));
    }
    let mut new = String::with_capacity(2 * text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let place = ends.iter().position(|block| block.end == index);
        match place.and_then(|place| ends.get(place).map(|block| (block, chosen.get(place)))) {
            Some((Block { why_not: Some((at, why)), .. }, _)) => {
                steps.push(Step::Refused(format!("{name}:{}: {why}", at + 1)));
            }
            Some((Block { ipmasq: Some((at, stands)), .. }, _)) => {
                steps.push(Step::Say(format!("{name}:{}: {stands} stays, and counts", at + 1)));
                new.push_str(&markers::block(&snippet(seen, None)));
            }
            Some((block, chosen)) => {
                let chosen = chosen.and_then(|chosen| chosen.ipmasq.as_ref());
                let value = match chosen {
                    Some((_, value)) => value,
                    None if wish.cards => WANTED,
                    None => UNWANTED,
                };
                if chosen.is_none() && !wish.cards {
                    let block = block.end + 1;
                    steps.push(Step::Say(format!("{name}:{block}: {LEFT_OUT}")));
                }
                new.push_str(&markers::block(&snippet(seen, Some(value))));
            }
            None => {}
        }
        new.push_str(line);
    }
    new
}

/// Whether a block says nothing about `IPMASQ`, so that somebody has to.
pub(super) fn leaves_cards_open(seen: &Seen, file: &Path) -> bool {
    let blocks = blocks(&seen.text(file).unwrap_or_default());
    blocks.iter().any(|block| block.why_not.is_none() && block.ipmasq.is_none())
}

const LEFT_OUT: &str = "the block that ends here sets no IPMASQ and gets IPMASQ=\"n\": make it \
                        \"y\" for a card that netcue is to hear of";

const DEFINED_ANEW: &str = "after the blocks, start_fn and stop_fn are defined anew and take the \
                            place of those in the blocks: call netcue in them, as the lines that \
                            \"netcue enable pcmcia\" prints do, or have ifupdown call it if that \
                            is what they run";

/// The first line behind the blocks that defines their functions anew, as Debian's did for
/// cards that ifupdown handles, unless netcue is called there.
fn defined_anew(text: &str) -> Option<usize> {
    let behind = text.lines().zip(1..).skip(last_esac(text)?);
    let mut behind = behind.filter(|(line, _)| !line.trim_start().starts_with('#'));
    let calls = |line: &str| line.contains(" from pcmcia ") || line.contains("netcue_card");
    if behind.clone().any(|(line, _)| calls(line)) {
        return None;
    }
    let defines = |line: &str| {
        let line = line.trim_start().trim_start_matches("function ");
        ["start_fn", "stop_fn"].iter().any(|name| {
            line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['(', '{']))
        })
    };
    behind.find(|(line, _)| defines(line)).map(|(_, number)| number)
}

/// The number of the line that ends the file's `case`.
fn last_esac(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (line, number) in text.lines().zip(1..) {
        match line.trim().split([' ', '\t', ';']).next() {
            Some("case") if !line.trim().ends_with("esac") => depth += 1,
            Some("esac") if depth == 1 => return Some(number),
            Some("esac") => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// A card's block: the index of the line with its `;;`, and why nothing fits before it.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    end: usize,
    why_not: Option<(usize, &'static str)>,
    /// Where it sets `IPMASQ` last, and how.
    ipmasq: Option<(usize, String)>,
}

const OWN_FUNCTION: &str = "this block has such a function of its own: call netcue in it, as the \
                            lines that \"netcue enable pcmcia\" prints do";
const ONE_LINE: &str = "this block stands in one line with its \";;\": break the line before that";

/// The blocks of the file's one `case`; a `case` within a block is that block's business.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut depth, mut why_not, mut ipmasq) = (0_usize, None, None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let first = line.split([' ', '\t', '(', ';']).next().unwrap_or("");
        match first {
            "case" if !line.ends_with("esac") => depth += 1,
            "esac" => depth = depth.saturating_sub(1),
            "start_fn" | "stop_fn" if depth == 1 && !does_nothing(line) => {
                why_not = why_not.or(Some((index, OWN_FUNCTION)));
            }
            _ if line.starts_with("IPMASQ=") => {
                ipmasq = Some((index, line.trim_end_matches(";;").trim_end().to_owned()));
            }
            _ => {}
        }
        if depth == 1 && !line.starts_with('#') && line.ends_with(";;") {
            let joined = (line != ";;").then_some((index, ONE_LINE));
            blocks.push(Block {
                end: index,
                why_not: why_not.take().or(joined),
                ipmasq: ipmasq.take(),
            });
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
    let mut missing = Vec::new();
    if own_lines(seen).is_empty() {
        missing.push(format!("no lines in {FILE}"));
    }
    let anew = seen.text(FILE).and_then(|text| defined_anew(&text));
    missing.extend(anew.map(|at| format!("{FILE}:{at}: {DEFINED_ANEW}")));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_behind_the_blocks_are_found_unless_they_call_netcue() {
        let blocks = "case \"$ADDRESS\" in\n*)\n  start_fn () { x; }\n  ;;\nesac\n";
        let anew = "if [ -z \"$DHCP\" ]; then\n  start_fn () {\n    ifup $1\n  }\nfi\n";
        assert_eq!(defined_anew(blocks), None);
        assert_eq!(defined_anew(&format!("{blocks}# start_fn () {{ x; }}\n")), None);
        assert_eq!(defined_anew(&format!("{blocks}{anew}")), Some(7));
        let calls = anew.replace("ifup", "netcue_card start");
        assert_eq!(defined_anew(&format!("{blocks}{calls}")), None);
    }

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
