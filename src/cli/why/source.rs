//! Why a source is heard, or has gone quiet.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Answer, Answered, Line, Question};
use crate::cli::{history, told, when};
use crate::journal::{self, Reach, Story};
use crate::paths::Layout;
use crate::sources::{self, Place, Source};
use crate::sys::files;
use crate::sys::folder::{self, Guide};

/// Refused calls told about.
const REFUSALS: usize = 3;

impl Question<'_> {
    /// Whether a source is on and attached, and when it was last heard of.
    pub(super) fn of_source(&self, name: &str) -> Answered {
        let Some(source) = sources::find(name) else { return Ok(None) };
        let layout = &self.house.layout;
        let mut lines = vec![Line::Says(format!("{name} is {}.", source.summary))];
        let flags = layout.enabled();
        if files::is_folder(&flags) && !files::is_there(&flags.join(name)) {
            lines.push(Line::Warns(format!(
                "It is switched off: {} is missing; its calls are recorded and nothing runs.",
                flags.join(name).display()
            )));
        } else {
            lines.push(Line::Says("It is switched on.".to_owned()));
        }
        lines.extend(attached(layout, source));
        lines.extend(self.heard(name)?);
        Ok(Some(Answer::new("source", name, lines)))
    }

    fn heard(&self, name: &str) -> Result<Vec<Line>, super::Failure> {
        let look = |most, refused: bool| {
            journal::look_back(&self.house.journal, Reach::default(), most, |story: &Story| {
                told::who(story).0 == name && story.refused.is_some() == refused
            })
            .map_err(history::unreadable)
        };
        let last = look(1, false)?;
        let mut lines = Vec::new();
        match last.stories.first() {
            Some(story) => {
                let time = told::began(story);
                let ago = time.map(|time| when::lasting(when::ms_since(time))).unwrap_or_default();
                let (word, _) = told::outcome(story);
                lines.push(Line::Says(format!(
                    "It was last heard {ago} ago, at {}: {}, {word} ({}).",
                    time.map(when::full).unwrap_or_default(),
                    told::called(story),
                    told::short(story.id)
                )));
            }
            None => lines.push(Line::Warns(match last.back_to {
                Some(time) => format!("It has not been heard since {}.", when::full(time)),
                None => "Nobody has been heard: the journal is empty.".to_owned(),
            })),
        }
        for story in look(REFUSALS, true)?.stories.iter().rev() {
            let time = told::began(story).map(when::full).unwrap_or_default();
            let why = told::reason(story).unwrap_or_default();
            lines.push(Line::Warns(format!("A call was refused at {time}: {why}.")));
        }
        Ok(lines)
    }
}

/// The links to netcue in the places where a source looks.
fn attached(layout: &Layout, source: &Source) -> Vec<Line> {
    let places: BTreeSet<&str> = source
        .triggers
        .iter()
        .flat_map(|trigger| trigger.places)
        .map(|place| match place {
            Place::Folder(path) | Place::File(path) => *path,
        })
        .collect();
    if places.is_empty() {
        return Vec::new();
    }
    let mut guide = Guide::below(layout.root());
    let mut found = Vec::new();
    for place in &places {
        let path = layout.root().join(place.trim_start_matches('/'));
        let mut names = vec![path.clone()];
        if files::is_folder(&path) {
            let inside = folder::names(&path).unwrap_or_default();
            names = inside.iter().map(|name| path.join(name)).collect();
        }
        found.extend(names.into_iter().filter(|path| leads_to_netcue(&mut guide, path)));
    }
    if found.is_empty() {
        let places: Vec<&str> = places.into_iter().collect();
        return vec![
            Line::Warns(format!("No link to netcue stands where {} looks:", source.name)),
            Line::Quotes(places.join(" ")),
            Line::Says(
                "Where no link is used, its own configuration has to call netcue.".to_owned(),
            ),
        ];
    }
    let mut lines = vec![Line::Says("It calls netcue by these links:".to_owned())];
    lines.extend(found.iter().map(|link| Line::Quotes(link.display().to_string())));
    lines
}

fn leads_to_netcue(guide: &mut Guide<'_>, path: &Path) -> bool {
    let way = guide.way_to(path);
    let is_link = |way: &folder::Way| way.end.as_path() != path;
    way.is_ok_and(|way| is_link(&way) && way.end.file_name().is_some_and(|name| name == "netcue"))
}
