//! `doctor`: looks at everything that could keep netcue from doing its job, and says for
//! each what it found and what to do.

use std::path::{Path, PathBuf};

use super::shared::table::{Paint, Table, Tone};
use super::sources as source_table;
use crate::config::Rules;
use crate::engine::{self, Classes, EngineError, Side};
use crate::error::Ended;
use crate::error::Exit;
use crate::event::Family;
use crate::hooks::{self, Survey};
use crate::integrate;
use crate::integrate::health::{self, Deaf, Examined, Finding, Kernel, OwnUnit, State};
use crate::journal::Cursor;
use crate::paths::Layout;
use crate::pipeline;
use crate::plan::{Fitness, Kind};
use crate::sources::{ALL, Place};
use crate::sys::lock;
use crate::sys::state::{KernelState, Route};
use crate::sys::{
    append, clock, files, folder, foreign, inbox, invocation, legacy, place, systemd, terminal,
};

/// Seconds that handling an event may take beside its hooks' limits.
const SLACK: u64 = 60;

/// What may be said with `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let findings = health::findings(&examine(layout));
    let text = if args.json {
        super::shared::json::pretty(&serde_json::to_value(&findings).unwrap_or_default())
    } else {
        as_text(&findings)
    };
    terminal::show(&text)?;
    let needs_attention = findings.iter().any(|finding| finding.state == State::Attention);
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
        table.row([(tone, word), (Tone::Strong, finding.check), (Tone::Plain, &finding.what)]);
        if let Some(to_do) = &finding.to_do {
            table.row([(Tone::Plain, ""), (Tone::Plain, ""), (Tone::Plain, &format!("> {to_do}"))]);
        }
    }
    let number = findings.iter().filter(|finding| finding.state == State::Attention).count();
    let last = match number {
        0 => "Nothing needs attention.".to_owned(),
        1 => "One thing needs attention.".to_owned(),
        number => format!("{number} things need attention."),
    };
    format!("{}{last}\n", table.broken_lines(Paint::for_stdout()))
}

fn examine(layout: &Layout) -> Examined {
    let configured = pipeline::configured(layout);
    let config = configured.config;
    let survey = hooks::find(layout);
    let (hooks, refused, engine_replaced) = judged(&survey);
    let (kernel, in_force, sides) = kernel(layout, &config.rules);
    let heard = source_table::heard(layout);
    let names_in = |folder: PathBuf| folder::names(&folder).map_err(|error| error.to_string());
    Examined {
        seen: integrate::look(layout, None),
        configuration: layout.configuration(),
        bad_configuration: configured.problem,
        hooks,
        refused,
        odd_hooks: super::hooks::oddities(&survey),
        unreadable: survey.unreadable.iter().map(ToString::to_string).collect(),
        engine_replaced,
        heard_whole: heard.as_ref().is_ok_and(|heard| heard.whole),
        heard: heard.map(|heard| heard.last).map_err(|error| error.to_string()),
        unwritable: unwritable(layout),
        is_root: invocation::is_root(),
        waiting: names_in(layout.queue()).map(|names| waiting(layout, &names)),
        unit: own_unit(layout),
        idle: lock::is_free(&layout.lock()).unwrap_or(false),
        longest_wait: config.hooks.timeout + config.hooks.grace + SLACK,
        failed: (layout.failed(), names_in(layout.failed()).map(|names| names.len())),
        handing_on: Cursor::attentions(&layout.cursors(), clock::now()),
        locals: locals(layout),
        kernel,
        in_force,
        sides,
        chains: foreign::chains().map_err(|error| format!("reading the rules of others: {error}")),
        legacy: legacy::chains().map_err(|error| format!("reading iptables-legacy: {error}")),
    }
}

/// Another root has no systemd of its own.
fn own_unit(layout: &Layout) -> Option<OwnUnit> {
    (layout.root() == Path::new("/") && systemd::is_running()).then(|| OwnUnit {
        path: systemd::unit("netcue-queue.path"),
        service: systemd::unit("netcue-queue.service"),
        listens: inbox::is_listened_to(&layout.inbox()),
    })
}

