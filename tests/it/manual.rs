//! The manual against the program, both ways: what there is stands in it, and what
//! stands in it is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use netcue::config::{self, Config};
use netcue::error::Exit;
use netcue::event::{Action, JSON_SCHEMA};
use netcue::paths::Layout;
use netcue::plan::KEYS;
use netcue::sources::{self, Place, Wait};
use serde_json::Value;

use super::mdoc::{PAGES, Words, behind, file, items, page, part, parts, words};

/// Every option of a command and of those below it, as `Fl` has it; help stands in one place.
fn options(command: &clap::Command) -> Words {
    let is_own = |arg: &&clap::Arg| arg.get_id() != "help" && !arg.is_global_set();
    let own = command.get_arguments().filter(is_own);
    let mut all: Words = own
        .flat_map(|arg| {
            let long = arg.get_long().map(|long| format!("-{long}"));
            long.into_iter().chain(arg.get_short().map(String::from))
        })
        .collect();
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        all.extend(options(below));
    }
    all
}

fn built() -> clap::Command {
    let mut command = netcue::cli::command();
    command.build();
    command
}

#[test]
fn the_pages_are_clean() {
    for name in PAGES {
        let output = Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .arg(file(name))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{name}");
        for other in behind(&page(name), "Xr").iter().filter(|word| word.starts_with("netcue")) {
            assert!(PAGES.iter().any(|page| page.starts_with(other)), "{name}: Xr {other}");
        }
    }
}

#[test]
fn every_command_and_option() {
    let text = page("netcue.8");
    let sections = parts(&part(&text, ".Sh", "COMMANDS"), ".Ss");
    let command = built();
    let named = sections.iter().map(|(head, _)| head.split(' ').next().unwrap());
    assert_eq!(words(named), words(command.get_subcommands().map(clap::Command::get_name)));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let is_its = |head: &str| head.split(' ').next() == Some(below.get_name());
        let (_, body) = sections.iter().find(|(head, _)| is_its(head)).unwrap();
        assert_eq!(behind(body, "Fl"), options(below), "{}", below.get_name());
        let nested = below.get_subcommands().map(clap::Command::get_name);
        let nested = words(nested.filter(|name| *name != "help"));
        assert_eq!(items(body, "Cm"), nested, "{}", below.get_name());
        for argument in below.get_arguments().filter(|argument| argument.is_positional()) {
            let values = argument.get_possible_values();
            let values = words(values.iter().map(clap::builder::PossibleValue::get_name));
            assert!(values.is_subset(&behind(body, "Cm")), "{values:?}");
        }
    }
    let top = words(["-root", "-no-pager", "-help", "h", "-version", "V"]);
    assert_eq!(behind(&part(&text, ".Sh", "OPTIONS"), "Fl"), top);
    let own = command.get_arguments().filter_map(clap::Arg::get_long);
    assert_eq!(words(own), words(["root", "no-pager", "help", "version"]));
}

/// Help is read on terminals of eighty columns, and clap breaks no line.
#[test]
fn help_has_room_on_a_terminal() {
    fn look_at(command: &mut clap::Command, seen: &mut usize) {
        let help = command.render_long_help().to_string();
        let long: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{}: {long:#?}", command.get_name());
        *seen += 1;
        let below = command.get_subcommands_mut().filter(|below| below.get_name() != "help");
        below.for_each(|below| look_at(below, seen));
    }
    let mut seen = 0;
    look_at(&mut built(), &mut seen);
    assert!(seen > 20, "{seen} commands");
}

#[test]
fn every_option_of_ipmasq() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("ipmasq");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_netcue"), &link).unwrap();
    let output = Command::new(&link).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let options = help.split([' ', ',', '\n']).filter(|word| *word != "--display");
    let told = options.filter_map(|word| word.strip_prefix('-')).chain(["-display"]);
    let section = part(&page("netcue.8"), ".Sh", "CALLED AS ipmasq");
    assert_eq!(behind(&section, "Fl"), words(told));
}

