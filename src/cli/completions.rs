//! `completions`: a script for a shell, and the names that the script asks for, which nobody
//! knows before: hooks, interfaces, events.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use crate::answers::shared::wording;
use crate::error::{Ended, Exit};
use crate::event::Action;
use crate::hooks;
use crate::journal;
use crate::paths::Layout;
use crate::pipeline::{self, House};
use crate::sources;
use crate::sys::{folder, terminal};

/// What may be said with `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
    /// Prints what the last of these words could become
    #[arg(long, value_name = "WORD", num_args = 0.., allow_hyphen_values = true)]
    names: Option<Vec<OsString>>,
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    let text = match &args.names {
        Some(words) => names(layout, words),
        None => script(args.shell),
    };
    terminal::show(&text)?;
    Ok(Exit::Done)
}

/// Records of the journal that are looked at for events: somebody waits at a key.
const RECORDS: usize = 500;

fn names(layout: &Layout, words: &[OsString]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let last = words.pop().unwrap_or_default();
    let before = match words.as_slice() {
        ["--root", _, rest @ ..] => rest,
        all => all,
    };
    let mut text = String::new();
    for name in wanted(before).iter().flat_map(|kind| kind.names(layout)) {
        // What a shell would take for more than a word is typed by hand.
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._:@-".contains(&b);
        if name.starts_with(last) && name.bytes().all(is_plain) {
            text.push_str(&name);
            text.push('\n');
        }
    }
    text
}

/// Names of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    These(&'static [&'static str]),
    Sources,
    Triggers(String),
    Actions,
    Hooks,
    Interfaces,
    Events,
}

/// What could stand behind these words.
fn wanted(before: &[&str]) -> Vec<Names> {
    use Names::{Actions, Events, Hooks, Interfaces, Sources, These};
    match before.last().copied() {
        Some("--source" | "--not-from") => return vec![Sources],
        Some("--interface") => return vec![Interfaces],
        Some("--action" | "--on") => return vec![Actions],
        _ => {}
    }
    let plain: Vec<&str> = before.iter().filter(|word| !word.starts_with('-')).copied().collect();
    match plain.as_slice() {
        ["parse" | "plan", "from", call @ ..]
        | ["try", _, "from", call @ ..]
        | ["from" | "parse", call @ ..] => of_a_call(call),
        ["plan"] | ["try", _] => vec![These(&["from", "last"]), Events],
        ["try"] | ["why", "hook"] => vec![Hooks],
        ["hooks"] if before.contains(&"--check") => vec![Hooks],
        ["enable" | "disable", ..] | ["why", "source"] => vec![Sources],
        ["history" | "replay" | "capture"] | ["why", "event"] => vec![These(&["last"]), Events],
        ["why"] => vec![
            These(&["event", "hook", "interface", "last", "rule", "source"]),
            Hooks,
            Interfaces,
            Sources,
            Events,
        ],
        ["why", "interface"] => vec![Interfaces],
        _ => Vec::new(),
    }
}

fn of_a_call(call: &[&str]) -> Vec<Names> {
    match call {
        [] => vec![Names::Sources],
        [source] => vec![Names::Triggers((*source).to_owned())],
        _ => vec![Names::Interfaces],
    }
}

impl Names {
    /// Nothing where it can't be read: this is a convenience.
    fn names(&self, layout: &Layout) -> Vec<String> {
        match self {
            Self::These(words) => words.iter().map(ToString::to_string).collect(),
            Self::Sources => sources::ALL.iter().map(|source| source.name.to_string()).collect(),
            Self::Triggers(source) => sources::find(source).map_or_else(Vec::new, |source| {
                source.triggers.iter().map(|trigger| trigger.word.to_owned()).collect()
            }),
            Self::Actions => Action::KNOWN.iter().map(ToString::to_string).collect(),
            Self::Hooks => {
                let adopted = pipeline::configured(layout).config.adopt;
                hooks::find(layout, &adopted).hooks.into_iter().map(|hook| hook.name).collect()
            }
            Self::Interfaces => {
                let found = folder::names(Path::new("/sys/class/net")).unwrap_or_default();
                found.into_iter().filter_map(|name| name.into_string().ok()).collect()
            }
            Self::Events => {
                let house = House::open(layout.clone());
                let found = journal::recent(&house.journal, RECORDS).unwrap_or_default();
                wording::short_ids(&found.stories).into_iter().filter(|id| id != "-").collect()
            }
        }
    }
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "netcue", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => script + BASH,
        Shell::Zsh => match script.rfind("if [ \"$funcstack[1]\" = \"_netcue\" ]") {
            Some(end) => script.get(..end).unwrap_or_default().to_owned() + ZSH,
            None => script,
        },
        Shell::Fish => script + FISH,
        _ => script,
    }
}

/// Names are added to what clap's own function has found, and are words that no shell reads
/// anything into.
const BASH: &str = r#"
_netcue_and_names() {
    _netcue "$@"
    local name
    while IFS= read -r name; do
        COMPREPLY+=("$name")
    done < <("${COMP_WORDS[0]}" completions bash --names "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _netcue_and_names -o bashdefault -o default netcue
"#;

const ZSH: &str = r#"_netcue_and_names() {
    local -a names
    names=(${(f)"$($words[1] completions zsh --names "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    (( $#names )) && compadd -- $names
    _netcue "$@"
}

if [ "$funcstack[1]" = "_netcue" ]; then
    _netcue_and_names "$@"
else
    compdef _netcue_and_names netcue
fi
"#;

const FISH: &str = r"
function __netcue_names
    set -l words (commandline -opc)
    $words[1] completions fish --names $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c netcue -a '(__netcue_names)'
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_stand_behind_words() {
        let wants = |line: &str| wanted(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(wants("from"), [Names::Sources]);
        assert_eq!(wants("from ppp"), [Names::Triggers("ppp".to_owned())]);
        assert_eq!(wants("try 70-a from ppp ip-up"), [Names::Interfaces]);
        assert_eq!(wants("try"), [Names::Hooks]);
        assert_eq!(wants("hooks --check"), [Names::Hooks]);
        assert_eq!(wants("hooks"), []);
        assert_eq!(wants("history --json --source"), [Names::Sources]);
        assert_eq!(wants("disable ppp"), [Names::Sources]);
        assert!(wants("why").contains(&Names::Events));
        assert_eq!(wants(""), []);
    }
}
