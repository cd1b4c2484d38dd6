//! Putting netcue where the systems call it, and taking it out again: what would have to
//! change, decided over what was seen.
//!
//! Pure but for [`look`] and [`carry_out`]. Nothing that netcue did not write is ever
//! changed: such a thing is refused by name, and the rest is done.
//!
//! What is put in place for a source stands in its row of the table of sources, and `parts.rs`
//! does it. Where that is not enough, the source has a file here and a row in `INTEGRATIONS`.
//! One with neither is called by people and scripts, of their own accord.

mod adopt;
mod boot;
mod carry;
mod diald;
mod external;
mod flags;
mod kernel;
mod links;
mod markers;
mod parts;
mod pcmcia;
mod ppp;
mod seen;
mod units;

pub use adopt::{adopt, runs_itself};
pub use boot::{Choice, Stage, opens_early};
pub use carry::carry_out;
pub use external::{configuration, external};
pub use flags::{flag, is_on};
pub use seen::{Seen, look};

use std::path::{Path, PathBuf};

use crate::paths::Layout;
use crate::sources::{ALL, Source};

/// How one source is made to call netcue, where its row in the table of sources is not enough.
struct Integration {
    source: &'static Source,
    /// Looks at everything that the functions below decide over.
    look: fn(&mut Seen, &Layout),
    /// Whether the system is there, as far as its files tell; none for what is always there.
    is_installed: Option<fn(&Seen) -> bool>,
    /// Whether it has a configuration file of its own that may be changed between markers.
    is_edited: bool,
    /// What has to change for a wish.
    plan: fn(&Seen, &Wish<'_>) -> Vec<Step>,
    /// What calls netcue.
    spots: fn(&Seen) -> Vec<Spot>,
    /// What an installed system lacks for all its calls to arrive, in words.
    missing: fn(&Seen) -> Vec<String>,
    /// Why the boot event should come late or not at all where this system is.
    boot_advice: Option<&'static str>,
}

const INTEGRATIONS: [&Integration; 5] = [
    &ppp::INTEGRATION,
    &diald::INTEGRATION,
    &pcmcia::INTEGRATION,
    &boot::INTEGRATION,
    &kernel::INTEGRATION,
];

impl Integration {
    fn of(source: &Source) -> Option<&'static Self> {
        INTEGRATIONS.into_iter().find(|row| row.source.name == source.name)
    }
}

/// Looks at everything that matters for a source.
fn look_for(source: &'static Source, seen: &mut Seen, layout: &Layout) {
    match Integration::of(source) {
        Some(row) => (row.look)(seen, layout),
        None => parts::look(&source.attach, seen, layout),
    }
}

/// Whether a source's system is there, as far as its files tell.
#[must_use]
pub fn is_installed(seen: &Seen, source: &Source) -> bool {
    match Integration::of(source) {
        Some(row) => row.is_installed.is_none_or(|is_installed| is_installed(seen)),
        None => parts::is_installed(seen, &source.attach),
    }
}

/// Where the program may have been installed; the first that is there is linked to.
pub const PROGRAMS: [&str; 2] = ["/usr/sbin/netcue", "/usr/local/sbin/netcue"];

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
    /// A folder of ours goes, if nothing is in it any more.
    RemoveFolder(PathBuf),
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
pub struct Wish<'a> {
    /// Which source.
    pub source: &'static Source,
    /// On or off.
    pub on: bool,
    /// How much of it is to change.
    pub extent: Extent,
    /// For boot: when.
    pub boot: Option<Choice>,
    /// A configuration file of the source's own that may be changed between markers.
    pub edit: Option<&'a Path>,
    /// For pcmcia: whether cards are wanted whose block in that file does not say.
    pub cards: bool,
}

/// How much is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The flag; what calls netcue stays as it is.
    Flag,
    /// What calls netcue, too, from the next start of the machine on.
    NextStart,
    /// All of it, now.
    Now,
}

impl Wish<'_> {
    /// A source on or off, with all that follows.
    #[must_use]
    pub fn of(source: &'static Source, on: bool) -> Self {
        Self { source, on, extent: Extent::Now, boot: None, edit: None, cards: false }
    }
}

