//! A gateway's day with netcue, played in network namespaces of its own: `make demo`.

mod burst;
mod calls;
mod counters;
mod day;
mod gateway;
mod machine;
mod net;
mod netcue_program;
mod outcome;
mod packets;
mod page;
mod paper;
mod proxy;
mod rules;
mod script;
mod stage;

use std::process::ExitCode;

use outcome::{Anyhow, Verdict};

const HELP: &str = "\
Plays a gateway's day with netcue and changes nothing on this machine.

Usage: demo [--no-namespaces]

  --no-namespaces  Shows the same day without a network to play it in: the rules are
                   printed instead of applied. Done by itself where the kernel allows no
                   namespaces.

Colours are left out in a pipe and where NO_COLOR is set. The exit status is 1 if
something that netcue promises did not hold.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let played = match words.as_slice() {
        [] => stage::play(),
        ["--no-namespaces"] => stage::play_on_paper("--no-namespaces was given"),
        ["--help" | "-h"] => page::write(HELP).map(|()| Verdict::Holds),
        [machine::ROLE, name] => machine::main(name).map(|()| Verdict::Holds),
        [stage::ROLE, folder] => day::main(folder.as_ref()),
        _ => page::write(HELP).map(|()| Verdict::Usage),
    };
    match played {
        Ok(verdict) => verdict.into(),
        Err(error) => told(&error),
    }
}

fn told(error: &Anyhow) -> ExitCode {
    page::complain(&error.to_string());
    ExitCode::FAILURE
}
