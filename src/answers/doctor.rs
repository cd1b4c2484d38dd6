//! `doctor`: looks at everything that could keep netcue from doing its job, and says for
//! each what it found and what to do.

use super::checks::{self, Cost, Finding, State};
use super::shared::table::{Paint, Table, Tone};
use crate::error::{Ended, Exit};
use crate::paths::Layout;
use crate::sys::terminal;

/// What may be said with `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let findings = checks::look(layout, Cost::Any).findings;
    let text = if args.json {
        super::shared::json::answer(serde_json::to_value(&findings).unwrap_or_default())
    } else {
        as_text(&findings)
    };
    terminal::page(&text)?;
    let needs_attention = findings.iter().any(Finding::needs_attention);
    Ok(if needs_attention { Exit::StepFailed } else { Exit::Done })
}

fn as_text(findings: &[Finding]) -> String {
    let mut table = Table::default();
    for finding in findings {
        let (word, tone) = match finding.state {
            State::Ok => ("ok", Tone::Good),
            State::Attention => ("attention", Tone::Bad),
            State::Unknown => ("unknown", Tone::Strong),
        };
        table.row([
            (tone, word),
            (Tone::Strong, finding.check),
            (Tone::Plain, &finding.in_words()),
        ]);
        if let Some(to_do) = &finding.to_do {
            table.row([(Tone::Plain, ""), (Tone::Plain, ""), (Tone::Plain, &format!("> {to_do}"))]);
        }
    }
    let number = findings.iter().filter(|finding| finding.needs_attention()).count();
    let last = match number {
        0 => "Nothing needs attention.".to_owned(),
        1 => "One thing needs attention.".to_owned(),
        number => format!("{number} things need attention."),
    };
    format!("{}{last}\n", table.broken_lines(Paint::for_stdout()))
}
