//! The door.

use std::process::ExitCode;

use netcue::error::Exit;

fn main() -> ExitCode {
    match netcue::cli::main() {
        Exit::Signal(signal) => {
            netcue::sys::signals::die_of(signal);
            ExitCode::from(Exit::Signal(signal).code())
        }
        exit => ExitCode::from(exit.code()),
    }
}
