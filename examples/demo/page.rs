//! What the reader sees: headings, labelled rows and colours, as wide as the terminal and at most
//! 100 columns.

use netcue::event::Event;
use netcue::sys::{screen, terminal};

use crate::outcome::{Result, Verdict};
use crate::rules::Changed;

/// Where nobody can tell, and at most: longer lines are hard to read.
const WIDEST: usize = 100;
/// Below this nothing would be left of a row.
const NARROWEST: usize = 40;

const STAGE: [&str; 2] = [
    "  192.168.1.10 ──── lan0 [ the gateway, with netcue ] ppp0 ──── a provider ──── 198.51.100.80",
    "  in the LAN             192.168.1.1                  ppp1 ──── another          a server",
];

/// The same where it does not fit.
const NARROW_STAGE: [&str; 4] = [
    "  192.168.1.10     in the LAN",
    "  lan0             the gateway, with netcue",
    "  ppp0, ppp1       two providers",
    "  198.51.100.80    a server",
];

const WHAT: &str = "Whoever changes the network (init, diald, pppd) calls netcue. It brings the \
    firewall in line with what the kernel says, runs your hooks in order, and writes all of it \
    down.";

const PLAYED: &str = "Played in network namespaces: real netcue, real rules, real packets; nothing \
    on this machine changes. There is no modem, so ppp0 and ppp1 are veth pairs of that name.";

const ON_PAPER: &str = "So nothing is applied, and no packet flows: below are the events that \
    netcue makes of the calls, the steps it would take for root, and the rules for a gateway as \
    drawn above.";

const NEXT: [(&str, &str); 4] = [
    ("netcue plan from ...", "what a call of this day would do on this machine; changes nothing"),
    ("netcue rules show", "the rules that this machine's interfaces and routes call for"),
    ("examples/demo/hooks/", "the three hooks of this day"),
    ("integrations/", "how to have pppd, diald, pcmcia and the boot call netcue"),
];

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Strong,
    Good,
    Bad,
    Faint,
    Plain,
}

/// How the day is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner<'a> {
    /// With real packets.
    Played,
    /// Without, for this reason.
    OnPaper(&'a str),
}

/// One step of a run, as shown.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) tone: Tone,
    pub(crate) how: String,
    pub(crate) said: String,
}

/// The page, and the promises checked so far.
#[derive(Debug)]
pub(crate) struct Page {
    colour: bool,
    width: usize,
    part: u32,
    proofs: Vec<(bool, String)>,
}

/// Writes to stdout, in characters that the reader's locale has.
pub(crate) fn write(text: &str) -> Result<()> {
    if screen::takes_utf8() {
        return Ok(terminal::show(text)?);
    }
    let plain: String = text
        .chars()
        .map(|character| match character {
            '─' => '-',
            '✓' => '+',
            '✗' => '!',
            '…' => '~',
            other if other.is_ascii() => other,
            _ => '?',
        })
        .collect();
    Ok(terminal::show(&plain)?)
}

/// Says on stderr what went wrong.
pub(crate) fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "demo: {text}");
}

