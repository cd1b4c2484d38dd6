//! `try`: one hook and one event in a sandbox, twice: what the hook is given, what it does, and
//! whether it bears being run again.

mod event;
mod outcome;
mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Ended, Exit, Failure};
use crate::event::Event;
use crate::hooks::{self, Distrust, Found, Judgement};
use crate::paths::Layout;
use crate::pipeline::{self, HookCall, House};
use crate::plan::{self, Around, Candidate, Fitness, Kind, Manner, Wishes};
use crate::reason::Flaw;
use crate::sys::folder::Guide;
use crate::sys::invocation::{self, Invocation};
use crate::sys::signals::Signals;

use super::{facts, sandbox};
use event::Told;
use outcome::{Run, Runs};
use show::Shown;

/// What may be said with `try`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "netcue try [--json] HOOK [OPTIONS]\n       \
    netcue try [--json] HOOK from SOURCE TRIGGER [WORD]...\n       \
    netcue try [--json] HOOK EVENT")]
pub(super) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    facts: facts::Options,
    /// A file, or a name in the hook folders
    #[arg(value_name = "HOOK")]
    hook: PathBuf,
    /// "from SOURCE TRIGGER [WORD]…", the beginning of an id, or "last"
    #[arg(value_name = "CALL", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) fn main(layout: &Layout, args: Args, invocation: &Invocation) -> Ended {
    let adopted = pipeline::configured(layout).config.adopt;
    let found = hooks::find_named(layout, &adopted, &args.hook)
        .map_err(|why| Failure::new(Exit::InputOutput, why))?;
    let header = pipeline::wishes(&found).map_err(|bad| bad.to_string());
    let wishes = header.clone().unwrap_or_default();
    let is_root = invocation::is_root();
    let file = the_file(&found, layout.root(), is_root);
    let told = Told::read(layout, &args.words, args.facts, &wishes, invocation)?;
    let mut shown = Shown::of(&found, header.as_ref(), args.json);
    shown.remarks = remarks(&wishes, is_root);

    // Who comes back from there is a child of this process, if the kernel lets us go there.
    let lent: Vec<&Path> = file.iter().map(PathBuf::as_path).collect();
    let entered = sandbox::enter(layout, &lent, &told.network);
    let mut house = House::open(layout.clone());
    if let Some(config) = &told.config {
        house.config.rules = config.rules.clone();
    }
    let rules = match &entered {
        Ok(complaints) => {
            shown.remarks.extend(complaints.iter().map(|line| format!("ip: {line}")));
            pipeline::rules_before(&mut house, &found.name)
        }
        Err(_) => "",
    };
    let event = told.event(invocation);
    let user = wishes.manner.user.clone().filter(|_| is_root);
    let manner = Manner { user, ..wishes.manner.clone() };
    let (step, path) = (found.name.as_str(), found.path.as_path());
    let call = HookCall { event: &event, step, path, rules, manner: &manner };
    let programs = call.programs(&house, file.as_ref().unwrap_or(&found.path));
    let programs = programs.map_err(|reason| reason.to_string());
    shown.event = Some((event.clone(), unwanted(&found, &wishes, &event)));
    shown.programs = programs.clone().unwrap_or_default();
    let ready = header.and(file).and_then(|_| match shown.why_unwanted() {
        Some(_) => Err("it does not want this event".to_owned()),
        None => programs,
    });
    let ready = ready.map_err(|why| (Exit::StepFailed, why)).and_then(|programs| match &entered {
        Ok(_) => Ok(programs),
        Err(failure) => Err((failure.exit, format!("there is no sandbox: {}", failure.message))),
    });
    shown.beginning()?;
    let mut runs = Runs::default();
    let exit = match &ready {
        Err((exit, why)) => {
            shown.not_run = Some(why.clone());
            *exit
        }
        Ok(programs) => {
            let signals =
                Signals::watch().map_err(|error| Failure::new(Exit::InputOutput, error))?;
            let mut before = outcome::traces(layout);
            while runs.wants_another() {
                let end = call.run_programs(&house, programs, &signals);
                let after = outcome::traces(layout);
                runs.all.push(Run::of(end, &before, &after));
                before = after;
                shown.last_of(&runs)?;
            }
            if runs.all.iter().any(Run::has_failed) { Exit::StepFailed } else { Exit::Done }
        }
    };
    shown.end(&runs)?;
    house.close();
    Ok(exit)
}

/// The file that is run, or why none is. What somebody else could change is run by nobody who
/// has rights to lose: a sandbox does not keep root from what root may do.
fn the_file(found: &Found, root: &Path, is_root: bool) -> Result<PathBuf, String> {
    match &found.judgement {
        Judgement::Ready(file) => Ok(file.clone()),
        Judgement::Masked => Err("it is masked: nothing runs under that name".to_owned()),
        Judgement::Distrusted(Distrust { flaw: Flaw::NoFile, .. }) | Judgement::Unreadable(_) => {
            Err(found.judgement.to_string())
        }
        Judgement::Distrusted(distrust) if is_root => Err(format!(
            "root runs nothing that others could change: {distrust}; as it is, it can be tried \
             without root: runuser -u nobody -- netcue try {}",
            found.path.display()
        )),
        Judgement::Distrusted(_) => {
            let way = Guide::below(root).way_to(&found.path);
            way.map(|way| way.end).map_err(|error| error.to_string())
        }
    }
}

/// What is otherwise than it would be in a run, as far as that is known before.
fn remarks(wishes: &Wishes, is_root: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if !is_root {
        remarks.push(
            "without root: what only root may read or do on this machine can't be tried".to_owned(),
        );
        if let Some(user) = &wishes.manner.user {
            remarks.push(format!("user={user} needs root: here it runs as you"));
        }
    }
    if wishes.manner.unattended {
        remarks.push("wait=no: in a run nobody waits for it, and here it is waited for".to_owned());
    }
    remarks
}

/// Why a hook that may run would not, for this event.
fn unwanted(found: &Found, wishes: &Wishes, event: &Event) -> Option<String> {
    if event.facts.action.is_none() {
        return Some("the trigger has no meaning for the network: nothing runs".to_owned());
    }
    let kind = Kind::of_file(&found.name, found.path.clone());
    let fitness = Fitness::Fit(wishes.clone());
    let candidate = Candidate { name: found.name.clone(), rank: found.rank(), kind, fitness };
    plan::make(event, vec![candidate], Around::default())
        .first()?
        .verdict
        .why_not()
        .map(ToString::to_string)
}
