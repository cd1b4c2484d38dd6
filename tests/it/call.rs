//! One call of the real program: what it is given, and what it may answer.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::scene::PATIENCE;

/// The program under test.
pub(crate) const NETCUE: &str = env!("CARGO_BIN_EXE_netcue");

/// A call that is being put together. Unless said otherwise it gets no environment and
/// nothing on stdin, and has to end with 0 and without a word.
pub(crate) struct Call {
    command: Command,
    stdin: Vec<u8>,
    root: PathBuf,
    stdout: Expected,
    stderr: Expected,
    status: Option<i32>,
}

/// What a stream has to carry.
enum Expected {
    Exactly(String),
    Containing(Vec<String>),
}

impl Expected {
    fn judge(&self, stream: &str, said: &str, context: &str) {
        match self {
            Self::Exactly(text) => assert_eq!(said, text, "{stream}; {context}"),
            Self::Containing(parts) => {
                for part in parts {
                    assert!(said.contains(part), "{stream} lacks {part:?}; {context}");
                }
            }
        }
    }
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    /// Without the lines in [`Ran::summaries`].
    pub(crate) stderr: String,
    /// The lines that say how a run went, from stderr: `… ms, event …`.
    pub(crate) summaries: Vec<String>,
    /// The exit status, or 128 and the signal.
    pub(crate) status: i32,
}

impl Ran {
    /// On stderr each of the parts was said, and exactly once.
    pub(crate) fn assert_said(&self, parts: &[&str]) {
        for part in parts {
            assert_eq!(self.stderr.matches(part).count(), 1, "{part:?} in {}", self.stderr);
        }
    }
}

impl Call {
    /// The program called by its own name; `root` is what `ROOT` stands for in texts.
    pub(crate) fn of(root: &Path) -> Self {
        Self::through(NETCUE, root).argv0("netcue")
    }

    /// Another program that will call netcue.
    pub(crate) fn through(program: &str, root: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/");
        Self {
            command,
            stdin: Vec::new(),
            root: root.to_owned(),
            stdout: Expected::Exactly(String::new()),
            stderr: Expected::Exactly(String::new()),
            status: Some(0),
        }
    }

    pub(crate) fn words(mut self, words: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        self.command.args(words);
        self
    }

    pub(crate) fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.command.arg(word);
        self
    }

    pub(crate) fn argv0(mut self, name: &str) -> Self {
        self.command.arg0(name);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub(crate) fn stdin(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.stdin = content.into();
        self
    }

    /// What it has to print, with `ROOT` for the root, `ID` for every event id and `N ms`
    /// for every duration.
    pub(crate) fn stdout(mut self, text: &str) -> Self {
        self.stdout = Expected::Exactly(text.to_owned());
        self
    }

    pub(crate) fn any_stdout(mut self) -> Self {
        self.stdout = Expected::Containing(Vec::new());
        self
    }

    pub(crate) fn stdout_has(mut self, part: &str) -> Self {
        add_part(&mut self.stdout, part);
        self
    }

    pub(crate) fn any_stderr(mut self) -> Self {
        self.stderr = Expected::Containing(Vec::new());
        self
    }

    /// What it has to say on stderr, in the words of [`Call::stdout`]; the summary of a run
    /// isn't part of it.
    pub(crate) fn stderr(mut self, text: &str) -> Self {
        self.stderr = Expected::Exactly(text.to_owned());
        self
    }

    /// A part of what it has to say on stderr, in the words of [`Call::stdout`]; the
    /// summary of a run isn't part of it.
    pub(crate) fn stderr_has(mut self, part: &str) -> Self {
        add_part(&mut self.stderr, part);
        self
    }

    pub(crate) fn status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn any_status(mut self) -> Self {
        self.status = None;
        self
    }

    /// The command itself, for what isn't said with the methods above.
    pub(crate) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it.
    pub(crate) fn spawn(mut self) -> Running {
        self.command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        if let Some(mut stdin) = child.stdin.take() {
            // Whoever doesn't read it needs none.
            let _ = stdin.write_all(&self.stdin);
        }
        let stdout = gather(child.stdout.take().expect("a pipe"));
        let stderr = gather(child.stderr.take().expect("a pipe"));
        Running { call: self, child, stdout, stderr }
    }

    /// Runs it to its end, and judges that.
    pub(crate) fn run(self) -> Ran {
        self.spawn().finish()
    }
}

fn add_part(expected: &mut Expected, part: &str) {
    match expected {
        Expected::Containing(parts) => parts.push(part.to_owned()),
        Expected::Exactly(_) => *expected = Expected::Containing(vec![part.to_owned()]),
    }
}

/// A call under way.
pub(crate) struct Running {
    call: Call,
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end and for the end of its pipes, and judges both.
    pub(crate) fn finish(mut self) -> Ran {
        let whose = format!("{:?}", self.call.command);
        let read = |pipe: &Receiver<String>| {
            let text = pipe.recv_timeout(PATIENCE);
            text.unwrap_or_else(|_| panic!("{whose} keeps its pipes open"))
        };
        let (stdout, stderr) = (read(&self.stdout), read(&self.stderr));
        let ended = self.child.wait().expect("a child");
        let status = ended.code().unwrap_or_else(|| 128 + ended.signal().expect("a signal"));
        let (summaries, rest): (Vec<&str>, Vec<&str>) =
            stderr.split_inclusive('\n').partition(|line| is_summary(line));
        let ran = Ran {
            stdout,
            stderr: rest.concat(),
            summaries: summaries.into_iter().map(|line| line.trim_end().to_owned()).collect(),
            status,
        };
        let context = format!("{whose}: {ran:#?}");
        assert_eq!(ran.status, self.call.status.unwrap_or(ran.status), "exit status; {context}");
        let root = &self.call.root;
        self.call.stderr.judge("stderr", &masked(&ran.stderr, root), &context);
        self.call.stdout.judge("stdout", &masked(&ran.stdout, root), &context);
        ran
    }
}

fn gather(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A reader that has given up takes nothing more.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn is_summary(line: &str) -> bool {
    line.starts_with("netcue: ") && line.contains(": rules ") && line.contains(" ms, event ")
}

/// The text with everything that differs from run to run replaced by a word.
pub(crate) fn masked(text: &str, root: &Path) -> String {
    let text = match root.parent() {
        None => text.to_owned(),
        Some(_) => text.replace(&root.display().to_string(), "ROOT"),
    };
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n', '"', ';', ',', ')', '(']) {
        let bare = word.trim_end_matches([' ', '\n', '"', ';', ',', ')', '(', '.', ':']);
        if bare.len() == 36 && bare.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
            out += &word.replace(bare, "ID");
        } else {
            out += word;
        }
    }
    out
}