#[test]
fn every_exit_status() {
    let text = part(&page("netcue.8"), ".Sh", "EXIT STATUS");
    let listed = text.lines().filter_map(|line| line.strip_prefix(".It "));
    let there = Exit::ALL.iter().map(|exit| exit.code().to_string());
    assert_eq!(words(listed), words(there.chain(["128+n".to_owned()])));
}

fn kept(wait: Wait) -> String {
    match wait {
        Wait::Leave | Wait::Deposit => "at once".to_owned(),
        Wait::Foreground => "in process".to_owned(),
        Wait::InPlace => "to the end".to_owned(),
        Wait::Finish(limit) => format!("up to {} s", limit.as_secs()),
        Wait::Rules(limit) => format!("rules, {} s", limit.as_secs()),
    }
}

/// A line of words without macros and brackets, so that both ways of writing it meet.
fn bare(line: &str) -> String {
    let words = line.split([' ', '[', ']', '|']);
    words.filter(|w| w.len() > 2 && !w.starts_with('.')).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_source_with_its_triggers_and_places() {
    let sections = parts(&part(&page("netcue.8"), ".Sh", "SOURCES"), ".Ss");
    let named: Vec<&str> = sections.iter().map(|(head, _)| head.as_str()).collect();
    let there: Vec<&str> = sources::ALL.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(named, there);
    for (source, (_, body)) in sources::ALL.iter().zip(&sections) {
        let rows: Vec<&str> = body.lines().filter(|line| line.contains(" Ta ")).skip(1).collect();
        let table = source.triggers.iter().map(|trigger| {
            let action = trigger.action.as_ref().map_or("none", |action| action.as_str());
            format!(".It {} Ta {action} Ta {}", trigger.word, kept(trigger.wait))
        });
        assert_eq!(rows, table.collect::<Vec<_>>(), "{}", source.name);
        for trigger in source.triggers.iter().filter(|trigger| !trigger.usage.is_empty()) {
            let mut before = Words::new();
            let explained = body.lines().any(|line| {
                if line.starts_with(".D1") {
                    let here = before.contains(trigger.word);
                    before.clear();
                    return here && bare(line) == bare(trigger.usage);
                }
                before.extend(behind(line, "Cm"));
                false
            });
            assert!(explained, "{} {} {}", source.name, trigger.word, trigger.usage);
        }
        let of = |source: &'static sources::Source| {
            let of_triggers = source.triggers.iter().flat_map(|trigger| trigger.places);
            of_triggers.chain(source.places).map(|place| {
                let (Place::Folder(path) | Place::File(path)) = place;
                *path
            })
        };
        // A path that stands there for another reason is nobody's place.
        let any: Words = words(sources::ALL.iter().flat_map(|source| of(source)));
        let mut listed = behind(body, "Pa");
        listed.retain(|path| any.contains(path));
        let places = of(source);
        assert_eq!(listed, words(places), "{}", source.name);
    }
}

#[test]
fn every_path() {
    let layout = Layout::default();
    let mut there = vec![
        layout.configuration(),
        layout.own_rules(),
        layout.enabled(),
        layout.runtime(),
        layout.queue(),
        layout.failed(),
        layout.unattended(),
        layout.unattended_places(),
        layout.inbox(),
        layout.follow_ups(),
        layout.lock(),
        layout.rules_lock(),
        layout.rules_ahead(),
        layout.causes(),
        layout.unrecorded(),
        layout.good_configuration(),
        layout.rules(),
        layout.watch(),
        layout.watch_lock(),
        layout.met(),
        layout.met_whole(),
        layout.metrics(),
        layout.metrics_lock(),
        layout.trial(),
        layout.cursors(),
        layout.machine_id(),
        layout.journal(),
    ];
    there.extend(layout.hook_folders());
    let files = part(&page("netcue.8"), ".Sh", "FILES");
    assert_eq!(items(&files, "Pa"), words(there.iter().map(|path| path.display())));
    let hooks = part(&page("netcue-hooks.7"), ".Ss", "Folders and names");
    let folders = hooks.lines().filter_map(|line| line.strip_prefix(".Pa "));
    let folders: Vec<&str> = folders.filter(|path| path.ends_with("hooks.d")).collect();
    let in_order: Vec<String> =
        layout.hook_folders().iter().map(|path| path.display().to_string()).collect();
    assert_eq!(folders[..4], in_order);
}

