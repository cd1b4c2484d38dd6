//! `check`: whether the configuration can be used, and if not, where and why not.

use std::path::{Path, PathBuf};

use crate::config;
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::hooks;
use crate::paths::Layout;
use crate::pipeline;
use crate::sys::{files, terminal};

/// What may be said with `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Another file than /etc/netcue/netcue.conf
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    let path = args.file.clone().unwrap_or_else(|| layout.configuration());
    let name = path.display();
    let read = if args.file.is_some() { files::read_named } else { files::read_if_there };
    let content =
        read(&path, config::LARGEST).map_err(|error| Failure::new(Exit::InputOutput, error))?;
    let Some(content) = content else {
        if args.file.is_some() {
            let adopted = pipeline::configured(layout).config.adopt;
            let is_hook = hooks::find_named(layout, &adopted, &path).is_ok();
            let advice = if is_hook { is_for_hooks(&path) } else { format!("there is no {name}") };
            let exit = if is_hook { Exit::Configuration } else { Exit::InputOutput };
            return Err(Failure::new(exit, advice));
        }
        terminal::show(&format!("there is no {name}: the defaults hold\n"))?;
        return Ok(Exit::Done);
    };
    if content.starts_with(b"#!") || content.starts_with(b"\x7fELF") {
        return Err(Failure::new(Exit::Configuration, is_for_hooks(&path)));
    }
    let text = String::from_utf8_lossy(&content);
    match config::parse(&text, &path) {
        Ok(_) => {
            if args.file.is_none() {
                pipeline::judge_configuration(layout)
                    .map_err(|unusable| Failure::new(Exit::Configuration, unusable))?;
            }
            terminal::show(&format!("{name} is good\n"))?;
            Ok(Exit::Done)
        }
        Err(bad) => {
            let line = text.lines().nth(bad.line.saturating_sub(1)).unwrap_or("");
            let number = bad.line.to_string();
            let margin = " ".repeat(number.len());
            // Tabs stay, so that the mark stands where it should.
            let space: String = line
                .chars()
                .take(bad.column.saturating_sub(1))
                .map(|c| if c == '\t' { c } else { ' ' })
                .collect();
            let line = terminal::harmless(line);
            let message = format!("{bad}\n{number} | {line}\n{margin} | {space}^");
            Err(Failure::new(Exit::Configuration, message))
        }
    }
}

fn is_for_hooks(path: &Path) -> String {
    let name = path.display();
    format!("{name} is a hook and no configuration: netcue hooks --check {name}")
}
