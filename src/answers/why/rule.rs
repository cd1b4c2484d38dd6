//! Why a rule is there: what it is for, what the sets it refers to hold and why, and which
//! event last changed the rules.

use super::{Answer, Answered, Line, Question, how_far};
use crate::answers::rules;
use crate::answers::shared::{when, wording};
use crate::engine::{self, Chain, ChainName, Classes, Preview, Rule, Statement};
use crate::journal::{Reach, StepOutcome, Story};

impl Question<'_> {
    /// The rules of that number or with that text; all of them, numbered, where nothing is
    /// said. Unless `surely`, words that no rule has are no rule.
    pub(super) fn of_rule(&self, words: &str, surely: bool) -> Answered {
        let preview = match rules::preview(self.house) {
            Ok(preview) => preview,
            Err(_) if !surely => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let ruleset = engine::ruleset(&preview.classes, &self.house.config.rules);
        let all: Vec<(&Chain, &Rule)> = ruleset
            .chains
            .iter()
            .flat_map(|chain| chain.rules.iter().map(move |rule| (chain, rule)))
            .collect();
        let number: Option<usize> = words.parse().ok();
        let is_meant = |at: usize, rule: &Rule| match number {
            Some(number) => at + 1 == number,
            None => engine::rule_text(rule).to_lowercase().contains(&words.to_lowercase()),
        };
        let meant: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(at, (_, rule))| words.is_empty() || is_meant(*at, rule))
            .collect();
        if meant.is_empty() {
            return Ok(None);
        }
        let mut lines = Vec::new();
        if !preview.differences.is_empty() && !meant.is_empty() {
            lines.push(Line::Warns(
                "The rules below are called for and not in force: see \"netcue rules diff\"."
                    .to_owned(),
            ));
        }
        for (at, (chain, rule)) in &meant {
            let chain = chain_name(chain.name);
            lines.push(Line::Says(format!("Rule {} is in the chain {chain}:", at + 1)));
            lines.push(Line::Quotes(engine::rule_text(rule)));
            if !words.is_empty() {
                lines.push(Line::Says(format!("It is there because {}.", purpose(rule.comment))));
                lines.extend(sets(rule, &preview.classes));
            }
        }
        let texts: Vec<String> =
            meant.iter().map(|(_, (_, rule))| engine::rule_text(rule)).collect();
        lines.extend(self.last_changes(&preview, &texts)?);
        let name = if words.is_empty() { "all" } else { words };
        Ok(Some(Answer::new("rule", name, lines)))
    }

    fn last_changes(
        &self,
        preview: &Preview,
        texts: &[String],
    ) -> Result<Vec<Line>, super::Failure> {
        let mut lines = Vec::new();
        let found = self.look_back(Reach::default(), 1, |story| !changes(story).is_empty())?;
        let mut far = how_far(&found, FURTHER);
        match found.stories.first() {
            Some(story) => {
                lines.push(Line::Says(format!("The rules were last changed by {}.", by(story))));
                if let [text] = texts {
                    let found = self.look_back(Reach::default(), 1, |story| adds(story, text))?;
                    far = how_far(&found, FURTHER);
                    let came = found.stories.first();
                    lines.extend(
                        came.map(|story| Line::Says(format!("This rule came with {}.", by(story)))),
                    );
                }
            }
            None => lines.push(Line::Says(match preview.since {
                Some(since) => format!("They were last changed at {}.", when::full(since)),
                None if far.is_some() => "No event has changed them lately.".to_owned(),
                None => "No event in the journal has changed them.".to_owned(),
            })),
        }
        lines.extend(far);
        Ok(lines)
    }
}

/// What looks for older changes.
const FURTHER: &str = "\"netcue history --since TIME --hook 50-rules\"";

fn by(story: &Story) -> String {
    let time = wording::began(story).map(when::full).unwrap_or_default();
    format!("{} at {time} ({})", wording::called(story), wording::short(story.id))
}

fn changes(story: &Story) -> &[String] {
    let end = wording::engine_step(story).and_then(|step| step.end.as_ref());
    end.filter(|end| end.outcome == StepOutcome::Changed).map_or(&[], |end| &end.changes)
}

fn adds(story: &Story, rule: &str) -> bool {
    changes(story).iter().any(|line| line.strip_prefix('+').is_some_and(|line| line.trim() == rule))
}

/// A comment that is no clause of its own becomes one.
fn purpose(comment: &str) -> String {
    match comment {
        "part of a known connection" => "packets of a known connection have to pass".to_owned(),
        "forwarded inside, by netcue.conf or a rule of somebody else's" => {
            "netcue.conf or another table has forwarded this connection to the inside".to_owned()
        }
        "the administrator's own rules, of /etc/netcue/rules.d" => {
            "/etc/netcue/rules.d has rules of the administrator's own".to_owned()
        }
        "open in netcue.conf" => "open in netcue.conf names it".to_owned(),
        comment => comment.to_owned(),
    }
}

/// What the sets of a rule hold, and why.
fn sets(rule: &Rule, classes: &Classes) -> Vec<Line> {
    let sets = rule.statements.iter().filter_map(Statement::set);
    sets.flat_map(|set| {
        let elements = engine::held(set, classes).lines();
        let name = set.as_str();
        let what = set.comment();
        let head = match elements.as_slice() {
            [] => format!("@{name} is for {what}, and empty."),
            _ => format!("@{name} holds the {what}:"),
        };
        std::iter::once(Line::Says(head)).chain(elements.into_iter().map(Line::Quotes))
    })
    .collect()
}

fn chain_name(name: ChainName) -> &'static str {
    match name {
        ChainName::Prerouting => "prerouting, which packets pass as they arrive",
        ChainName::Dstnat => "dstnat, which connections pass as they arrive",
        ChainName::Forward => "forward, which packets pass that are not for this machine",
        ChainName::Input => "input, which packets pass that are for this machine",
        ChainName::UserForward
        | ChainName::UserPrerouting
        | ChainName::UserPostrouting
        | ChainName::UserInput => "of the administrator's own",
        ChainName::Postrouting => "postrouting, which connections pass on their way out",
    }
}
