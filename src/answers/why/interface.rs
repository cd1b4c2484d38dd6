//! Why an interface is external, internal or neither.

use super::{Answer, Answered, Line, Question, how_far};
use crate::answers::rules;
use crate::answers::shared::{when, wording};
use crate::engine::Preview;
use crate::event::Family;
use crate::journal::Reach;

impl Question<'_> {
    /// The class of an interface and the reason. Unless `surely`, a name that neither the
    /// kernel nor the journal knows is none.
    pub(super) fn of_interface(&self, name: &str, surely: bool) -> Answered {
        let found = self.look_back(Reach::default(), 1, |story| wording::who(story).2 == name)?;
        let further = format!("\"netcue history --since TIME --interface {name}\"");
        let far = how_far(&found, &further);
        let last = found.stories.first();
        let mut lines = match rules::preview(self.house) {
            Ok(preview) => {
                let is_known = preview.state.links.iter().any(|link| link.name.as_str() == name)
                    || preview.classes.sides.keys().any(|known| known.as_str() == name);
                if !is_known && last.is_none() && !surely {
                    return Ok(None);
                }
                class(&preview, &self.house.config.rules, name)
            }
            Err(_) if last.is_none() && !surely => return Ok(None),
            Err(failure) => vec![Line::Warns(format!("{failure}."))],
        };
        lines.push(Line::Says(match last {
            None if far.is_some() => "No event was about it lately.".to_owned(),
            None => "No event in the journal is about it.".to_owned(),
            Some(story) => {
                let time = wording::began(story).map(when::full).unwrap_or_default();
                let (word, _) = wording::outcome(story);
                let id = wording::short(story.id);
                format!(
                    "The last event about it: {} at {time}, {word} ({id}).",
                    wording::called(story)
                )
            }
        }));
        lines.extend(far);
        Ok(Some(Answer::new("interface", name, lines)))
    }
}

fn class(preview: &Preview, config: &crate::config::Rules, name: &str) -> Vec<Line> {
    let classes = &preview.classes;
    let link = preview.state.links.iter().find(|link| link.name.as_str() == name);
    let known = classes.sides.keys().find(|known| known.as_str() == name);
    let mut lines: Vec<Line> = known
        .map(|name| classes.standings(name))
        .unwrap_or_default()
        .into_iter()
        .map(|(family, standing)| {
            let of = match family {
                None => "",
                Some(Family::Ipv4) => " for IPv4",
                Some(Family::Ipv6) => " for IPv6",
            };
            Line::Says(format!("{name} is {}{of}: {}.", standing.side.as_str(), standing.why))
        })
        .collect();
    if lines.is_empty() {
        let reason = match link {
            None => "the kernel has no interface of that name now",
            Some(link) if link.loopback => "it is a loopback device",
            Some(link) if !link.up => "it is down, and no default route leads through it",
            Some(link) if link.master.is_some() => {
                "it belongs to another device, which speaks for it, and has no default route"
            }
            Some(_) => "it has no address of its own and no default route",
        };
        lines.push(Line::Says(format!("{name} is neither outside nor inside: {reason}.")));
    }
    let mut fitted = classes.fitted.iter().filter(|_| config.clamp_mss);
    if let Some((_, mtu)) = fitted.find(|(key, _)| key.as_str() == name) {
        lines.push(Line::Says(format!(
            "TCP segments through it are made to fit the whole way; its own MTU is {mtu}."
        )));
    }
    let notes = preview.notes.iter().filter(|note| note.split(' ').any(|word| word == name));
    lines.extend(notes.map(|note| Line::Warns(format!("{note}."))));
    lines
}
