//! The README, the manual's examples and the completion scripts, by doing what they say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::mdoc::{page, part};

const NETCUE: &str = env!("CARGO_BIN_EXE_netcue");

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The shell blocks of the README, without the indentation that a list gives them.
fn readme_blocks() -> Vec<String> {
    let text = readme();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match open.take() {
            None if line.trim() == "```sh" => open = Some((indent, String::new())),
            None => {}
            Some((_, block)) if line.trim() == "```" => blocks.push(block),
            Some((indent, block)) => {
                open = Some((indent, block + line.get(indent..).unwrap_or("") + "\n"));
            }
        }
    }
    blocks
}

/// The literal displays of a page's examples, as they are read.
fn examples(name: &str) -> Vec<String> {
    let text = part(&page(name), ".Sh", "EXAMPLES");
    let displays = text.split(".Bd -literal -offset indent\n").skip(1);
    displays.map(|rest| rest.split(".Ed").next().unwrap().replace("\\e", "\\")).collect()
}

fn the_one(blocks: Vec<String>, start: &str) -> String {
    blocks.into_iter().find(|block| block.starts_with(start)).unwrap()
}

fn put_hook(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a script with netcue in its PATH and a folder of its own in the place of `/tmp/try`.
fn run(script: &str, folder: &TempDir) -> String {
    let script = script.replace("/tmp/try", &folder.path().join("try").display().to_string());
    let path = std::env::var("PATH").unwrap_or_default();
    let ours = Path::new(NETCUE).parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-euc", &script])
        .env("PATH", format!("{ours}:{path}:/usr/sbin:/sbin"))
        .current_dir(folder)
        .output()
        .unwrap();
    text_of(&output)
}

fn text_of(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_hook_in_the_manual_works_as_the_manual_tries_it() {
    let folder = tempfile::tempdir().unwrap();
    let hook = the_one(examples("netcue-hooks.7"), "#!/bin/sh");
    put_hook(folder.path(), "30-office-route", &hook);
    let shown = run(&the_one(examples("netcue-hooks.7"), "mkdir"), &folder);
    assert!(shown.contains("| 198.51.100.0/24 is reached through ppp0"), "{shown}");
    assert!(shown.contains("\n198.51.100.0/24 dev ppp0 "), "{shown}");
}

#[test]
fn the_hook_in_the_readme_works() {
    let folder = tempfile::tempdir().unwrap();
    let hook = the_one(readme_blocks(), "#!/bin/sh");
    put_hook(&folder.path().join("try/etc/netcue/hooks.d"), "70-address", &hook);
    // A /run of its own, because the hook writes there.
    let script = "unshare --net --mount sh -euc '
        mount -t tmpfs none /run
        netcue --root /tmp/try from ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1
        cat /run/ppp0.address
        netcue --root /tmp/try from ppp ipv6-up ppp0 ttyS0 115200 fe80::7 fe80::1
        netcue --root /tmp/try from ppp ip-down ppp0 ttyS0 115200 192.0.2.7 192.0.2.1
        test ! -e /run/ppp0.address
        netcue --root /tmp/try history --json'";
    let shown = run(script, &folder);
    assert!(shown.starts_with("192.0.2.7\n"), "{shown}");
    let ended: Vec<&str> = shown.split(r#""step":"70-address""#).collect();
    assert_eq!(ended.len(), 4, "{shown}");
    assert!(shown.contains("ppp0 is up, rules changed\\n"), "{shown}");
    assert!(shown.contains(r#""outcome":"not-for-me""#), "{shown}");
    assert!(shown.contains("ppp0 is down, rules unchanged\\n"), "{shown}");
}

#[test]
fn trying_it_safely_works_as_the_readme_says() {
    let folder = tempfile::tempdir().unwrap();
    let shown = run(&the_one(readme_blocks(), "mkdir"), &folder);
    assert!(shown.starts_with("ppp ip-up ppp0 done\n"), "{shown}");
}

/// Each line that begins with `netcue`, up to what the shell would take for itself.
fn calls(block: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = block.lines().map(str::trim).filter(|line| line.starts_with("netcue "));
    lines.map(|line| {
        line.split_whitespace()
            .take_while(|word| !["#", "&&", "|", "\\", ">"].contains(word))
            .collect()
    })
}

#[test]
fn every_call_shown_is_a_call_netcue_takes() {
    let mut blocks = readme_blocks();
    for name in ["netcue.8", "netcue.conf.5", "netcue-hooks.7"] {
        blocks.extend(examples(name));
    }
    let mut seen = 0;
    for call in blocks.iter().flat_map(|block| calls(block)) {
        let taken = netcue::cli::command().try_get_matches_from(&call);
        assert!(taken.is_ok(), "{call:?}: {}", taken.unwrap_err());
        seen += 1;
    }
    assert!(seen > 15, "only {seen} calls found");
}

#[test]
fn every_block_is_shell() {
    for block in readme_blocks() {
        text_of(&Command::new("sh").args(["-n", "-c", &block]).output().unwrap());
    }
}

#[test]
fn the_readme_names_only_files_that_are_there() {
    let text = readme();
    for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target);
        assert!(path.is_file(), "{target}");
    }
}

#[test]
fn each_shell_reads_its_completion_script() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = text_of(&Command::new(NETCUE).args(["completions", shell]).output().unwrap());
        for command in netcue::cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        text_of(&Command::new(shell).arg(check).arg(&path).output().unwrap());
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let script = "netcue completions bash > script
        exec bash -euc '. ./script
            COMP_WORDS=(netcue his) COMP_CWORD=1
            _netcue netcue his netcue; echo ${COMPREPLY[*]}
            COMP_WORDS=(netcue history --fa) COMP_CWORD=2
            _netcue netcue --fa history; echo ${COMPREPLY[*]}'";
    assert_eq!(run(script, &folder), "history\n--failed\n");
}
