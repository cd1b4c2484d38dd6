//! The demo keeps its word: a whole day, every promise held, and nothing left behind.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output};

use nix::pty::{Winsize, openpty};

use crate::show::without_colours;

/// `examples/demo` beside the program, as cargo builds it for its tests.
fn demo() -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_netcue"));
    let mut demo = Command::new(program.with_file_name("examples").join("demo"));
    demo.env("LC_ALL", "C.UTF-8");
    demo
}

/// Plays the day with a temporary folder of its own, and checks that it is empty afterwards.
fn play(mut demo: Command) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let before = network();
    let output = demo.env("TMPDIR", folder.path()).output().expect("the demo");
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    let left: Vec<_> = folder.path().read_dir().expect("a folder").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert_eq!(network(), before);
    text
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The interfaces, routes and rules around the demo.
fn network() -> String {
    [vec!["ip", "-o", "link"], vec!["ip", "route"], vec!["nft", "list", "ruleset"]]
        .map(|words| said(&Command::new(words[0]).args(&words[1..]).output().expect(words[0])))
        .join("\n")
}

fn assert_promises(text: &str, promises: &[&str]) {
    for promise in promises {
        assert!(text.contains(&format!("✓ {promise}")), "{promise:?} is missing in\n{text}");
    }
    assert!(!text.contains('✗') && !text.contains("FAILED"), "{text}");
}

const DAY: [&str; 13] = [
    "a hook that fails stops no other, and the journal says which failed and how",
    "the rules stand before there is a way outside, whatever it will be",
    "a packet from the LAN reaches the proxy, masqueraded",
    "the LAN reaches 198.51.100.80 by ppp0, seen as 203.0.113.77",
    "the server has no route to the LAN: only masquerading made its answer possible",
    "port 80 in the LAN, open to the gateway, is closed to the outside; counters show it",
    "a packet from outside with an address of the LAN is refused",
    "the LAN reaches 198.51.100.99 by ppp1, seen as 192.0.2.77",
    "each of forty events that came at once has exactly one outcome in the journal",
    "they were handled one at a time",
    "the LAN reaches 198.51.100.80 by ppp1, seen as 192.0.2.77",
    "the hook that wants only action=down ran now, and never before",
    "after every event the kernel had the rules its state calls for",
];

#[test]
fn the_day_is_played_and_every_promise_holds() {
    let text = play(demo());
    assert_promises(&text, &DAY);
    assert!(!text.contains('\u{1b}'), "colours in a pipe: {text:?}");
    assert!(text.lines().count() <= 170, "{} lines", text.lines().count());
}

#[test]
fn it_needs_neither_root_nor_other_programs() {
    let unshare = ["/usr/bin/unshare", "/bin/unshare"].map(PathBuf::from);
    let mut unprivileged = Command::new(unshare.iter().find(|path| path.exists()).expect("one"));
    unprivileged.args(["--user", "--map-user=1000", "--map-group=1000", "--"]);
    unprivileged.arg(demo().get_program()).env("PATH", "/nowhere");
    assert_promises(&play(unprivileged), &DAY);
}

#[test]
fn without_namespaces_the_same_day_is_shown_and_nothing_applied() {
    let mut on_paper = demo();
    on_paper.arg("--no-namespaces");
    let text = play(on_paper);
    assert!(text.contains("Not played: --no-namespaces was given."), "{text}");
    assert_promises(
        &text,
        &[
            "the rules stand before there is a way outside, whatever it will be",
            r#"the rules then masquerade and guard { "tun0" }"#,
            r#"the rules then masquerade and guard { "ppp0" }"#,
            r#"the rules then masquerade and guard { "ppp0", "ppp1" }"#,
            r#"the rules then masquerade and guard { "ppp1" }"#,
            "the hook that wants only action=down would run now",
        ],
    );
}

#[test]
fn a_narrow_terminal_without_utf8_gets_lines_and_letters_that_it_can_show() {
    let size = Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a terminal");
    let mut child = demo()
        .envs([("LC_ALL", "C"), ("TERM", "xterm")])
        .stdout(pty.slave)
        .spawn()
        .expect("the demo");
    let mut shown = Vec::new();
    let mut some = [0; 4096];
    let mut terminal = File::from(pty.master);
    // At its end a terminal answers with an error.
    while let Ok(count @ 1..) = terminal.read(&mut some) {
        shown.extend_from_slice(&some[..count]);
    }
    assert!(child.wait().expect("an end").success());
    let shown = String::from_utf8(shown).expect("text");
    assert!(shown.is_ascii(), "{shown}");
    let text = without_colours(&shown.replace("\r\n", "\n"));
    for line in text.lines() {
        assert!(line.len() <= 60, "{line}");
    }
    let held = text.lines().filter(|line| line.starts_with("   + ")).count();
    assert_eq!(held, DAY.len(), "{text}");
}

#[test]
fn where_the_kernel_gives_no_namespaces_it_says_so() {
    // In a user namespace that may have no further ones, and without rights in it.
    let script = "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$0\"";
    let mut confined = Command::new("unshare");
    confined.args(["--user", "--map-root-user", "--", "sh", "-c", script]);
    confined.arg(demo().get_program());
    let text = play(confined);
    assert!(text.contains("Not played: this kernel gives us no namespaces"), "{text}");
    assert_promises(&text, &[r#"the rules then masquerade and guard { "ppp0", "ppp1" }"#]);
}
