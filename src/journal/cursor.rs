//! A cursor: how far somebody has taken over what ended, kept in a file of its own.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::backlog::Position;
use crate::sys::files::{self, FileError};
use crate::sys::folder;

/// Largest file of a cursor in bytes: a larger one is none of ours.
const LARGEST: u64 = 64 * 1024;

/// How long handing on may fail before that needs attention, in seconds: a broker that is
/// restarted is nobody's concern.
const PATIENCE_S: i64 = 600;

/// How long a gap needs attention, in seconds: one day.
const GAPS_AGE_S: i64 = 86_400;

/// How far somebody has taken over what ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// Up to where that is in the journal.
    pub position: Position,
    /// What was handed on last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// How many lines were handed on in all.
    pub handed_on: u64,
    /// How often records were rotated away before they were handed on.
    pub gaps: u64,
    /// When that was noticed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_gap: Option<Timestamp>,
    /// Since when handing on fails, and why; none while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
}

/// What was handed on last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The id under which it was handed on.
    pub id: String,
    /// When it ended.
    pub time: Timestamp,
}

/// That handing on fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// What was wrong the last time.
    pub problem: String,
}

/// Why a cursor can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// Its file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file holds no cursor.
    #[error("{path} holds no cursor: {source}; \"netcue ship --cursor {name} --reset\" begins anew", path = path.display())]
    NoCursor {
        /// Which file.
        path: PathBuf,
        /// The cursor's name.
        name: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// The file that somebody named holds no cursor.
    #[error("{} holds no cursor: {source}; remove it to begin anew", path.display())]
    NotOne {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
}

impl Cursor {
    /// The file of a cursor.
    #[must_use]
    pub fn path(folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}.json"))
    }

    /// Reads a cursor; a new one where there is none of that name.
    ///
    /// # Errors
    /// When its file can't be read or holds no cursor.
    pub fn read(folder: &Path, name: &str) -> Result<Self, CursorError> {
        let path = Self::path(folder, name);
        let Some(content) = files::read_if_there(&path, LARGEST)? else {
            return Ok(Self::default());
        };
        serde_json::from_slice(&content).map_err(|source| CursorError::NoCursor {
            path,
            name: name.to_owned(),
            source,
        })
    }

    /// Reads the cursor in a file of its user's; a new one where there is no such file.
    ///
    /// # Errors
    /// When it can't be read or holds no cursor.
    pub fn of_file(path: &Path) -> Result<Self, CursorError> {
        let Some(content) = files::read_if_there(path, LARGEST)? else {
            return Ok(Self::default());
        };
        let path = path.to_owned();
        serde_json::from_slice(&content).map_err(|source| CursorError::NotOne { path, source })
    }

    /// All cursors, by name; those that can't be read say why.
    #[must_use]
    pub fn all(folder: &Path) -> Vec<(String, Result<Self, CursorError>)> {
        let names = match folder::names(folder) {
            Ok(names) => names,
            Err(_) if !files::is_there(folder) => return Vec::new(),
            Err(error) => return vec![(folder.display().to_string(), Err(error.into()))],
        };
        let name = |file: std::ffi::OsString| {
            Some(file.into_string().ok()?.strip_suffix(".json")?.to_owned())
        };
        let names = names.into_iter().filter_map(name);
        names.map(|name| (name.clone(), Self::read(folder, &name))).collect()
    }

    /// Keeps the cursor, so that it outlives the loss of power.
    ///
    /// # Errors
    /// When its file can't be written; the old one stays then.
    pub fn keep(&self, folder: &Path, name: &str) -> Result<(), FileError> {
        self.keep_in(&Self::path(folder, name))
    }

    /// Keeps it in a file of its user's.
    ///
    /// # Errors
    /// As with [`Self::keep`].
    pub fn keep_in(&self, file: &Path) -> Result<(), FileError> {
        files::put_durably(file, &serde_json::to_vec(self).unwrap_or_default())
    }

    /// What of all cursors somebody should look at.
    #[must_use]
    pub fn attentions(folder: &Path, now: Timestamp) -> Vec<String> {
        let attention = |(name, cursor): (String, Result<Self, CursorError>)| match cursor {
            Ok(cursor) => cursor.attention(&name, now),
            Err(error) => Some(error.to_string()),
        };
        Self::all(folder).into_iter().filter_map(attention).collect()
    }

    fn attention(&self, name: &str, now: Timestamp) -> Option<String> {
        let age = |then: Timestamp| now.as_second().saturating_sub(then.as_second());
        if let Some(failing) = self.failing.as_ref().filter(|it| age(it.since) > PATIENCE_S) {
            return Some(format!(
                "nothing could be handed on for cursor {name} since {}: {}",
                failing.since, failing.problem
            ));
        }
        let gap = self.last_gap.filter(|time| age(*time) < GAPS_AGE_S)?;
        Some(format!(
            "records were rotated away before cursor {name} had taken them over, noticed at {gap}"
        ))
    }
}
