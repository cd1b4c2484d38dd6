//! The door: who was called, by which name, and which command it is for; a file for each that
//! sets something going. Those that only answer are in `answers`.

mod adopt;
mod carry;
mod check;
mod completions;
mod configure;
mod emit;
mod enable;
mod facts;
mod from;
mod ipmasq;
mod parse;
mod replay;
mod rules;
mod run;
mod sandbox;
mod ship;
mod try_hook;
mod watch;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::answers::{
    capture, doctor, history, hooks, metrics, plan, report, sources, status, timeline, why,
};
use crate::error::{Ended, Exit, Failure};
use crate::paths::Layout;
use crate::sys::invocation::Invocation;
use crate::sys::{inherited, pager, screen, terminal};

/// Runs rules and scripts when routes change or an interface goes up or down.
#[derive(Debug, Parser)]
#[command(
    name = "netcue",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\"netcue doctor\" says what is to be done first, netcue(8) all the rest."
)]
pub struct Cli {
    /// Looks for /etc, /run, /var and /usr/lib under DIR
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    root: PathBuf,
    /// Shows long answers without a pager
    #[arg(long, global = true)]
    no_pager: bool,
    #[command(subcommand)]
    command: Command,
}

/// Everything netcue can be told to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Shows on one screen how things stand, and what needs attention
    Status(status::Args),
    /// Shows what happened
    History(history::Args),
    /// Says in plain sentences why something happened, or did not
    Why(why::Args),
    /// Draws where the time went, in the terminal or for a browser
    Timeline(timeline::Args),
    /// Prints a page for a browser: checks, state, events, rules
    Report(report::Args),
    /// Shows what a call would set going now, and changes nothing
    Plan(plan::Args),
    /// Shows, compares or applies the rules that are called for now
    Rules(rules::Args),
    /// Lists the hooks in their order, and why a file would not run
    Hooks(hooks::Args),
    /// Lists who calls, from where, when last, and what is missing
    Sources(sources::Args),
    /// Finds what could keep netcue from its job, and says what to do
    Doctor(doctor::Args),
    /// Asks what netcue can't know by itself, and sets it up accordingly
    Configure(configure::Args),
    /// Tries a hook with an event, twice, apart from the machine
    Try(try_hook::Args),
    /// Switches sources on, and puts in place what calls netcue for them
    Enable(enable::EnableArgs),
    /// Switches sources off, and takes out what calls netcue for them
    Disable(enable::DisableArgs),
    /// Has netcue run the scripts in another dispatcher's folder, too
    Adopt(adopt::Args),
    /// Says whether the configuration can be used, or what is wrong
    Check(check::Args),
    /// Makes an event by hand, from options or from JSON on stdin
    Emit(emit::Args),
    /// Makes an event again, as it came, marked as a replay
    Replay(replay::Args),
    /// Prints all about an event as an archive for a bug report
    Capture(capture::Args),
    /// Prints what has been counted so far, as text for Prometheus
    Metrics(metrics::Args),
    /// Hands events that have ended to the client of a broker
    Ship(ship::Args),
    /// Takes a call from pppd, diald or another source
    From(from::Args),
    /// Shows the event a call would become, as JSON, and changes nothing
    Parse(parse::Args),
    /// Hears what the kernel tells, and sees to rules and events
    Watch(watch::Args),
    /// Handles what waits in the queue
    Run(run::Args),
    /// Prints a completion script for a shell
    Completions(completions::Args),
}

/// Does what this process was called for.
#[must_use]
pub fn main() -> Exit {
    let invocation = Invocation::collect();
    inherited::put_back();
    let ended = if invocation.argv0.file_name() == Some(OsStr::new("ipmasq")) {
        ipmasq::main(&invocation)
    } else if let Some(standing) = crate::sources::by_place(&invocation.argv0, &invocation.cwd) {
        Ok(from::by_link(&standing, &invocation))
    } else if let Some((root, words)) = plain_call(&invocation.words) {
        layout(root).map(|layout| from::plain(&layout, words, &invocation))
    } else {
        by_words(&invocation)
    };
    ended.unwrap_or_else(|failure| {
        terminal::tell(&failure.message);
        failure.exit
    })
}