/// The keys of a table in netcue.conf(5), each with a TOML value that isn't its default.
pub(crate) fn documented_keys() -> Vec<(String, String, String, &'static str)> {
    let text = part(&page("netcue.conf.5"), ".Sh", "DESCRIPTION");
    let mut keys = Vec::new();
    for (head, body) in parts(&text, ".Ss") {
        // Those have no defaults of their own: see `every_key_of_an_adopted_folder`.
        if head == ADOPTED {
            continue;
        }
        let table = head.strip_prefix("The table ").unwrap_or("");
        let table = table.replace("NAME", "eth7");
        for item in body.split(".It Cm ").skip(1) {
            let (line, rest) = item.split_once('\n').unwrap();
            let (key, kind) = line.split_once(" No = ").unwrap();
            let default = rest.split("Default:").nth(1).unwrap().trim_start();
            let value = match kind {
                "Ar boolean" if default.contains("true") => "false",
                "Ar boolean" => "true",
                "Bq Ar name , ..." => "[\"eth7\"]",
                "Bq Ar forward , ..." => "[{ port = \"tcp/443\", to = \"192.168.1.10\" }]",
                "Bq Ar opening , ..." => "[\"udp/51820\"]",
                "Ar side" => "\"guest\"",
                "Ar guard" => "\"report\"",
                _ => "7",
            };
            keys.push((table.clone(), key.to_owned(), default.to_owned(), value));
        }
    }
    keys
}

const ADOPTED: &str = "The tables [[adopt]]";

#[test]
fn every_key_of_an_adopted_folder() {
    let text = part(&page("netcue.conf.5"), ".Ss", ADOPTED);
    let bad = config::parse("[[adopt]]\nqqqqqqqq = 1\n", Path::new("netcue.conf")).unwrap_err();
    let (_, keys) = bad.reason.split_once("there are ").unwrap();
    let mut listed = items(&text, "Cm");
    listed.remove("...");
    assert_eq!(listed, words(keys.split(' ')));
}

#[test]
fn every_key_of_the_configuration() {
    let parse = |text: &str| config::parse(text, Path::new("netcue.conf"));
    let keys = documented_keys();
    for (table, key, default, value) in &keys {
        let set = parse(&format!("{table}\n{key} = {value}\n")).unwrap();
        assert_ne!(set, Config::default(), "{key} = {value} changes nothing");
        let literal = default.trim_start_matches(".Ql ").split(['.', ' ', ',', '\n']).next();
        let literal = literal.filter(|word| !matches!(*word, "not" | "none")).unwrap_or("");
        if !literal.is_empty() {
            let set = parse(&format!("{table}\n{key} = {literal}\n")).unwrap();
            assert_eq!(set, Config::default(), "{key} is not {literal} by default");
        }
        assert!(parse(&format!("{table}\n{key}x = {value}\n")).is_err(), "{key}x is taken");
    }
    // `name: value` is how Debug shows a field; a table is a field with a type's name.
    let shown = format!("{:#?}", Config::default());
    let fields = shown.lines().filter(|line| !line.ends_with('{'));
    let fields = fields.filter_map(|line| line.trim().split_once(": "));
    let fields = fields.map(|(name, _)| name.replace('_', "-"));
    // Tables of which there may be any number are kept with the rules, and so are rules of files.
    let fields = fields.filter(|name| !["interface", "own", "adopt"].contains(&name.as_str()));
    let fields = fields.map(|name| if name == "sides" { "side".to_owned() } else { name });
    assert_eq!(words(keys.iter().map(|(_, key, ..)| key)), words(fields));
}

