//! Events by what people call them: the beginning of an id, or the last.

use uuid::Uuid;

use super::Journal;
use super::search::{Found, Reach, look_back};
use super::story::Story;
use crate::sys::files::FileError;

/// What somebody calls an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// The newest.
    Last,
    /// Its id begins so; in small letters.
    Beginning(String),
}

impl Name {
    /// Reads a word of the command line.
    #[must_use]
    pub fn of(word: &str) -> Self {
        if word == "last" { Self::Last } else { Self::Beginning(word.to_ascii_lowercase()) }
    }

    /// Whether an event of that id may be called so; a refused call has none.
    #[must_use]
    pub fn fits(&self, id: Option<Uuid>) -> bool {
        match self {
            Self::Last => true,
            Self::Beginning(beginning) => {
                id.is_some_and(|id| id.to_string().starts_with(beginning))
            }
        }
    }
}

/// Those that `wanted` takes of the events that are called so, newest first.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn look_up(
    journal: &Journal,
    name: &Name,
    mut wanted: impl FnMut(&Story) -> bool,
) -> Result<Found, FileError> {
    let Name::Beginning(beginning) = name else {
        return look_back(journal, Reach::default(), 1, wanted);
    };
    let mut is_it = |story: &Story| name.fits(story.id) && wanted(story);
    let found = look_back(journal, Reach::of_id(beginning), usize::MAX, &mut is_it)?;
    if !found.stories.is_empty() || found.cut_short {
        return Ok(found);
    }
    // The clock may have been set back since.
    look_back(journal, Reach { since: None, records: usize::MAX }, usize::MAX, is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_called_by_the_beginning_of_its_id() {
        let id = Some("019ca8c6-cd98-7000-8000-000000000001".parse().unwrap());
        for (word, fits) in [
            ("last", true),
            ("019ca8c6-cd98", true),
            ("019CA8C6-C", true),
            ("019ca8c6cd98", false),
            ("ca8c6", false),
        ] {
            assert_eq!(Name::of(word).fits(id), fits, "{word}");
        }
        assert!(Name::Last.fits(None) && !Name::of("0").fits(None));
    }
}
