//! `parse`: the event a call would become. Pure but for our own words and environment.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::json;

use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::pipeline::{self, Caller};
use crate::sources::{self, Reading, Refusal};
use crate::sys::invocation::Invocation;
use crate::sys::terminal;

/// What may be said with `parse`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "netcue parse [from] SOURCE TRIGGER [WORD]...\n       \
    netcue parse --argv0 PATH [--] [WORD]...")]
pub(super) struct Args {
    /// Reads the words as a call by a link at this path
    #[arg(long, value_name = "PATH")]
    argv0: Option<PathBuf>,
    /// The source, its trigger, and its words; with --argv0 these only
    #[arg(value_name = "CALL", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) fn main(args: &Args, invocation: &Invocation) -> Ended {
    match read(args, invocation)? {
        Ok(reading) => {
            let event = pipeline::accept(reading, Caller::of(invocation).cause);
            show_json(&serde_json::to_value(&event).unwrap_or_default())?;
            Ok(Exit::Done)
        }
        Err(refusal) => {
            let mut error = serde_json::to_value(&refusal).unwrap_or_default();
            if let Some(fields) = error.as_object_mut() {
                fields.insert("message".to_owned(), refusal.to_string().into());
            }
            show_json(&json!({ "error": error }))?;
            Err(Failure::new(Exit::NotUnderstood, refusal))
        }
    }
}

fn read(args: &Args, invocation: &Invocation) -> Result<Result<Reading, Refusal>, Failure> {
    let Some(argv0) = &args.argv0 else {
        return Ok(pipeline::read_words(pipeline::without_from(&args.words), invocation));
    };
    let Some(standing) = sources::by_place(argv0, &invocation.cwd) else {
        let message = format!("{} is no place where a source looks for its hook", argv0.display());
        return Err(Failure::new(Exit::Usage, message));
    };
    Ok(pipeline::read_words_at(&standing, &args.words, invocation))
}

fn show_json(value: &serde_json::Value) -> Result<(), Failure> {
    Ok(terminal::show(&crate::answers::shared::json::pretty(value))?)
}
