//! `replay`: an event again, as it came, through today's hooks and rules; on the machine, or
//! in a sandbox with the network it met then.

use std::path::Path;

use crate::answers::rules;
use crate::answers::shared::recorded::{self, Recorded};
use crate::answers::shared::table::{Paint, Tone};
use crate::answers::shared::wording;
use crate::engine::{self, KernelState};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::event::{Event, Fact};
use crate::journal::{self, Story};
use crate::paths::Layout;
use crate::pipeline::{self, Arrival, Caller, House};
use crate::sources::{self, Reading, Wait};
use crate::sys::invocation::Invocation;
use crate::sys::terminal;

use super::sandbox;

/// The detail that names the event which an event repeats.
const REPLAY_OF: &str = "replay_of";

/// What may be said with `replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Does it apart from the machine, in the network of then
    #[arg(long)]
    sandbox: bool,
    /// The beginning of an event's id, or "last"; or what capture made
    #[arg(value_name = "EVENT")]
    event: String,
}

pub(super) fn main(layout: &Layout, args: &Args, invocation: &Invocation) -> Ended {
    let mut house = House::open(layout.clone());
    let path = Path::new(&args.event);
    if path.extension().is_none_or(|extension| extension != "tar") {
        let recorded = recorded::in_journal(&house.journal, &args.event)?;
        if args.sandbox {
            return in_sandbox(layout, recorded, invocation);
        }
        let arrival = again(&mut house, *recorded.event, invocation)?;
        house.close();
        if let Some(event) = &arrival.event {
            terminal::show(&format!("{} {}\n", event.id, arrival.fate.as_str()))?;
        }
        return Ok(arrival.fate.exit());
    }
    if !args.sandbox {
        let message = "an archive is of another machine: replay it with --sandbox";
        return Err(Failure::new(Exit::Usage, message));
    }
    in_sandbox(layout, recorded::in_archive(path)?, invocation)
}

/// Lets an event arrive once more, marked as a replay.
fn again(house: &mut House, event: Event, invocation: &Invocation) -> Result<Arrival, Failure> {
    let name = event.source.as_str();
    let source = sources::find(name)
        .ok_or_else(|| Failure::new(Exit::NotUnderstood, format!("no such source: {name}")))?;
    // What emit took in may have any trigger.
    let trigger = source.trigger(event.facts.trigger.as_str()).or(source.triggers.first());
    let trigger = trigger
        .ok_or_else(|| Failure::new(Exit::Bug, format!("the source {name} has no trigger")))?;
    let mut facts = event.facts;
    let id = event.id.to_string().parse().unwrap_or_default();
    facts
        .details
        .insert(REPLAY_OF, Fact::Text(id))
        .map_err(|unfit| Failure::new(Exit::NotUnderstood, unfit.0))?;
    let reading = Reading { source, trigger, facts };
    Ok(pipeline::arrive(house, reading, Caller::of(invocation), Wait::InPlace))
}

fn in_sandbox(layout: &Layout, recorded: Recorded, invocation: &Invocation) -> Ended {
    let missing = "no state of the kernel is on record for this event: it did not run, or the \
                   state was too large, or it has been rotated away";
    let state = recorded.state.ok_or_else(|| Failure::new(Exit::StepFailed, missing))?;
    let complaints = sandbox::enter(layout, &[], &state)?;
    let mut house = House::open(layout.clone());
    if let Some(config) = recorded.config {
        house.config.rules = config.rules;
    }
    let id = recorded.event.id;
    let arrival = again(&mut house, *recorded.event, invocation)?;
    let made = arrival.event.as_ref().map(|event| journal::story_of(&house.journal, event.id));
    let made = made.transpose().map_err(Failure::unreadable)?.flatten();
    let mut text = format!("replay of {id}: {}\n", arrival.fate.as_str());
    text.push_str(&differences(&house, &state, &complaints));
    text.extend(made.as_ref().map(steps));
    let preview = rules::preview(&house)?;
    let in_force = if preview.differences.is_empty() { "rules" } else { "rules, not in force" };
    text.push_str(&format!("{in_force}:\n{}", preview.wanted));
    house.close();
    terminal::show(&text)?;
    Ok(arrival.fate.exit())
}

/// Where the sandbox's network is not what was recorded, as far as it matters to the rules.
fn differences(house: &House, state: &KernelState, complaints: &[String]) -> String {
    let rules = &house.config.rules;
    let wanted = engine::text(&engine::ruleset(&engine::classify(state, rules), rules));
    let made = engine::state(&house.layout.rules()).unwrap_or_default();
    let made = engine::text(&engine::ruleset(&engine::classify(&made, rules), rules));
    if wanted == made {
        return String::new();
    }
    let mut text = "the network could not be made as it was, so the rules differ:\n".to_owned();
    for line in engine::lines(&wanted, &made) {
        text.push_str(&format!("  {}\n", terminal::harmless(&line.to_string())));
    }
    for line in complaints {
        text.push_str(&format!("  ip: {}\n", terminal::harmless(line)));
    }
    text
}

fn steps(story: &Story) -> String {
    let paint = Paint::for_stdout();
    let mut text = String::new();
    for step in &story.steps {
        let name = paint.text(Tone::Strong, &step.planned.step);
        let Some(end) = &step.end else {
            let how = wording::how_it_was_left(step);
            text.push_str(&format!("  {name}  {}\n", paint.text(Tone::Faint, &how)));
            continue;
        };
        let tone = if end.outcome.is_failure() { Tone::Bad } else { Tone::Good };
        let how = wording::how_it_ended(end);
        text.push_str(&format!("  {name}  {}\n", paint.text(tone, &how)));
        for line in end.output.lines() {
            text.push_str(&format!("      {}\n", paint.text(Tone::Plain, &format!("| {line}"))));
        }
    }
    text
}
