//! Running a tool of the system's, waited for.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

/// Runs a tool, given by its path and its words.
///
/// # Errors
/// When it can't be started or fails, with what it said.
pub fn run(words: &[String]) -> Result<(), String> {
    output(words).map(|_| ())
}

/// Runs a tool, given by its path and its words, and returns what it said.
///
/// # Errors
/// When it can't be started or fails, with what it said.
pub fn output(words: &[String]) -> Result<String, String> {
    let Some((program, rest)) = words.split_first() else { return Ok(String::new()) };
    let said_whole = words.join(" ");
    let output = duct::cmd(program, rest)
        .stdin_null()
        .stderr_to_stdout()
        .stdout_capture()
        .unchecked()
        .run()
        .map_err(|error| format!("can't run {said_whole}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(said.into_owned());
    }
    Err(format!("{said_whole} failed: {}", said.trim_end()))
}

/// Runs a tool that reads `input` from its stdin, and returns what it said.
///
/// # Errors
/// When it can't be started or fails, with what it said.
pub fn filter(words: &[String], input: &[u8]) -> Result<String, String> {
    let Some((program, rest)) = words.split_first() else { return Ok(String::new()) };
    let output = duct::cmd(program, rest)
        .stdin_bytes(input)
        .stderr_to_stdout()
        .stdout_capture()
        .unchecked()
        .run()
        .map_err(|error| format!("can't run {program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Runs a command with more in its environment and something to read on its stdin. Its
/// output goes where ours goes.
///
/// # Errors
/// When it can't be started, does not end with 0, or ends without having read all of it.
pub fn feed(words: &[OsString], env: &[(&str, &str)], input: &[u8]) -> Result<(), String> {
    let Some((program, rest)) = words.split_first() else { return Ok(()) };
    let name = Path::new(program).display();
    let (reader, writer) =
        pipe2(OFlag::O_CLOEXEC).map_err(|errno| format!("can't make a pipe: {errno}"))?;
    // With a reading end of ours the writing never fails for lack of a reader: what nobody
    // has read is found in the pipe when the command has ended.
    let ours = reader.try_clone().map_err(|error| format!("can't make a pipe: {error}"))?;
    let mut command = duct::cmd(program, rest).stdin_file(reader).unchecked();
    for (name, value) in env {
        command = command.env(name, value);
    }
    let handle = command.start().map_err(|error| format!("can't run {name}: {error}"))?;
    // The command holds a reading end of its own by now.
    drop(command);
    let (status, written, is_left) = std::thread::scope(|scope| {
        let writing = scope.spawn(move || File::from(writer).write_all(input));
        let status = handle.wait().map(|output| output.status);
        let mut unread = [PollFd::new(ours.as_fd(), PollFlags::POLLIN)];
        let is_left = poll(&mut unread, PollTimeout::ZERO).is_ok()
            && unread
                .iter()
                .any(|fd| fd.revents().is_some_and(|found| found.contains(PollFlags::POLLIN)));
        // The last reading end: a write that still waits for a reader fails now.
        drop(ours);
        (status, writing.join(), is_left)
    });
    let status = status.map_err(|error| format!("can't wait for {name}: {error}"))?;
    match (status.code(), status.signal()) {
        (Some(0), _) if is_left || !matches!(written, Ok(Ok(()))) => {
            Err(format!("{name} ended with 0 before it had read all"))
        }
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("{name} ended with exit status {code}")),
        (None, signal) => Err(format!("{name} was ended by signal {}", signal.unwrap_or_default())),
    }
}
