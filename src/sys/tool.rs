//! Running a tool of the system's, waited for.

use std::io::Read;

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
    let mut reader = duct::cmd(program, rest)
        .stdin_null()
        .stderr_to_stdout()
        .unchecked()
        .reader()
        .map_err(|error| format!("can't run {said_whole}: {error}"))?;
    let mut said = Vec::new();
    let read = reader.read_to_end(&mut said);
    let succeeded = read.is_ok()
        && reader.try_wait().is_ok_and(|end| end.is_some_and(|end| end.status.success()));
    let said = String::from_utf8_lossy(&said);
    if succeeded {
        return Ok(said.into_owned());
    }
    Err(format!("{said_whole} failed: {}", said.trim_end()))
}
