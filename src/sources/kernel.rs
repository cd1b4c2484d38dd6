//! The kernel itself: what `netcue watch` found to have changed, and nobody told.

use super::{Attach, Call, Manners, Reading, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// The kernel, by `netcue watch`.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("kernel"),
    summary: "the kernel itself, as netcue watch hears it",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &TRIGGERS,
    attach: Attach::NOTHING,
};

/// The watch goes on listening, and leaves the work to a run.
const WAIT: Wait = Wait::Deposit;

static TRIGGERS: [Trigger; 8] = [
    of_machine("state", Action::Rules),
    of_machine("rules-lost", Action::Rules),
    of_interface("link-up", Action::Up),
    of_interface("link-down", Action::Down),
    of_interface("address", Action::Change),
    of_interface("route", Action::Change),
    of_interface("link", Action::Change),
    of_machine("policy", Action::Change),
];

const fn of_machine(word: &'static str, action: Action) -> Trigger {
    Trigger::new(word, Some(action), WAIT, "[NAME=VALUE ...]", with_details)
}

const fn of_interface(word: &'static str, action: Action) -> Trigger {
    Trigger::new(word, Some(action), WAIT, "INTERFACE [NAME=VALUE ...]", with_interface)
}

/// What the kernel's news come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelNews {
    /// The state calls for other rules.
    State,
    /// Somebody else changed our rules.
    RulesLost,
    /// A link works.
    LinkUp,
    /// A link does not work any more.
    LinkDown,
    /// The addresses of an interface are others.
    Address,
    /// The routes by an interface are others.
    Route,
    /// Something else about a link is.
    Link,
    /// The policy rules are others.
    Policy,
}

/// What the watch has found, to which `facts` adds what is known of it.
#[must_use]
pub fn kernel_news(news: KernelNews, facts: impl FnOnce(&mut Facts)) -> Reading {
    let [state, rules_lost, link_up, link_down, address, route, link, policy] = &TRIGGERS;
    let trigger = match news {
        KernelNews::State => state,
        KernelNews::RulesLost => rules_lost,
        KernelNews::LinkUp => link_up,
        KernelNews::LinkDown => link_down,
        KernelNews::Address => address,
        KernelNews::Route => route,
        KernelNews::Link => link,
        KernelNews::Policy => policy,
    };
    let mut known = trigger.facts(trigger.word);
    facts(&mut known);
    Reading { source: &SOURCE, trigger, facts: known }
}

/// Details that are text, and those that are numbers.
const TEXTS: [&str; 4] = ["before", "after", "process", "difference"];
const NUMBERS: [&str; 3] = ["ifindex", "flaps", "pid"];

fn with_interface(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface(0)?);
    with_details(&call.after(1), trigger, facts)
}

fn with_details(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    for index in 0..call.words.len() {
        let word = call.text(index, "NAME=VALUE")?;
        match word.split_once('=') {
            Some((name, value)) if TEXTS.contains(&name) => facts.detail_text(name, value),
            Some((name, value)) if NUMBERS.contains(&name) => facts.detail_number(name, value),
            _ => facts.warn("words", "one of them is no detail of the kernel's"),
        }
    }
    Ok(())
}