/// The names of all variables that a hook really gets for an event with one detail, `name`.
fn variables_of_a_hook() -> Words {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("etc/netcue/hooks.d");
    fs::create_dir_all(&folder).unwrap();
    let hook = folder.join("70-environment");
    fs::write(&hook, "#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let netcue = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--net", env!("CARGO_BIN_EXE_netcue"), "--root"]).arg(root.path());
        let output = command.args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    netcue(&["emit", "--action", "up", "--interface", "ppp0", "--detail", "name=x"]);
    let story: Value = serde_json::from_slice(&netcue(&["history", "--json"])).unwrap();
    let step = &story["steps"].as_array().unwrap()[1];
    let lines = step["end"]["output"].as_str().unwrap().lines();
    words(lines.filter_map(|line| Some(line.split_once('=')?.0)))
}

#[test]
fn every_variable() {
    let there = variables_of_a_hook();
    let given = part(&page("netcue-hooks.7"), ".Ss", "What a hook is given");
    let mut listed = behind(&given, "Ev");
    listed.extend(behind(&part(&page("netcue-event.7"), ".Ss", "Fields"), "Ev"));
    assert_eq!(listed, there);
    let details = documented_details().into_iter().flat_map(|(_, names)| names);
    let details = details.map(|name| format!("NETCUE_DETAILS_{}", name.to_ascii_uppercase()));
    // What a command of `ship` finds, and what people set.
    let others = ["CURSOR", "HOST", "MACHINE", "PAGER"].map(|name| format!("NETCUE_{name}"));
    let known: Words = there.into_iter().chain(details).chain(others).collect();
    for name in PAGES {
        for word in page(name).split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let is_variable = word.starts_with("NETCUE_");
            assert!(!is_variable || known.contains(word), "{name}: {word} is never set");
        }
    }
}

#[test]
fn every_header_key() {
    let header = part(&page("netcue-hooks.7"), ".Ss", "Header lines");
    assert_eq!(items(&header, "Cm"), words(KEYS.map(|(key, _)| key)));
    // The first version has no need to be named.
    let later = KEYS.iter().filter(|(_, since)| *since != "0.1.0");
    for (key, since) in later {
        let (_, item) = header.split_once(&format!(".It Cm {key}\n")).unwrap();
        let item = item.split(".It ").next().unwrap();
        assert!(item.contains(&format!("Since version {since}.")), "{key}: {item}");
    }
}

#[test]
fn every_field_and_action_and_the_example() {
    let text = page("netcue-event.7");
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let properties = words(schema["properties"].as_object().unwrap().keys());
    assert_eq!(items(&part(&text, ".Ss", "Fields"), "Li"), properties);
    let actions = items(&part(&text, ".Ss", "Actions"), "Cm");
    assert_eq!(actions, words(Action::KNOWN));
    let (_, rest) = text.split_once(".Bd -literal -offset indent\n").unwrap();
    let (example, _) = rest.split_once(".Ed").unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(words(example.as_object().unwrap().keys()), properties);
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
        .validate(&example)
        .unwrap();
}

fn documented_details() -> Vec<(String, Words)> {
    let text = part(&page("netcue-event.7"), ".Ss", "Details");
    let lists = text.split("From\n.Sy ").skip(1);
    lists
        .map(|list| {
            let (name, rest) = list.split_once(" :\n").unwrap();
            (name.to_owned(), items(rest.split(".El").next().unwrap(), "Li"))
        })
        .collect()
}

/// The fixtures hold a case for every detail a source can give.
#[test]
fn every_detail_of_every_source() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources");
    for (source, listed) in documented_details() {
        let mut seen = Words::new();
        for case in fs::read_dir(fixtures.join(&source)).unwrap() {
            let text = fs::read_to_string(case.unwrap().path()).unwrap();
            let (_, expected) = text.split_once("---\n").unwrap();
            let Ok(facts) = serde_json::from_str::<Value>(expected) else { continue };
            seen.extend(words(facts["details"].as_object().into_iter().flatten().map(|d| d.0)));
        }
        // What a person names is a person's business.
        assert_eq!(listed, if source == "manual" { Words::new() } else { seen }, "{source}");
    }
}
