//! Why a hook runs, or did not run at some time.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::{Answer, Answered, Line, Question, how_far, step, verdict};
use crate::answers::shared::{when, wording};
use crate::hooks::{self, Distrust, Judgement, Survey};
use crate::journal::{Outcome, Reach, Story};
use crate::pipeline;
use crate::plan::{self, Wishes};
use crate::reason::Flaw;
use crate::sources::{ALL, Place};
use crate::sys::{accounts, folder};

/// Events told about where nobody says when.
const LAST: usize = 3;

/// Events told about at a time.
const AT_ONCE: usize = 10;

/// How far before the time asked for the event before it is looked for.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

impl Question<'_> {
    /// How a hook stands, and what became of it. Unless `surely`, a name that no file has
    /// and no plan had is no hook.
    pub(super) fn of_hook(&self, name: &str, surely: bool) -> Answered {
        let survey = hooks::find(&self.house.layout, &self.house.config.adopt);
        let mut lines = stands(self.house, &survey, name);
        let is_there = !lines.is_empty();
        if !is_there {
            lines.extend(self.of_callers_folders(name));
        }
        let is_there = !lines.is_empty();
        if !is_there {
            let folders = self.house.layout.hook_folders();
            let folders: Vec<String> =
                folders.iter().map(|folder| folder.display().to_string()).collect();
            let nearest = self.nearest(Some("hook"), name);
            let nearest = nearest.map(|nearest| format!("; {nearest}")).unwrap_or_default();
            lines.push(Line::Warns(format!(
                "There is no hook {name} now in any of {}{nearest}.",
                folders.join(", ")
            )));
        }
        let Past { lines: past, far, stories } = self.what_became(name, is_there)?;
        if !is_there && !surely && past.is_empty() {
            return Ok(None);
        }
        // What it was not meant for tells less than what became of it when it was.
        let was_meant = |story: &&Story| {
            wording::step(story, name).is_none_or(|step| step.planned.skipped.is_none())
        };
        let telling = stories.iter().find(was_meant).or(stories.first());
        let verdict = telling.and_then(|story| verdict::of_step(self.house, story, name));
        if self.at.is_none() && is_there && !lines.iter().any(|line| matches!(line, Line::Warns(_)))
        {
            lines.splice(0..0, verdict);
        }
        if past.is_empty() {
            let none = match far {
                None => "No event that the journal still holds had it among its steps.",
                Some(_) => "No event had it among its steps lately.",
            };
            lines.push(Line::Says(none.to_owned()));
        }
        lines.extend(past);
        lines.extend(far);
        Ok(Some(Answer::of("hook", name, lines, stories)))
    }

    /// Scripts of that name in the folders of callers, which run them without netcue.
    fn of_callers_folders(&self, name: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        for source in ALL {
            let places = source.triggers.iter().flat_map(|trigger| trigger.places);
            let mut folders: Vec<&str> = places
                .filter_map(|place| match place {
                    Place::Folder(folder) => Some(*folder),
                    Place::File(_) => None,
                })
                .collect();
            folders.sort_unstable();
            folders.dedup();
            for folder in folders {
                let names = folder::names(&self.house.layout.below(folder.as_ref()));
                for file in names.unwrap_or_default() {
                    let path = Path::new(folder).join(&file);
                    if file != name && path.file_stem().is_none_or(|stem| stem != name) {
                        continue;
                    }
                    lines.push(in_callers_folder(source.name.as_str(), &path));
                }
            }
        }
        lines
    }

    /// What became of it, and how far that was looked for, if not far enough.
    fn what_became(&self, name: &str, is_there: bool) -> Result<Past, super::Failure> {
        let Some(at) = self.at else {
            // Also those that were not to be run at all, or not yet.
            let is_planned = |story: &Story| {
                wording::step(story, name).is_some()
                    || is_there
                        && story.event.is_some()
                        && story.steps.is_empty()
                        && story.outcome != Some(Outcome::Ignored)
            };
            let found = self.look_back(Reach::default(), LAST, is_planned)?;
            let further = format!("\"netcue why hook {name} --at TIME\"");
            let far = how_far(&found, &further);
            let mut past = Vec::new();
            if found.stories.len() == LAST && !found.stories.iter().any(|story| ran(story, name)) {
                let before = self.look_back(Reach::default(), 1, |story| ran(story, name))?;
                if let Some(story) = before.stories.first() {
                    past.push(Line::Says("The last time that it ran:".to_owned()));
                    past.extend(in_event(story, name));
                    past.push(Line::Says("It was not run for the newest events:".to_owned()));
                }
            }
            past.extend(found.stories.iter().rev().flat_map(|story| in_event(story, name)));
            return Ok(Past { lines: past, far, stories: found.stories });
        };
        let reach = Reach::since(at.from.checked_sub(BEFORE).unwrap_or(at.from));
        let came_before_its_end =
            |story: &Story| wording::began(story).is_some_and(|time| time < at.until());
        let found = self.look_back(reach, AT_ONCE, came_before_its_end)?;
        let then: Vec<&Story> = found
            .stories
            .iter()
            .rev()
            .filter(|story| wording::began(story).is_some_and(|time| time >= at.from))
            .collect();
        if then.is_empty() {
            let (from, until) = (when::brief(at.from), when::brief(at.until()));
            let mut lines = vec![Line::Warns(format!(
                "It was not asked, because no event came from {from} to {until}."
            ))];
            match found.stories.first() {
                Some(last) => {
                    lines.push(Line::Says("The last event before that:".to_owned()));
                    lines.extend(in_event(last, name));
                }
                None => lines.push(Line::Says("Nor did one in the day before.".to_owned())),
            }
            return Ok(Past { lines, ..Past::default() });
        }
        let lines = then.iter().flat_map(|story| in_event(story, name)).collect();
        let stories = then.into_iter().rev().cloned().collect();
        Ok(Past { lines, far: None, stories })
    }
}

