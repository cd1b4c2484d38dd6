//! `enable` and `disable`: a source on or off, and what calls netcue for it put in place or
//! taken out.

use std::path::{Path, PathBuf};

use super::carry::{Kind, Way, carry, show_json};
use super::configure::yes_or_no;
use crate::answers::shared::ssh;
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::integrate::{self, Choice, Extent, Seen, Stage, Wish};
use crate::paths::Layout;
use crate::pipeline;
use crate::sources::{self, Source};
use crate::sys::prompt::Prompt;
use crate::sys::terminal;

/// What may be said with `enable`.
#[derive(Debug, clap::Args)]
pub(super) struct EnableArgs {
    #[command(flatten)]
    common: Common,
    /// For boot: when the boot event comes
    #[arg(long, value_name = "STAGE")]
    stage: Option<Stage>,
    /// For boot: whether one comes before the first interface is up, too
    #[arg(
        long,
        value_name = "yes|no",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_parser = yes_or_no
    )]
    pre_network: Option<bool>,
}

/// What may be said with `disable`.
#[derive(Debug, clap::Args)]
pub(super) struct DisableArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    way: Way,
    /// Changes only the flag; what calls netcue stays as it is
    #[arg(long, conflicts_with = "edit")]
    flag_only: bool,
    /// Changes this configuration of the source's own, between markers
    #[arg(long, value_name = "FILE")]
    edit: Option<PathBuf>,
    /// The sources
    #[arg(value_name = "SOURCE", value_parser = source)]
    sources: Vec<&'static Source>,
}

fn source(word: &str) -> Result<&'static Source, String> {
    sources::find(word).ok_or_else(|| {
        let known: Vec<&str> = sources::ALL.iter().map(|source| source.name.as_str()).collect();
        format!("there are {}", known.join(" "))
    })
}

pub(super) fn enable(layout: &Layout, args: &EnableArgs) -> Ended {
    let names_boot = args.common.sources.iter().any(|source| source.name == sources::BOOT.name);
    let chooses = args.stage.is_some() || args.pre_network.is_some();
    if chooses && !names_boot {
        return Err(Failure::new(Exit::Usage, "--stage and --pre-network belong to boot"));
    }
    let seen = integrate::look(layout, None);
    if args.common.sources.is_empty() {
        return propose(&seen, args.common.way);
    }
    let chosen = integrate::boot_choice(&seen);
    let boot = chooses.then(|| Choice {
        stage: args.stage.unwrap_or(chosen.stage),
        pre_network: args.pre_network.unwrap_or(chosen.pre_network),
    });
    switch(layout, &args.common, true, boot)
}

/// Without a source, says which would be worth it: those that are there and don't call.
fn propose(seen: &Seen, way: Way) -> Ended {
    let lacking = integrate::systems().into_iter().filter(|source| {
        let attachment = integrate::attachment(seen, source);
        attachment.installed && (!integrate::is_on(seen, source) || !attachment.missing.is_empty())
    });
    let lacking: Vec<&Source> = lacking.collect();
    if way.is_for_programs() {
        let mut told = Vec::new();
        for source in &lacking {
            told.push((source.name.as_str(), Kind::Note, source.summary.to_owned()));
        }
        show_json(&told)?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for source in &lacking {
        text.push_str(&format!("{}: {}\n", source.name, source.summary));
    }
    let names: Vec<&str> = lacking.iter().map(|source| source.name.as_str()).collect();
    text.push_str(&if names.is_empty() {
        "whatever is on this machine calls netcue already\n".to_owned()
    } else {
        format!("netcue enable {}\n", names.join(" "))
    });
    terminal::show(&text)?;
    Ok(Exit::Done)
}

pub(super) fn disable(layout: &Layout, args: &DisableArgs) -> Ended {
    if args.common.sources.is_empty() {
        return Err(Failure::new(Exit::Usage, "which sources? \"netcue sources\" lists them"));
    }
    switch(layout, &args.common, false, None)
}

fn switch(layout: &Layout, args: &Common, on: bool, boot: Option<Choice>) -> Ended {
    let edit = args.edit.as_deref().map(|file| on_the_machine(layout, file));
    let is_one = args.sources.len() == 1 && args.sources.iter().all(|s| integrate::is_edited(s));
    if edit.is_some() && !is_one {
        let edited = sources::ALL.iter().filter(|source| integrate::is_edited(source));
        let names: Vec<&str> = edited.map(|source| source.name.as_str()).collect();
        let message = format!("--edit is for {}, one at a time", either(&names));
        return Err(Failure::new(Exit::Usage, message));
    }
    let extent = if args.flag_only { Extent::Flag } else { Extent::Now };
    let edit = edit.as_deref();
    let seen = integrate::look(layout, edit);
    let is_pcmcia = args.sources.iter().any(|source| source.name == sources::PCMCIA.name);
    let open = edit.filter(|file| on && is_pcmcia && integrate::leaves_cards_open(&seen, file));
    let cards = match open.and_then(|file| Prompt::open().map(|prompt| (prompt, file))) {
        Some((mut prompt, file)) => {
            let question = format!(
                "Shall netcue hear of the cards whose block in {} sets no IPMASQ? [no]: ",
                file.display()
            );
            let answer = prompt.ask(&question)?.unwrap_or_default();
            yes_or_no(&answer).unwrap_or(false)
        }
        None => false,
    };
    let mut wishes: Vec<Wish<'_>> = Vec::new();
    for source in &args.sources {
        // What is named twice is wished for once.
        if wishes.iter().all(|wish| wish.source.name != source.name) {
            wishes.push(Wish { source, on, extent, boot, edit, cards });
        }
    }
    if on {
        let rules = pipeline::configured(layout).config.rules;
        if let Some(warning) = ssh::cut(layout, &rules) {
            terminal::tell(&warning);
        }
    }
    carry(layout, &integrate::plan(&seen, &wishes), args.way)
}

/// Names as a sentence has them: `a, b or c`.
pub(super) fn either(names: &[&str]) -> String {
    match names {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        few => few.concat(),
    }
}

/// A file given on the command line, as a path of the machine whose root this is.
pub(super) fn on_the_machine(layout: &Layout, file: &Path) -> PathBuf {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match whole.strip_prefix(layout.root()) {
        Ok(below) => Path::new("/").join(below),
        Err(_) => whole,
    }
}
