//! Putting netcue where the systems call it, and taking it out again: what would have to
//! change, decided over what was seen.
//!
//! Pure but for [`look`] and [`carry_out`]. Nothing that netcue did not write is ever
//! changed: such a thing is refused by name, and the rest is done.

mod boot;
mod carry;
mod diald;
mod external;
mod flags;
pub mod health;
mod markers;
mod pcmcia;
mod ppp;
mod seen;

pub use boot::{Choice, Stage};
pub use carry::carry_out;
pub use external::external;
pub use flags::{flag, is_on};
pub use seen::{Seen, look};

use std::path::PathBuf;

use crate::sources::Source;

/// Where the program may have been installed; the first that is there is linked to.
const PROGRAMS: [&str; 2] = ["/usr/sbin/netcue", "/usr/local/sbin/netcue"];

/// A change to the machine. Paths are those of the machine, whatever its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new folder.
    MakeFolder(PathBuf),
    /// A new symbolic link.
    Link {
        /// Where it stands.
        at: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// A link of ours goes.
    Unlink(PathBuf),
    /// A file gets this content.
    Write {
        /// Which file.
        at: PathBuf,
        /// All of it.
        content: Vec<u8>,
    },
    /// A file of ours goes.
    Remove(PathBuf),
    /// A program is run, where the machine itself is the root.
    Run(Vec<String>),
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This has to change.
    Do(Change),
    /// This is as it should be already.
    Already(String),
    /// This can't be done without touching what netcue didn't write: what to do instead.
    Refused(String),
    /// A person should know this.
    Say(String),
}

/// What is wanted of one source.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Which source.
    pub source: &'static Source,
    /// On or off.
    pub on: bool,
    /// Whether only the flag is to change, and what calls netcue stays as it is.
    pub flag_only: bool,
    /// For boot: when.
    pub boot: Option<Choice>,
}

/// Everything that has to change for these wishes, each step with the source it is for. `edit` is a configuration file of the
/// source's own that may be changed between markers.
#[must_use]
pub fn plan(
    seen: &Seen,
    wishes: &[Wish],
    edit: Option<&std::path::Path>,
) -> Vec<(&'static str, Step)> {
    let mut steps = Vec::new();
    // Off: first the flag, so that nothing runs while links go. On: the flag last.
    let (offs, ons): (Vec<&Wish>, Vec<&Wish>) = wishes.iter().partition(|wish| !wish.on);
    let flags = flags::plan(seen, wishes);
    let flag_steps = |of: &[&Wish]| -> Vec<(&'static str, Step)> {
        let is_of = |name: &str| of.iter().any(|wish| wish.source.name.as_str() == name);
        flags.iter().filter(|(name, _)| is_of(name)).cloned().collect()
    };
    steps.extend(flag_steps(&offs));
    for wish in wishes.iter().filter(|wish| !wish.flag_only) {
        let name = wish.source.name.as_str();
        let of_source = match name {
            "ppp" => ppp::plan(seen, wish.on),
            "diald" => diald::plan(seen, wish.on, edit),
            "pcmcia" => pcmcia::plan(seen, wish.on, edit),
            "boot" => boot::plan(seen, wish.on, wish.boot),
            _ => Vec::new(),
        };
        steps.extend(of_source.into_iter().map(|step| (name, step)));
    }
    steps.extend(flag_steps(&ons));
    steps
}

/// The program that links and lines lead to on this machine.
#[must_use]
pub fn program(seen: &Seen) -> &'static str {
    let there = PROGRAMS.into_iter().find(|path| seen.has(path));
    there.unwrap_or("/usr/sbin/netcue")
}

/// Whether the program is where links and lines lead to.
#[must_use]
pub fn has_program(seen: &Seen) -> bool {
    PROGRAMS.iter().any(|path| seen.has(path))
}

/// Whether a link to this leads to netcue.
fn is_program(to: &std::path::Path) -> bool {
    PROGRAMS.iter().any(|path| to == std::path::Path::new(path))
}

/// Something of a source that calls netcue, or should.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Spot {
    /// The link, or the file with the lines.
    pub at: PathBuf,
    /// `link`, `lines`, `unit` or `init-script`.
    pub kind: &'static str,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PathBuf>,
    /// The numbers of the lines that call netcue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<usize>,
}

impl Spot {
    fn link(at: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self { at: at.into(), kind: "link", to: Some(to.into()), lines: Vec::new() }
    }

    fn lines(at: impl Into<PathBuf>, lines: Vec<usize>) -> Self {
        Self { at: at.into(), kind: "lines", to: None, lines }
    }

    /// Whether it leads to the program where that is not, or not any more.
    #[must_use]
    pub fn is_dangling(&self, seen: &Seen) -> bool {
        self.to.as_ref().is_some_and(|to| is_program(to) && !seen.has(to))
    }
}

/// What calls netcue for a source on this machine, or should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Whether the system itself is there, as far as its files tell.
    pub installed: bool,
    /// What calls netcue.
    pub spots: Vec<Spot>,
    /// What is missing for all its calls to arrive, in words.
    pub missing: Vec<String>,
}

/// Looks at what calls netcue for a source.
#[must_use]
pub fn attachment(seen: &Seen, source: &Source) -> Attachment {
    match source.name.as_str() {
        "ppp" => ppp::attachment(seen),
        "diald" => diald::attachment(seen),
        "pcmcia" => pcmcia::attachment(seen),
        "boot" => boot::attachment(seen),
        _ => Attachment { installed: true, spots: Vec::new(), missing: Vec::new() },
    }
}

/// Whether something has to be put in place for the calls of a source to arrive: people and
/// scripts call by themselves.
#[must_use]
pub fn has_callers(source: &Source) -> bool {
    source.name.as_str() != "manual"
}

/// When the boot event comes, and why that may be wrong here.
#[must_use]
pub fn boot_choice(seen: &Seen) -> Choice {
    boot::chosen(seen)
}

/// What to propose to who is asked when the boot event is to come.
#[must_use]
pub fn boot_proposal(seen: &Seen) -> Choice {
    boot::proposed(seen)
}

/// Why the boot event should come late or not at all on this machine, as ipmasq's manual
/// explained it; one text per system that is there.
#[must_use]
pub fn boot_advice(seen: &Seen) -> Vec<String> {
    boot::advice(seen)
}
