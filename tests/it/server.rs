//! Servers and other programs that go on, and end with the test that started them.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::scene::run;

/// A program that ends with the test.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it, with what it says in a file.
    pub(crate) fn start(log: &str, program: &str, words: &[&str]) -> Self {
        let log = fs::File::create(log).expect("a log");
        let child = Command::new(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0)
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end, however that comes.
    pub(crate) fn ended(mut self) {
        self.0.wait().expect("its end");
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("its end");
    }

    /// Ends it by SIGTERM, and waits until it has.
    pub(crate) fn asked_to_end(mut self) {
        run("kill", ["-TERM", &self.0.id().to_string()]);
        self.0.wait().expect("its end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