/// Everything that has to change for these wishes, each step with the source it is for.
#[must_use]
pub fn plan(seen: &Seen, wishes: &[Wish<'_>]) -> Vec<(&'static str, Step)> {
    if !has_program(seen) {
        let leads = wishes.iter().filter(|wish| wish.on && wish.extent != Extent::Flag);
        let refusals: Vec<_> = leads.map(|wish| (wish.source.name.as_str(), nowhere())).collect();
        if !refusals.is_empty() {
            return refusals;
        }
    }
    let mut steps = Vec::new();
    // Off: first the flag, so that nothing runs while links go. On: the flag last.
    let (offs, ons): (Vec<&Wish<'_>>, Vec<&Wish<'_>>) = wishes.iter().partition(|wish| !wish.on);
    let flags = flags::plan(seen, wishes);
    let flag_steps = |of: &[&Wish<'_>]| -> Vec<(&'static str, Step)> {
        let is_of = |name: &str| of.iter().any(|wish| wish.source.name.as_str() == name);
        flags.iter().filter(|(name, _)| is_of(name)).cloned().collect()
    };
    steps.extend(flag_steps(&offs));
    for wish in wishes.iter().filter(|wish| wish.extent != Extent::Flag) {
        let of_source = match Integration::of(wish.source) {
            Some(row) => (row.plan)(seen, wish),
            None => parts::plan(seen, wish),
        };
        for step in of_source {
            // Two sources may want the same link.
            let is_planned = |(_, earlier): &(&str, Step)| *earlier == step;
            if !matches!(step, Step::Do(_)) || !steps.iter().any(is_planned) {
                steps.push((wish.source.name.as_str(), step));
            }
        }
    }
    steps.extend(flag_steps(&ons));
    steps
}

/// Why nothing is put in place for a program that stands in nobody's way, as after
/// `cargo install`: links and units would lead to nothing.
fn nowhere() -> Step {
    Step::Refused(format!(
        "netcue is not installed as {}, where links, lines and units look for it: do that first, \
         with \"make install\" or the package",
        PROGRAMS.join(" or ")
    ))
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
fn is_program(to: &Path) -> bool {
    PROGRAMS.iter().any(|path| to == Path::new(path))
}

/// Something of a source that calls netcue, or should.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Spot {
    /// The link, or the file with the lines.
    pub at: PathBuf,
    /// `link`, `file`, `lines`, `unit` or `init-script`.
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

    fn file(at: impl Into<PathBuf>) -> Self {
        Self { at: at.into(), kind: "file", to: None, lines: Vec::new() }
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
    let installed = is_installed(seen, source);
    let (spots, missing) = match Integration::of(source) {
        Some(row) => ((row.spots)(seen), (row.missing)(seen)),
        None => (parts::spots(seen, source), parts::missing(seen, source)),
    };
    Attachment { installed, spots, missing: if installed { missing } else { Vec::new() } }
}

/// Whether something has to be put in place for the calls of a source to arrive: people and
/// scripts call by themselves.
#[must_use]
pub fn has_callers(source: &Source) -> bool {
    Integration::of(source).is_some() || !source.attach.parts.is_empty()
}

/// Whether a source has a configuration file of its own that may be changed between markers.
#[must_use]
pub fn is_edited(source: &Source) -> bool {
    Integration::of(source).map_or_else(|| parts::is_edited(&source.attach), |row| row.is_edited)
}

/// The sources whose systems may or may not be on a machine.
#[must_use]
pub fn systems() -> Vec<&'static Source> {
    let is_system = |source: &&'static Source| {
        Integration::of(source)
            .map_or(!source.attach.traces.is_empty(), |row| row.is_installed.is_some())
    };
    ALL.iter().copied().filter(is_system).collect()
}

/// Why diald can't dial for anybody inside, if it can't, and the file that could mend it.
#[must_use]
pub fn never_dials(seen: &Seen) -> Option<(&'static str, &'static str)> {
    diald::never_dials(seen)
}

/// Whether this file of pcmcia's has blocks that don't say whether their cards are wanted.
#[must_use]
pub fn leaves_cards_open(seen: &Seen, file: &Path) -> bool {
    pcmcia::leaves_cards_open(seen, file)
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
pub fn boot_advice(seen: &Seen) -> Vec<&'static str> {
    let there = INTEGRATIONS.into_iter().filter(|row| is_installed(seen, row.source));
    there.filter_map(|row| row.boot_advice).collect()
}

/// The same, of the systems whose calls don't all arrive: those of the others mend what came
/// too early.
#[must_use]
pub fn boot_attention(seen: &Seen) -> Vec<&'static str> {
    let there = INTEGRATIONS.into_iter().filter(|row| is_installed(seen, row.source));
    let lacking = there.filter(|row| !(row.missing)(seen).is_empty());
    lacking.filter_map(|row| row.boot_advice).collect()
}
