//! Looks at everything that the checks decide over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::adopted::Adopted;
use super::firewalls::OURS;
use super::runs::RefusedCalls;
use super::watch::Watching;
use super::{
    Ahead, AtWork, Deaf, Examined, Finding, Kernel, OwnUnit, Owner, RefusedHook, Runs, findings,
    hook_files,
};
use crate::answers::shared::{ssh, wording};
use crate::config::Rules;
use crate::engine::{self, Classes, EngineError, Preview, Side};
use crate::event::Family;
use crate::hooks::{self, Judgement, Survey};
use crate::integrate;
use crate::journal::{self, Cursor, Found, Heard, Journal, Outcome, Story};
use crate::paths::Layout;
use crate::pipeline;
use crate::plan::{Candidate, Fitness, Kind};
use crate::sources::{ALL, Place};
use crate::sys::files::FileError;
use crate::sys::foreign::Chain;
use crate::sys::place::Thing;
use crate::sys::state::{KernelState, Route};
use crate::sys::{
    append, clock, files, folder, foreign, inbox, invocation, legacy, place, processes, systemd,
};

/// Records of the journal that are looked at for how things went lately: those of some two
/// hundred events. What is met in them is then read to its beginning.
const RECORDS: usize = 2_000;

/// Records that are read back for when each source last called.
const HEARD: usize = 20_000;

/// How long a script that is run before netcue's link may take before that is noticed.
const PATIENCE: Duration = Duration::from_secs(3);

/// What looking may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// What it takes: systemd is asked about its units.
    Any,
    /// No other program is run: this may happen at every event.
    Little,
}

/// How things stand: what the checks found, and what they found it in.
pub(crate) struct Looked {
    /// What each check found.
    pub(crate) findings: Vec<Finding>,
    /// The rules that are called for against those in force.
    pub(crate) rules: Result<Preview, EngineError>,
    /// The newest events, whole.
    pub(crate) recent: Result<Found, FileError>,
    /// Who is at work, at what, and what waits.
    pub(crate) work: AtWork,
    /// The candidate in the place of the engine, where there is one.
    pub(crate) in_its_place: Option<Candidate>,
}

impl Looked {
    /// What needs attention, the worst first.
    pub(crate) fn attention(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.needs_attention()).collect();
        all.sort_by_key(|finding| finding.severity);
        all
    }
}

/// Looks at everything, and makes every check.
pub(crate) fn look(layout: &Layout, cost: Cost) -> Looked {
    let configured = pipeline::configured(layout);
    let config = configured.config;
    let survey = hooks::find(layout, &config.adopt);
    let candidates = pipeline::candidates(&survey);
    let (hooks, refused, engine_replaced) = judged(&survey, &candidates);
    let journal = Journal::of(layout, &config.journal);
    let recent = journal::recent(&journal, RECORDS);
    let stories: &[Story] = recent.as_ref().map_or(&[], |found| &found.stories);
    let heard = heard(&journal);
    let rules = engine::open()
        .and_then(|mut session| engine::preview(&config.rules, &layout.rules(), &mut session));
    let (kernel, mut sides) = kernel(layout, &config.rules, rules.as_ref().ok());
    sides.extend(ssh::cut(layout, &config.rules));
    let work = AtWork::of(layout, &config.hooks, &candidates, stories);
    let seen = integrate::look(layout, None);
    let chains = foreign::chains().map_err(|error| format!("reading the rules of others: {error}"));
    let unheeded = unheeded(&seen, stories);
    let watch = Watching::of(layout, &seen);
    let examined = Examined {
        ahead: ahead(layout, &seen),
        not_executable: not_executable(layout, &seen),
        seen,
        configuration: layout.configuration(),
        bad_configuration: configured.problem,
        hooks,
        refused,
        odd_hooks: hook_files::of_those_that_run(&survey).iter().map(ToString::to_string).collect(),
        unreadable: survey.unreadable.iter().map(ToString::to_string).collect(),
        adopted: Adopted::of(layout, &config.adopt, &survey),
        engine_replaced,
        heard_whole: heard.as_ref().is_ok_and(|heard| heard.whole),
        heard: heard.map(|heard| heard.last).map_err(|error| error.to_string()),
        unread: recent.as_ref().err().map(ToString::to_string),
        unwritable: unwritable(layout),
        is_root: invocation::is_root(),
        now: clock::now(),
        work: work.clone(),
        runs: Runs::of(stories, &candidates),
        refused_calls: RefusedCalls::of(stories, clock::now()),
        unheeded,
        watch,
        unit: own_unit(layout, cost),
        failed: (layout.failed(), given_up(layout)),
        handing_on: Cursor::attentions(&layout.cursors(), clock::now()),
        locals: locals(layout),
        kernel,
        in_force: rules.as_ref().map(|preview| preview.differences.is_empty()).map_err(deaf),
        sides,
        owner: chains.as_ref().ok().and_then(|chains| owner(chains)),
        chains,
        legacy: legacy::chains().map_err(|error| format!("reading iptables-legacy: {error}")),
    };
    let is_in_its_place =
        |candidate: &Candidate| matches!(candidate.kind, Kind::InPlaceOfEngine(_));
    let in_its_place = candidates.into_iter().find(is_in_its_place);
    Looked { findings: findings(&examined), rules, recent, work, in_its_place }
}

