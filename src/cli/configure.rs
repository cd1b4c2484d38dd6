//! `configure`: asks what netcue can't know by itself, or takes the answers as options, and
//! does what follows.

use crate::config::Config;
use crate::engine::{self, Side};
use crate::error::Exit;
use crate::event::InterfaceName;
use crate::integrate::{self, Choice, Extent, Seen, Stage, Step, Wish};
use crate::paths::Layout;
use crate::pipeline;
use crate::sources::{self, Source};
use crate::sys::prompt::Prompt;

use super::carry::{Way, carry};
use super::enable::either;
use crate::error::{Ended, Failure};

/// What may be said with `configure`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// When the boot event comes
    #[arg(long, value_name = "STAGE")]
    boot: Option<Stage>,
    /// Whether one comes before the first interface is up, too
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pre_network: Option<bool>,
    /// Whether ppp links set netcue going
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    ppp: Option<bool>,
    /// Whether rules and events follow the kernel, though nobody calls
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    kernel: Option<bool>,
    /// The external interface; "auto" for those with a default route
    #[arg(long, value_name = "NAME|auto")]
    external: Option<External>,
    /// Asks nothing; what isn't given stays as it is
    #[arg(long)]
    non_interactive: bool,
    /// Listens to the kernel from the next start on, not now
    #[arg(long)]
    no_start: bool,
    #[command(flatten)]
    way: Way,
}

/// Which interface is external.
#[derive(Debug, Clone, PartialEq, Eq)]
enum External {
    /// Those with a default route.
    Auto,
    /// This one, whatever the routes say.
    Interface(InterfaceName),
}

impl std::str::FromStr for External {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "auto" {
            return Ok(Self::Auto);
        }
        word.parse().map(Self::Interface).map_err(|unfit| format!("{unfit}"))
    }
}

pub(super) fn yes_or_no(word: &str) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" => Ok(true),
        "no" | "n" | "false" => Ok(false),
        _ => Err("wanted is yes or no".to_owned()),
    }
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    let seen = integrate::look(layout, None);
    let config = pipeline::configured(layout).config;
    let mut answers = Answers {
        boot: args.boot,
        pre_network: args.pre_network,
        ppp: args.ppp,
        kernel: args.kernel,
        no_start: args.no_start,
        external: args.external.clone(),
    };
    let prompt = if args.non_interactive { None } else { Prompt::open() };
    if let Some(prompt) = prompt {
        Questions { prompt, layout, seen: &seen, config: &config }.ask(&mut answers)?;
    }
    let steps = answers.steps(&seen);
    if steps.is_empty() && !args.non_interactive {
        let message = "nothing was asked for and there is no terminal to ask at: see \
                       \"netcue configure --help\"";
        return Err(Failure::new(Exit::Usage, message));
    }
    carry(layout, &steps, args.way)
}

/// What is to be; none: as it is.
#[derive(Debug, Default)]
struct Answers {
    boot: Option<Stage>,
    pre_network: Option<bool>,
    ppp: Option<bool>,
    kernel: Option<bool>,
    no_start: bool,
    external: Option<External>,
}

impl Answers {
    fn steps(&self, seen: &Seen) -> Vec<(&'static str, Step)> {
        let mut wishes = Vec::new();
        let old = integrate::boot_choice(seen);
        if self.boot.is_some() || self.pre_network.is_some() {
            let choice = Choice {
                stage: self.boot.unwrap_or(old.stage),
                pre_network: self.pre_network.unwrap_or(old.pre_network),
            };
            // "Not at all" switches nothing on that was switched off.
            let on = choice != Choice::OFF || integrate::is_on(seen, &sources::BOOT);
            wishes.push(Wish { boot: Some(choice), ..Wish::of(&sources::BOOT, on) });
        }
        wishes.extend(self.ppp.map(|on| Wish::of(&sources::PPP, on)));
        let kernel = self.kernel.map(|on| Wish::of(&sources::KERNEL, on));
        let extent = if self.no_start { Extent::NextStart } else { Extent::Now };
        wishes.extend(kernel.map(|wish| Wish { extent, ..wish }));
        let mut steps = integrate::plan(seen, &wishes);
        if let Some(external) = &self.external {
            let name = match external {
                External::Auto => None,
                External::Interface(name) => Some(name),
            };
            steps.push(("external", integrate::external(seen, name)));
        }
        steps
    }
}

/// The questions that matter, each where it wasn't answered already.
struct Questions<'a> {
    layout: &'a Layout,
    prompt: Prompt,
    seen: &'a Seen,
    config: &'a Config,
}