impl Page {
    /// An empty page.
    pub(crate) fn new() -> Self {
        let width = screen::width().map_or(WIDEST, |width| width.clamp(NARROWEST, WIDEST));
        Self { colour: screen::wants_colour(), width, part: 0, proofs: Vec::new() }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        let text = terminal::harmless(text);
        let code = match tone {
            Tone::Plain => return text,
            _ if !self.colour => return text,
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A line as it is, cut at the width of the page.
    pub(crate) fn line(&self, tone: Tone, text: &str) -> Result<()> {
        write(&format!("{}\n", self.paint(tone, &cut(text, self.width))))
    }

    /// Prose, behind `indent` columns from its second line on.
    fn prose(&self, tone: Tone, indent: usize, text: &str) -> String {
        let lines = wrapped(text, self.width.saturating_sub(indent));
        let lines: Vec<String> = lines.iter().map(|line| self.paint(tone, line)).collect();
        lines.join(&format!("\n{:indent$}", "")) + "\n"
    }

    /// The heading of the next part of the day.
    pub(crate) fn part(&mut self, title: &str) -> Result<()> {
        self.part += 1;
        let heading = cut(&format!("{}  {title} ", self.part), self.width);
        let room = self.width.saturating_sub(12).saturating_sub(heading.chars().count());
        let rest = "─".repeat(room);
        write(&format!(
            "\n{}{}\n",
            self.paint(Tone::Strong, &heading),
            self.paint(Tone::Faint, &rest)
        ))
    }

    /// A row behind its label; a row without one goes on with the row above.
    pub(crate) fn row(&self, label: &str, tone: Tone, text: &str) -> Result<()> {
        let label = self.paint(Tone::Faint, &format!("   {label:<9}"));
        write(&format!("{label}{}\n", self.paint(tone, &cut(text, self.width - 12))))
    }

    /// Who called with what, and what netcue made of it.
    pub(crate) fn call(&self, call: &str, event: &Event) -> Result<()> {
        self.row("call", Tone::Strong, call)?;
        self.row("event", Tone::Plain, &in_words(event))
    }

    /// The steps of the run.
    pub(crate) fn steps(&self, steps: &[Step]) -> Result<()> {
        let width = steps.iter().filter(|step| !step.said.is_empty()).map(|step| step.how.len());
        let width = width.max().unwrap_or(0);
        for (number, step) in steps.iter().enumerate() {
            let label = if number == 0 { "steps" } else { "" };
            let label = self.paint(Tone::Faint, &format!("   {label:<9}"));
            let how = self.paint(step.tone, &cut(&step.how, self.width.saturating_sub(12 + 13)));
            let said = if step.said.is_empty() {
                String::new()
            } else {
                let room = self.width.saturating_sub(12 + 13 + width + 4);
                format!("{:gap$}  | {}", "", cut(&step.said, room), gap = width - step.how.len())
            };
            write(&format!("{label}{:<13}{how}{said}\n", step.name))?;
        }
        Ok(())
    }

    /// How the rules changed, and what they are about.
    pub(crate) fn rules(&self, changes: &[Changed]) -> Result<()> {
        let mut label = "rules";
        for (number, change) in changes.iter().enumerate() {
            let (sign, tone) = if change.added { ('+', Tone::Good) } else { ('-', Tone::Bad) };
            self.row(label, tone, &format!("{sign} {}", change.line))?;
            label = "";
            let next = changes.get(number + 1).and_then(|next| next.why.as_ref());
            match &change.why {
                Some(why) if next != Some(why) => {
                    self.row("", Tone::Faint, &format!("    # {why}"))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What it means, in a sentence, and how long the run took.
    pub(crate) fn meaning(&self, text: &str, ms: Option<f64>) -> Result<()> {
        let took = ms.map_or_else(String::new, |ms| format!("  ({ms:.1} ms)"));
        let mut lines = wrapped(&format!("=> {text}"), self.width - 6);
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last + took.len() > self.width - 6 {
            lines.push(String::new());
        }
        let lines: Vec<String> = lines.iter().map(|line| self.paint(Tone::Strong, line)).collect();
        write(&format!("   {}{}\n", lines.join("\n      "), self.paint(Tone::Faint, &took)))
    }

    /// Who is who, and how the day is played.
    pub(crate) fn opening(&self, manner: Manner<'_>) -> Result<()> {
        self.line(Tone::Strong, "A gateway's day with netcue")?;
        let fits = STAGE.iter().all(|line| line.chars().count() <= self.width);
        let stage = if fits { &STAGE[..] } else { &NARROW_STAGE[..] };
        write(&format!("\n{}\n\n{}", stage.join("\n"), self.prose(Tone::Plain, 0, WHAT)))?;
        match manner {
            Manner::Played => {
                write(&format!("\n{}", self.prose(Tone::Plain, 0, PLAYED)))?;
                if cfg!(debug_assertions) {
                    self.line(Tone::Faint, "Times are those of a build without optimisation.")?;
                }
                Ok(())
            }
            Manner::OnPaper(reason) => {
                write(&self.prose(Tone::Strong, 0, &format!("Not played: {reason}.")))?;
                write(&self.prose(Tone::Plain, 0, ON_PAPER))
            }
        }
    }

    /// A command that prints for itself now.
    pub(crate) fn command(&self, words: &str) -> Result<()> {
        write(&format!("\n{}\n", self.paint(Tone::Strong, &format!("$ netcue {words}"))))
    }

    /// What a newcomer may try next.
    pub(crate) fn where_to_look(&self) -> Result<()> {
        write(&format!("\n{}\n", self.paint(Tone::Strong, "Where to look next")))?;
        for (what, why) in NEXT {
            write(&format!("   {what:<27}{}", self.prose(Tone::Plain, 30, why)))?;
        }
        Ok(())
    }

    /// Takes note whether a promise held; one made twice has to hold twice.
    pub(crate) fn prove(&mut self, held: bool, promise: &str) {
        if let Some(known) = self.proofs.iter_mut().find(|(_, known)| known == promise) {
            known.0 &= held;
            return;
        }
        self.proofs.push((held, promise.to_owned()));
    }

    /// The promises with their marks, and what they come to.
    pub(crate) fn close(&self) -> Result<Verdict> {
        let (held, all) = (self.proofs.iter().filter(|(held, _)| *held).count(), self.proofs.len());
        let heading = format!("What was promised, and held: {held} of {all}");
        write(&format!("\n{}\n", self.paint(Tone::Strong, &heading)))?;
        for (held, promise) in &self.proofs {
            let mark = if *held {
                self.paint(Tone::Good, "✓")
            } else {
                self.paint(Tone::Bad, "✗ FAILED:")
            };
            write(&format!("   {mark} {}", self.prose(Tone::Plain, 5, promise)))?;
        }
        Ok(if held == all { Verdict::Holds } else { Verdict::Fails })
    }
}

/// The words of a text in lines that are no longer than `width`, where no word is.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The event's main facts.
fn in_words(event: &Event) -> String {
    let facts = &event.facts;
    let mut words =
        facts.action.as_ref().map_or_else(|| "no action".to_owned(), ToString::to_string);
    let detail = |name| facts.details.get(name).map(ToString::to_string);
    for (name, value) in [
        ("", facts.interface.as_ref().map(ToString::to_string)),
        ("local ", facts.local.map(|address| address.to_string())),
        ("remote ", facts.remote.map(|address| address.to_string())),
        ("device ", detail("device")),
        ("role ", detail("role")),
        ("stage ", detail("stage")),
    ] {
        if let Some(value) = value {
            words.push_str(if name.is_empty() { " " } else { ", " });
            words.push_str(name);
            words.push_str(&value);
        }
    }
    words
}