/// When each source last called.
pub(crate) fn heard(journal: &Journal) -> Result<Heard, FileError> {
    let names: Vec<&str> = ALL.iter().map(|source| source.name.as_str()).collect();
    journal::last_heard(journal, &names, HEARD)
}

fn given_up(layout: &Layout) -> Result<usize, String> {
    let folder = layout.failed();
    folder::names(&folder).map(|names| names.len()).map_err(|error| error.to_string())
}

/// Another root has no systemd of its own.
fn own_unit(layout: &Layout, cost: Cost) -> Option<OwnUnit> {
    let ask = || (systemd::unit("netcue-queue.path"), systemd::unit("netcue-queue.service"));
    (layout.root() == Path::new("/") && systemd::is_running()).then(|| OwnUnit {
        asked: (cost == Cost::Any).then(ask),
        is_installed: files::is_there(Path::new("/usr/lib/systemd/system/netcue-queue.path")),
        listens: inbox::is_listened_to(&layout.inbox()),
    })
}

/// What is run before netcue's links in their folders, and has not ended. It holds up the call as
/// long as it runs.
fn ahead(layout: &Layout, seen: &integrate::Seen) -> Vec<Ahead> {
    let mut scripts = BTreeMap::new();
    for source in ALL {
        for spot in integrate::attachment(seen, source).spots {
            let (Some(folder), Some(own)) = (spot.at.parent(), spot.at.file_name()) else {
                continue;
            };
            let is_folder = folder.extension().is_some_and(|extension| extension == "d");
            let below = layout.below(folder);
            let names = if is_folder { folder::names(&below) } else { continue };
            for name in names.unwrap_or_default().into_iter().filter(|name| name.as_os_str() < own)
            {
                let ahead = (source.name.as_str(), folder.join(&name), spot.at.clone());
                scripts.insert(below.join(&name), ahead);
            }
        }
    }
    if scripts.is_empty() {
        return Vec::new();
    }
    let running = processes::called_with(&|word| scripts.contains_key(Path::new(word)));
    let ahead = running.into_iter().filter_map(|(pid, word, age)| {
        let (source, script, link) = scripts.get(Path::new(&word))?.clone();
        let since = clock::now().checked_sub(SignedDuration::try_from(age).ok()?).ok()?;
        (age > PATIENCE).then_some(Ahead { source, script, link, pid, since })
    });
    ahead.collect()
}