/// What became of a hook.
#[derive(Default)]
struct Past {
    lines: Vec<Line>,
    /// How far that was looked for, if not far enough.
    far: Option<Line>,
    /// The events that are told of, newest first.
    stories: Vec<Story>,
}

/// Whether the hook was run in this event, however it ended.
fn ran(story: &Story, name: &str) -> bool {
    wording::step(story, name).is_some_and(wording::ran)
}

/// Who runs a script that is none of netcue's hooks. Debian's wrappers of pppd and ifupdown's own
/// folders go by run-parts(8), which passes over names with other characters than a hook's.
fn in_callers_folder(source: &str, path: &Path) -> Line {
    let at = path.display();
    let by_run_parts = ["/etc/ppp", "/etc/network"].iter().any(|folder| path.starts_with(folder));
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if by_run_parts && name.contains(is_odd) {
        return Line::Warns(format!(
            "{at} is run by nobody: run-parts, which runs what is in that folder for {source}, \
             passes over names with other characters than A-Z a-z 0-9 _ and -."
        ));
    }
    Line::Says(format!(
        "{at} is run by {source} itself and not by netcue, which knows nothing of how it ends."
    ))
}

/// What became of a hook in one event.
fn in_event(story: &Story, name: &str) -> Vec<Line> {
    let time = wording::began(story).map(when::brief).unwrap_or_default();
    let whose = match story.id {
        Some(_) => format!("{time}, {} ({}):", wording::called(story), wording::short(story.id)),
        None => format!("{time}, {}:", wording::called(story)),
    };
    if let Some(step) = wording::step(story, name) {
        let is_to_come = story.outcome.is_none()
            && step.end.is_none()
            && step.planned.skipped.is_none()
            && wording::present_step(story).is_none_or(|present| present != step);
        if is_to_come {
            return vec![Line::Says(format!("{whose} it is to come."))];
        }
        return step::told(&format!("{whose} it"), step, story.id);
    }
    let why = match (story.outcome, &story.refused) {
        (_, Some(_)) => {
            format!("the call was refused: {}", wording::reason(story).unwrap_or_default())
        }
        (Some(Outcome::Disabled), _) => "the source was switched off".to_owned(),
        (Some(Outcome::Ignored), _) => "the trigger has no meaning for the network".to_owned(),
        (None, _) if story.steps.is_empty() => "the event has not been begun".to_owned(),
        _ => "it was in no hook folder then".to_owned(),
    };
    vec![Line::Warns(format!("{whose} it was not asked, because {why}."))]
}