/// `[--root DIR] from SOURCE …` without options: what callers say. The words of a call are
/// not ours to interpret, and it is the call whose start has to be quick.
fn plain_call(words: &[OsString]) -> Option<(&Path, &[OsString])> {
    let (root, rest) = match words {
        [option, root, rest @ ..] if option == "--root" => (Path::new(root), rest),
        rest => (Path::new("/"), rest),
    };
    match rest {
        [from, call @ ..] if from == "from" => {
            let first = call.first()?;
            (!first.as_encoded_bytes().starts_with(b"-")).then_some((root, call))
        }
        _ => None,
    }
}

fn by_words(invocation: &Invocation) -> Ended {
    let name = OsString::from("netcue");
    let words = std::iter::once(name).chain(invocation.words.iter().cloned());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && stands_in_etc(invocation) => {
            return Ok(from::by_strange_link(invocation));
        }
        Err(error) => return usage(&error, invocation),
    };
    let layout = layout(&cli.root)?;
    if cli.no_pager {
        pager::switch_off();
    }
    match cli.command {
        Command::From(args) => from::main(&layout, &args, invocation),
        Command::Parse(args) => parse::main(&args, invocation),
        Command::Emit(args) => emit::main(&layout, args, invocation),
        Command::Run(args) => run::main(&layout, &args),
        Command::Watch(args) => watch::main(&layout, &args),
        Command::Plan(args) => plan::main(&layout, &args, invocation),
        Command::Hooks(args) => hooks::main(&layout, &args),
        Command::Rules(args) => rules::main(&layout, &args, invocation),
        Command::History(args) => history::main(&layout, &args),
        Command::Status(args) => status::main(&layout, &args),
        Command::Why(args) => why::main(&layout, &args),
        Command::Metrics(args) => metrics::main(&layout, &args),
        Command::Ship(args) => ship::main(&layout, &args),
        Command::Replay(args) => replay::main(&layout, &args, invocation),
        Command::Capture(args) => capture::main(&layout, &args),
        Command::Report(args) => report::main(&layout, &args),
        Command::Timeline(args) => timeline::main(&layout, &args),
        Command::Enable(args) => enable::enable(&layout, &args),
        Command::Disable(args) => enable::disable(&layout, &args),
        Command::Try(args) => try_hook::main(&layout, args, invocation),
        Command::Adopt(args) => adopt::main(&layout, &args),
        Command::Sources(args) => sources::main(&layout, &args),
        Command::Check(args) => check::main(&layout, &args),
        Command::Configure(args) => configure::main(&layout, &args),
        Command::Doctor(args) => doctor::main(&layout, &args),
        Command::Completions(args) => completions::main(&layout, &args),
    }
}

/// A root has to be absolute: links and locks are compared by path, and hooks and detached
/// runs start at `/`.
fn layout(root: &Path) -> Result<Layout, Failure> {
    std::path::absolute(root).map(Layout::under).map_err(|error| {
        Failure::new(Exit::Usage, format!("--root \"{}\": {error}", root.display()))
    })
}

/// Whether we were called by a path below `/etc`, where programs have their hooks and
/// people type nothing.
fn stands_in_etc(invocation: &Invocation) -> bool {
    let called = &invocation.argv0;
    called.components().nth(1).is_some() && invocation.cwd.join(called).starts_with("/etc")
}

/// Help and version are answers, everything else clap says is a wrong command line.
fn usage(error: &clap::Error, invocation: &Invocation) -> Ended {
    if !error.use_stderr() {
        let styled = error.render();
        let text =
            if screen::wants_colour() { styled.ansi().to_string() } else { styled.to_string() };
        terminal::show(&text)?;
        return Ok(Exit::Done);
    }
    let mut message = error.render().to_string().trim_end().to_owned();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        message = format!("a command is missing\n\n{message}");
    }
    let called = &invocation.argv0;
    if called.file_name() != Some(OsStr::new("netcue")) {
        message = format!(
            "called as {}, which is no place where a source looks for its hook (see netcue(8))\n\
             {message}",
            called.display()
        );
    }
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    Err(Failure::new(Exit::Usage, message))
}

/// The command line as clap knows it, for the manual's tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
