//! `adopt`: another dispatcher's folder, what would become of each file in it, and the table for
//! it in the configuration.

use std::path::{Path, PathBuf};

use super::carry::{Way, carry};
use super::enable::on_the_machine;
use crate::answers::hooks::of_folder;
use crate::config::Adopt;
use crate::error::{Ended, Exit, Failure};
use crate::event::{Action, SourceName};
use crate::integrate;
use crate::paths::Layout;
use crate::profiles::Profile;
use crate::sys::{files, terminal};

/// What may be said with `adopt`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Says what would become of each file, and changes nothing
    #[arg(long)]
    dry_run: bool,
    /// As whose scripts: ppp, ifupdown, networkmanager, networkd, ...
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    profile: Option<Profile>,
    /// For which actions, where the folder's name does not say
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    on: Vec<Action>,
    /// Sources of whose links something else runs the scripts
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    not_from: Option<Vec<SourceName>>,
    /// Gives the folder back to its own dispatcher alone
    #[arg(long, conflicts_with_all = ["profile", "on", "not_from"])]
    undo: bool,
    /// The folder, such as /etc/network/if-up.d
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

fn profile(word: &str) -> Result<Profile, String> {
    Profile::named(word).ok_or_else(|| {
        let known: Vec<&str> = Profile::ALL.iter().map(|profile| profile.as_str()).collect();
        format!("wanted is one of {}", known.join(" "))
    })
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    let folder = plain(&on_the_machine(layout, &args.folder));
    let seen = integrate::look(layout, None);
    if args.undo {
        return carry(
            layout,
            &[("adopt", integrate::adopt(&seen, &folder, None))],
            Way::plain(args.dry_run),
        );
    }
    if !files::is_folder(&layout.below(&folder)) {
        let message = format!("there is no folder {}", folder.display());
        return Err(Failure::new(Exit::InputOutput, message));
    }
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let profile = args.profile.or_else(|| Profile::of_folder(&folder)).ok_or_else(|| {
        usage(format!("whose scripts are in {}? say it with --profile", folder.display()))
    })?;
    let mut wanted = Adopt::usual(&folder, profile);
    wanted.not_from =
        args.not_from.clone().unwrap_or_else(|| integrate::runs_itself(&seen, profile));
    if !args.on.is_empty() {
        wanted.on.clone_from(&args.on);
    }
    if wanted.on.is_empty() {
        return Err(usage(format!(
            "for which actions would {profile} run what is in {}? say it with --on",
            folder.display()
        )));
    }
    terminal::show(&of_folder(layout, &wanted))?;
    carry(
        layout,
        &[("adopt", integrate::adopt(&seen, &folder, Some(&wanted)))],
        Way::plain(args.dry_run),
    )
}

/// Without a slash at its end, as the configuration has it.
fn plain(folder: &Path) -> PathBuf {
    folder.components().collect()
}