/// Debian's wrappers run what is in their folder, and the kernel runs them only if it may.
fn not_executable(layout: &Layout, seen: &integrate::Seen) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for source in ALL {
        for spot in integrate::attachment(seen, source).spots {
            let Some(folder) = spot.at.parent() else { continue };
            let wrapper = folder.with_extension("");
            let is_wrapper = folder.extension().is_some_and(|extension| extension == "d")
                && matches!(seen.at(&wrapper), Thing::File(text) if text.starts_with(b"#!"));
            if is_wrapper && !place::is_executable(&layout.below(&wrapper)) {
                found.push((source.name.as_str(), wrapper));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// How many hooks may run, which files don't and why, and what stands for the engine.
fn judged(survey: &Survey, candidates: &[Candidate]) -> (usize, Vec<RefusedHook>, Option<PathBuf>) {
    let (mut fit, mut refused, mut engine) = (0, Vec::new(), None);
    let mend = |path: &PathBuf| match &survey.hooks.iter().find(|it| it.path == *path)?.judgement {
        Judgement::Distrusted(distrust) => distrust.mend(),
        _ => None,
    };
    let is_folder = |path: &PathBuf| survey.unreadable.iter().any(|folder| folder.path == *path);
    for candidate in candidates {
        let path = match &candidate.kind {
            Kind::Engine => continue,
            Kind::Hook(path) if is_folder(path) => continue,
            Kind::Hook(path) => path,
            Kind::InPlaceOfEngine(path) => engine.insert(path.clone()),
        };
        match &candidate.fitness {
            Fitness::Fit(_) => fit += 1,
            Fitness::Masked => {}
            Fitness::Unfit(why) => {
                let (path, why, mend) = (path.clone(), why.to_string(), mend(path));
                refused.push(RefusedHook { path, why, mend });
            }
        }
    }
    let misnamed = survey.misnamed.iter();
    refused.extend(misnamed.map(|path| {
        let why = hooks::MISNAMED.to_owned();
        RefusedHook { path: path.clone(), why, mend: None }
    }));
    (fit, refused, engine)
}

/// Sources that are off, and whose newest call came to nothing because of that: since the first
/// of such calls.
fn unheeded(seen: &integrate::Seen, stories: &[Story]) -> BTreeMap<String, Timestamp> {
    let mut off = BTreeMap::new();
    for source in ALL.iter().filter(|source| !integrate::is_on(seen, source)) {
        let name = source.name.as_str();
        let of_it = stories.iter().filter(|story| wording::who(story).0 == name);
        let in_vain = of_it.take_while(|story| story.outcome == Some(Outcome::Disabled));
        if let Some(since) = in_vain.filter_map(wording::began).last() {
            off.insert(name.to_owned(), since);
        }
    }
    off
}

/// Who alone may change netcue's table.
fn owner(chains: &[Chain]) -> Option<Owner> {
    let ours = chains.iter().find(|chain| (chain.family, chain.table.as_str()) == OURS)?;
    let port = ours.owner?;
    Some(Owner { who: processes::by_port(port), port })
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

fn deaf(error: &EngineError) -> Deaf {
    Deaf { lacks: matches!(error, EngineError::Missing { .. }), why: error.to_string() }
}

/// What the kernel says about forwarding, and what the engine has to say about what it saw. It is
/// asked apart from the rules where those can't be read.
fn kernel(
    layout: &Layout,
    rules: &Rules,
    preview: Option<&Preview>,
) -> (Result<Kernel, Deaf>, Vec<String>) {
    let with_one_arm = |state: &KernelState, classes: &Classes, notes: &[String]| {
        let kernel = forwarding(state, classes, rules);
        let one_arm = engine::one_arm(state, classes).filter(|_| kernel.forwards4);
        // Rules of the administrator's own may see to it already.
        let one_arm = one_arm.filter(|_| rules.own.is_none());
        (Ok(kernel), notes.iter().cloned().chain(one_arm).collect())
    };
    if let Some(Preview { state, classes, notes, .. }) = preview {
        return with_one_arm(state, classes, notes);
    }
    match engine::state(&layout.rules()) {
        Ok(state) => {
            let classes = engine::classify(&state, rules);
            with_one_arm(&state, &classes, &classes.notes)
        }
        Err(error) => (Err(deaf(&error)), Vec::new()),
    }
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
