//! Why a source is heard, or has gone quiet.

use super::{Answer, Answered, Line, Question, how_far};
use crate::answers::checks::{self, Cost, Finding};
use crate::answers::shared::{when, wording};
use crate::integrate::{self, Attachment, Choice, Seen, Spot};
use crate::journal::{Reach, Story};
use crate::sources::{self, Source};

/// Most refused calls told about: those that came after the last one that was taken.
const REFUSALS: usize = 3;

impl Question<'_> {
    /// Whether a source is on and attached, when it was last heard of, and what is likely to
    /// keep its calls away.
    pub(super) fn of_source(&self, name: &str) -> Answered {
        let Some(source) = sources::find(name) else { return Ok(None) };
        let seen = integrate::look(&self.house.layout, None);
        let attached =
            Attached { source, seen: &seen, attachment: integrate::attachment(&seen, source) };
        let heard = self.heard(name)?;
        let mut lines = vec![Line::Says(format!("{name} is {}.", source.summary))];
        lines.extend(attached.lines());
        lines.extend(heard.lines);
        let looked = checks::look(&self.house.layout, Cost::Little);
        let attention = looked.attention();
        let of_it = |finding: &&&Finding| {
            finding.check == "wrapper" && finding.about.as_deref() == Some(name)
        };
        let in_the_way: Vec<&&Finding> = attention.iter().filter(of_it).collect();
        for finding in &in_the_way {
            lines.push(Line::Warns(format!("{}.", finding.what)));
        }
        let verdict = match in_the_way.as_slice() {
            [finding, ..] if attached.is_on() => Line::Warns(format!(
                "Its calls are kept away or held up by that: {}.",
                finding.to_do.as_deref().unwrap_or_default()
            )),
            _ => attached.conclusion(heard.ever, heard.refused),
        };
        lines.insert(0, verdict);
        Ok(Some(Answer::new("source", name, lines)))
    }

    fn heard(&self, name: &str) -> Result<Heard, super::Failure> {
        let is_its = |story: &Story| wording::who(story).0 == name;
        let is_taken = |story: &Story| story.refused.is_none();
        let mut newest = self.look_back(Reach::default(), REFUSALS, is_its)?;
        let number = newest.stories.iter().take_while(|story| !is_taken(story)).count();
        let refused: Vec<Story> = newest.stories.drain(..number).collect();
        let taken = if newest.stories.is_empty() {
            self.look_back(Reach::default(), 1, |story| is_its(story) && is_taken(story))?
        } else {
            newest
        };
        let mut lines = Vec::new();
        if let Some(last) = taken.stories.first() {
            lines.push(last_heard(last));
        } else {
            lines.push(Line::Warns(match taken.back_to {
                Some(time) if taken.cut_short => {
                    format!("It has not been heard since {}.", when::full(time))
                }
                Some(time) => format!(
                    "The journal, which begins at {}, holds no call of it that was taken.",
                    when::full(time)
                ),
                None => "Nobody has been heard: the journal is empty.".to_owned(),
            }));
            let further = format!("\"netcue history --since TIME --source {name}\"");
            lines.extend(how_far(&taken, &further));
        }
        for story in refused.iter().rev() {
            let time = wording::began(story).map(when::full).unwrap_or_default();
            let why = wording::reason(story).unwrap_or_default();
            lines.push(Line::Warns(format!("A call was refused at {time}: {why}.")));
        }
        Ok(Heard { lines, ever: !taken.stories.is_empty(), refused: refused.len() })
    }
}

fn last_heard(story: &Story) -> Line {
    let time = wording::began(story);
    let ago = time.map(|time| when::lasting(when::ms_since(time))).unwrap_or_default();
    let (word, _) = wording::outcome(story);
    Line::Says(format!(
        "It was last heard {ago} ago, at {}: {}, {word} ({}).",
        time.map(when::full).unwrap_or_default(),
        wording::called(story),
        wording::short(story.id)
    ))
}

/// When a source was last heard of.
struct Heard {
    lines: Vec<Line>,
    /// Whether one of its calls was taken.
    ever: bool,
    /// How many were refused after that.
    refused: usize,
}

/// A source and what calls netcue for it.
struct Attached<'a> {
    source: &'static Source,
    seen: &'a Seen,
    attachment: Attachment,
}