impl Questions<'_> {
    fn ask(mut self, answers: &mut Answers) -> Result<(), Failure> {
        self.introduce()?;
        let old = integrate::boot_proposal(self.seen);
        if answers.boot.is_none() {
            answers.boot = Some(self.boot(old.stage)?);
        }
        if answers.pre_network.is_none() {
            let question = "Shall the rules also stand before the first interface is up?";
            answers.pre_network = Some(self.yes_or_no(question, old.pre_network)?);
        }
        let ppp = &sources::PPP;
        if answers.ppp.is_none() && integrate::attachment(self.seen, ppp).installed {
            let question = "Shall a ppp link that comes up or goes down set netcue going?";
            answers.ppp = Some(self.yes_or_no(question, integrate::is_on(self.seen, ppp))?);
        }
        let kernel = &sources::KERNEL;
        if answers.kernel.is_none() && integrate::attachment(self.seen, kernel).installed {
            let question = "Shall rules and events follow the kernel, though nobody calls: an \
                            address\nby hand, a pulled cable, a flush of the rules?";
            answers.kernel = Some(self.yes_or_no(question, integrate::is_on(self.seen, kernel))?);
        }
        if answers.external.is_none() && self.external_is_unknown() {
            answers.external = Some(self.external()?);
        }
        Ok(())
    }

    fn introduce(&mut self) -> Result<(), Failure> {
        let systems = integrate::systems();
        let is_there = |source: &&Source| integrate::attachment(self.seen, source).installed;
        let found: Vec<&'static Source> = systems.iter().copied().filter(is_there).collect();
        let mut text = if found.is_empty() {
            format!("No {} was found on this machine.\n", either(&names(&systems)))
        } else {
            format!("Found on this machine: {}.\n", names(&found).join(", "))
        };
        for Source { name, .. } in found.iter().filter(|source| integrate::is_edited(source)) {
            text.push_str(&format!(
                "{name} is called by its own configuration: see \"netcue enable {name}\".\n"
            ));
        }
        for advice in integrate::boot_advice(self.seen) {
            text.push_str(&format!("Note: {advice}.\n"));
        }
        Ok(self.prompt.say(&text)?)
    }

    fn boot(&mut self, old: Stage) -> Result<Stage, Failure> {
        let list = "\nWhen shall netcue run at the start of the machine?\n  \
                    1  off          not at all\n  \
                    2  interfaces   after the network interfaces have been brought up\n  \
                    3  filesystems  after the network file systems have been mounted\n  \
                    4  services     after the network services have been started\n";
        self.prompt.say(list)?;
        let question = format!("Number or word [{}]: ", old.as_str());
        self.until_understood(&question, |answer| match answer {
            "" => Some(old),
            "1" | "off" => Some(Stage::Off),
            "2" | "interfaces" => Some(Stage::Interfaces),
            "3" | "filesystems" => Some(Stage::Filesystems),
            "4" | "services" => Some(Stage::Services),
            _ => None,
        })
    }

    fn yes_or_no(&mut self, question: &str, old: bool) -> Result<bool, Failure> {
        let question = format!("\n{question} [{}]: ", if old { "yes" } else { "no" });
        self.until_understood(&question, |answer| match answer {
            "" => Some(old),
            answer => yes_or_no(answer).ok(),
        })
    }

    /// A machine without a default route may get one later, or may never have one.
    fn external_is_unknown(&self) -> bool {
        let rules = &self.config.rules;
        rules.external.is_none()
            && engine::state(&self.layout.rules()).is_ok_and(|state| {
                engine::classify(&state, rules).all_on(Side::Outside).next().is_none()
            })
    }

    fn external(&mut self) -> Result<External, Failure> {
        let question = "\nNo interface has a default route now, so which one leads outside can't \
                        be told.\nIts name, or auto for whichever has the default route later \
                        [auto]: ";
        self.until_understood(question, |answer| match answer {
            "" => Some(External::Auto),
            answer => answer.parse().ok(),
        })
    }

    fn until_understood<T>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        while let Some(answer) = self.prompt.ask(question)? {
            if let Some(understood) = read(&answer) {
                return Ok(understood);
            }
        }
        Err(Failure::new(Exit::StepFailed, "no answer: nothing was changed"))
    }
}

fn names(sources: &[&'static Source]) -> Vec<&'static str> {
    sources.iter().map(|source| source.name.as_str()).collect()
}
