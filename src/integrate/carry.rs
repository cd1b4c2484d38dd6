//! Carries out a change: the one place where this folder touches the machine.

use super::Change;
use crate::error::Exit;
use crate::paths::Layout;
use crate::sys::files::{self, FileError};
use crate::sys::{place, tool};

/// Carries out a change.
///
/// # Errors
/// What could not be done, in words, and the exit status for it; the machine is as it was
/// before this change then.
pub fn carry_out(layout: &Layout, change: &Change) -> Result<(), (Exit, String)> {
    let done = match change {
        Change::MakeFolder(at) => place::make_folder(&layout.below(at)),
        Change::Link { at, to } => {
            let at = layout.below(at);
            at.parent().map_or(Ok(()), place::make_folder).and_then(|()| place::make_link(&at, to))
        }
        Change::Unlink(at) | Change::Remove(at) => {
            let at = layout.below(at);
            files::remove(&at).inspect(|()| place::remove_empty_wants(&at))
        }
        Change::Write { at, content } => {
            let at = layout.below(at);
            let folder = at.parent().map_or(Ok(()), place::make_folder);
            folder.and_then(|()| place::write(&at, content))
        }
        Change::RemoveFolder(at) => {
            place::remove_if_empty(&layout.below(at));
            Ok(())
        }
        Change::Run(words) => {
            return tool::run(words).map_err(|message| (Exit::StepFailed, message));
        }
    };
    done.map_err(|error: FileError| {
        let exit = if error.is_permission() { Exit::NoPermission } else { Exit::CantWrite };
        (exit, error.to_string())
    })
}