impl Attached<'_> {
    fn is_on(&self) -> bool {
        integrate::is_on(self.seen, self.source)
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.is_on() {
            lines.push(Line::Says("It is switched on.".to_owned()));
        } else {
            lines.push(Line::Warns(format!(
                "It is switched off: there is no {}; its calls are recorded, and nothing runs.",
                integrate::flag(self.source).display()
            )));
        }
        if !integrate::has_callers(self.source) {
            return lines;
        }
        if !self.attachment.installed {
            lines
                .push(Line::Says("It is not installed here, as far as its files tell.".to_owned()));
        }
        if self.attachment.spots.is_empty() {
            let line = "Nothing is set up to call netcue for it.".to_owned();
            let is_wanted = self.attachment.installed && self.is_on();
            lines.push(if is_wanted { Line::Warns(line) } else { Line::Says(line) });
        } else {
            lines.push(Line::Says("It calls netcue by:".to_owned()));
            lines.extend(self.attachment.spots.iter().map(|spot| Line::Quotes(in_words(spot))));
        }
        let dangling = self.attachment.spots.iter().filter(|spot| spot.is_dangling(self.seen));
        lines.extend(dangling.map(|spot| {
            Line::Warns(format!("{} leads to a program that is gone.", spot.at.display()))
        }));
        // Off, it is not meant to be attached.
        if self.is_on() && !self.attachment.missing.is_empty() {
            lines.push(Line::Warns("For all its calls to arrive, this is missing:".to_owned()));
            let missing = self.attachment.missing.iter();
            lines.extend(missing.map(|missing| Line::Quotes(missing.clone())));
        }
        lines
    }

    /// What is likely to keep its calls away, and what to do: the first that is so.
    fn conclusion(&self, ever_heard: bool, refused: usize) -> Line {
        let Attachment { installed, spots, missing } = &self.attachment;
        let enable = format!("\"netcue enable {}\"", self.source.name);
        let nothing_at_boot = self.source.name == sources::BOOT.name
            && integrate::boot_choice(self.seen) == Choice::OFF;
        if !self.is_on() {
            Line::Warns(format!("It is quiet because it is switched off: {enable} switches it on."))
        } else if refused > 0 {
            let calls = if refused == 1 { "its last call was" } else { "its last calls were" };
            Line::Warns(format!("It is quiet because {calls} refused: mend what calls netcue."))
        } else if !integrate::has_callers(self.source) {
            Line::Says("People and scripts call: there is nothing to set up.".to_owned())
        } else if spots.is_empty() && nothing_at_boot {
            Line::Says(format!(
                "It is quiet because /etc/default/netcue chooses no stage of the start: {enable} \
                 chooses one."
            ))
        } else if spots.is_empty() && !installed {
            Line::Says(format!(
                "It is quiet because what would call is not installed: when it is, {enable} sets \
                 up the rest."
            ))
        } else if spots.is_empty() {
            Line::Warns(format!(
                "It is quiet because nothing calls netcue for it: {enable} sets that up, or says \
                 how."
            ))
        } else if !integrate::has_program(self.seen) {
            let program = integrate::program(self.seen);
            Line::Warns(format!(
                "It is quiet because there is no {program} to call: install netcue there."
            ))
        } else if spots.iter().any(|spot| spot.is_dangling(self.seen)) {
            Line::Warns(format!(
                "It is quiet because netcue is not where the link leads: {enable} makes it anew."
            ))
        } else if !installed {
            Line::Says("It is quiet because what would call is not installed any more.".to_owned())
        } else if !missing.is_empty() {
            Line::Warns(format!(
                "Some of its calls can't arrive: {enable} sets up the rest, or says how."
            ))
        } else if ever_heard {
            Line::Says(format!("Nothing keeps its calls away. {ELSEWHERE}"))
        } else {
            Line::Says(format!("It is set up and has not called yet. {ELSEWHERE}"))
        }
    }
}

/// Where to look when nothing is found here.
const ELSEWHERE: &str = "If there was news, its own log says why it did not call; \"netcue \
                         doctor\" examines the rest.";

/// Where it stands, and by what it calls.
fn in_words(spot: &Spot) -> String {
    let at = spot.at.display();
    if let Some(to) = &spot.to {
        return format!("{at}, a link to {}", to.display());
    }
    match spot.lines.as_slice() {
        [] => format!("{at}, which the start of the machine runs"),
        [line] => format!("{at}, line {line}"),
        [lines @ .., last] => {
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            format!("{at}, lines {} and {last}", lines.join(", "))
        }
    }
}