/// How a hook stands now; nothing if there is none of that name.
fn stands(house: &pipeline::House, survey: &Survey, name: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(found) = survey.hooks.iter().find(|found| found.name == name) {
        let path = found.path.display().to_string();
        lines.push(match &found.judgement {
            Judgement::Ready(_) => match pipeline::wishes(found) {
                Ok(wishes) => Line::Says(ready(&path, &wishes, house.config.hooks.timeout)),
                Err(bad) => Line::Warns(format!("{path} is refused: {bad}.")),
            },
            Judgement::Masked => Line::Warns(format!(
                "The name {name} is masked by {path}, which is empty or a link to /dev/null."
            )),
            Judgement::Distrusted(distrust) => {
                Line::Warns(format!("{path} is refused because {}.", in_words(distrust)))
            }
            Judgement::Unreadable(error) => Line::Warns(format!("{path} is refused: {error}.")),
        });
    } else if plan::makes_rules(name) {
        lines.push(Line::Says(format!(
            "{name} is built in: it makes the rules those that the interfaces call for, in \
             every event."
        )));
    }
    for (path, by) in survey.overridden.iter().filter(|(path, _)| path.ends_with(name)) {
        lines.push(Line::Says(format!("{} stands before {}.", by.display(), path.display())));
    }
    let is_meant =
        |path: &&PathBuf| path.ends_with(name) || path.file_stem().is_some_and(|stem| stem == name);
    for path in survey.misnamed.iter().filter(is_meant) {
        lines.push(Line::Warns(format!(
            "{} is not run, because {}.",
            path.display(),
            hooks::MISNAMED
        )));
    }
    let passed_over = survey.passed_over.iter().filter(|(path, _)| path.ends_with(name));
    lines.extend(
        passed_over.map(|(path, why)| Line::Says(format!("{} is not run: {why}.", path.display()))),
    );
    lines.extend(survey.unreadable.iter().map(|error| Line::Warns(format!("{error}."))));
    lines
}

fn ready(path: &str, wishes: &Wishes, usual: u64) -> String {
    let lists = [
        ("source", &wishes.sources),
        ("action", &wishes.actions),
        ("interface", &wishes.interfaces),
    ];
    let filters: Vec<String> = lists
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(key, values)| format!("{key}={}", values.join(",")))
        .collect();
    let events = if filters.is_empty() {
        "for every event".to_owned()
    } else {
        format!("for events with {}", filters.join(" "))
    };
    let limit = wishes.manner.timeout.map_or(usual, |timeout| timeout.as_secs());
    let user = wishes.manner.user.as_ref().map(|user| format!(", as user {user}"));
    let coalesce = wishes.coalesce.then_some(", only for the newest that waits per interface");
    let unattended = wishes.manner.unattended.then_some(", and holds nobody");
    format!(
        "{path} runs {events}, for at most {limit} s{}{}{}.",
        user.unwrap_or_default(),
        coalesce.unwrap_or_default(),
        unattended.unwrap_or_default()
    )
}

/// As the journal says it, but with names instead of numbers.
fn in_words(distrust: &Distrust) -> String {
    let part = distrust.part.display();
    match distrust.flaw {
        Flaw::Owner { uid } => {
            format!("{part} belongs to {}, not to root (chown root)", accounts::user_name(uid))
        }
        Flaw::GroupWritable { gid } => {
            format!("{part} is writable by group {} (chmod g-w)", accounts::group_name(gid))
        }
        _ => distrust.to_string(),
    }
}