/// How many hooks may run, which files don't and why, and what stands for the engine.
fn judged(survey: &Survey) -> (usize, Vec<(PathBuf, String)>, Option<PathBuf>) {
    let (mut fit, mut refused, mut engine) = (0, Vec::new(), None);
    let is_folder = |path: &PathBuf| survey.unreadable.iter().any(|folder| folder.path == *path);
    for candidate in pipeline::candidates(survey) {
        let path = match candidate.kind {
            Kind::Engine => continue,
            Kind::Hook(path) if is_folder(&path) => continue,
            Kind::Hook(path) => path,
            Kind::InPlaceOfEngine(path) => engine.insert(path).clone(),
        };
        match candidate.fitness {
            Fitness::Fit(_) => fit += 1,
            Fitness::Masked => {}
            Fitness::Unfit(why) => refused.push((path, why)),
        }
    }
    let misnamed = survey.misnamed.iter();
    refused.extend(misnamed.map(|path| (path.clone(), hooks::MISNAMED.to_owned())));
    (fit, refused, engine)
}

fn unwritable(layout: &Layout) -> Vec<String> {
    let (event, journal) = (layout.queue().join("event"), layout.journal());
    [
        place::why_not_writable(&event),
        append::why_no_file("lock", &layout.lock()),
        append::why_no_file("append to", &journal).or_else(|| place::why_not_writable(&journal)),
    ]
    .into_iter()
    .flatten()
    .map(|error| error.to_string())
    .collect()
}

fn waiting(layout: &Layout, names: &[std::ffi::OsString]) -> Option<(u64, usize)> {
    let is_event = |name: &&std::ffi::OsString| !name.as_encoded_bytes().starts_with(b".");
    let ages: Vec<u64> = names
        .iter()
        .filter(is_event)
        .filter_map(|name| place::age(&layout.queue().join(name)))
        .collect();
    Some((*ages.iter().max()?, ages.len()))
}

fn locals(layout: &Layout) -> Vec<(PathBuf, String)> {
    let places = ALL.iter().flat_map(|source| source.triggers).flat_map(|t| t.places);
    places
        .filter_map(|place| match place {
            Place::File(file) => file.strip_suffix(".local").map(|_| *file),
            Place::Folder(_) => None,
        })
        .filter_map(|file| {
            let below = layout.root().join(file.trim_start_matches('/'));
            let text = files::read_head(&below, 1 << 20).ok()?;
            let is_run = place::is_executable(&below);
            is_run.then(|| (file.into(), String::from_utf8_lossy(&text).into_owned()))
        })
        .collect()
}

/// What the kernel says about forwarding, whether the rules are in force, and what the engine
/// has to say about what it saw.
fn kernel(
    layout: &Layout,
    rules: &Rules,
) -> (Result<Kernel, Deaf>, Result<bool, Deaf>, Vec<String>) {
    let deaf = |error: EngineError| Deaf {
        lacks: matches!(error, EngineError::Missing { .. }),
        why: error.to_string(),
    };
    let memory = layout.rules();
    let seen = engine::state(&memory).map_err(deaf).map(|state| {
        let classes = engine::classify(&state, rules);
        (forwarding(&state, &classes, rules), classes.notes)
    });
    let (kernel, notes) = match seen {
        Ok((kernel, notes)) => (Ok(kernel), notes),
        Err(deaf) => (Err(deaf), Vec::new()),
    };
    let in_force = engine::open()
        .and_then(|mut session| engine::preview(rules, &memory, &mut session))
        .map(|preview| preview.differences.is_empty())
        .map_err(deaf);
    (kernel, in_force, notes)
}

fn forwarding(state: &KernelState, classes: &Classes, rules: &Rules) -> Kernel {
    let fixed = rules.external.is_some() || rules.external_out.is_some();
    let leads_out = |family: Family| {
        let is_default = |route: &Route| route.destination.is_none() && route.family == family;
        let is_way = fixed || state.routes.iter().any(is_default);
        is_way && classes.on(Side::Outside, family).next().is_some()
    };
    let switched_on = |file: &str| {
        let content = files::read_if_there(file.as_ref(), 16).ok().flatten();
        content.is_some_and(|content| content.first().is_some_and(|digit| *digit != b'0'))
    };
    Kernel {
        passes4: !classes.internal4.is_empty() && leads_out(Family::Ipv4),
        passes6: !classes.internal6.is_empty() && leads_out(Family::Ipv6),
        forwards4: switched_on("/proc/sys/net/ipv4/ip_forward"),
        forwards6: switched_on("/proc/sys/net/ipv6/conf/all/forwarding"),
    }
}
