//! `timeline` on a journal that holds a burst, a hook that held nobody, one that took too
//! long and has a hostile name, and an event whose run was interrupted.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use crate::call::NETCUE;
use crate::scene::{Scene, run, write_file};

const SINCE: [&str; 3] = ["timeline", "--since", "2026-11-23"];

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/timeline");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn scene() -> Scene {
    let scene = Scene::new();
    let journal = scene.path("var/log/netcue/journal.jsonl");
    write_file(&journal, fixture("journal.jsonl").as_bytes(), 0o640);
    scene
}

/// What netcue says on a terminal so wide.
fn on_terminal(scene: &Scene, columns: u16, env: &[(&str, &str)]) -> String {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a terminal");
    let mut child = Command::new(NETCUE)
        .arg("--root")
        .arg(scene.root())
        .args(SINCE)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(pty.slave)
        .spawn()
        .expect("netcue");
    let mut terminal = fs::File::from(pty.master);
    let mut said = Vec::new();
    let mut chunk = [0; 4096];
    // The end of the other side is an error to a terminal's reader.
    while let Ok(length) = terminal.read(&mut chunk) {
        if length == 0 {
            break;
        }
        said.extend_from_slice(&chunk[..length]);
    }
    assert!(child.wait().expect("netcue").success());
    String::from_utf8(said).expect("UTF-8").replace("\r\n", "\n")
}

#[test]
fn in_letters_through_a_pipe() {
    scene().netcue(SINCE).words(["--text"]).stdout(&fixture("pipe.txt")).run();
}

#[test]
fn the_last_burst_and_single_events() {
    let scene = scene();
    let heads = |words: &[&str]| {
        let text = scene.netcue(["timeline", "--text"]).words(words).any_stdout().run().stdout;
        let is_event =
            |line: &&str| ["ppp ", "boot ", "manual "].iter().any(|s| line.starts_with(s));
        let above = text.split("\n\n").next().expect("a drawing").to_owned();
        let events = above.lines().filter(is_event);
        events.map(|line| line.split("  ").next().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(heads(&[]), ["ppp ip-down ppp0"]);
    assert_eq!(heads(&["last"]), ["ppp ip-down ppp0"]);
    let (first, second) =
        ("01993000-7a5c-7c3e-9d10-000000000001", "01993000-7a5c-7c3e-9d10-000000000002");
    assert_eq!(heads(&[second, first]), ["ppp ip-up ppp0", "boot interfaces: failed"]);
    assert_eq!(heads(&["--since", "2026-11-23 10:41"]), ["ppp ip-down ppp0"]);
    scene
        .netcue(["timeline", "0aa"])
        .status(1)
        .stderr_has("the journal holds no event \"0aa\"")
        .run();
    scene.netcue(["timeline", "--since", "10m"]).status(1).stderr_has("nothing to draw").run();
    scene.netcue(["timeline", "--since", "soon"]).status(64).stderr_has("wanted is boot").run();
}

#[test]
fn on_a_terminal_as_wide_as_it_is_in_the_letters_it_has() {
    let scene = scene();
    let plain = on_terminal(&scene, 80, &[("LANG", "C"), ("TERM", "dumb")]);
    assert_eq!(plain, fixture("narrow-ascii.txt"));
    assert!(plain.is_ascii());
    let wide = on_terminal(&scene, 140, &[("LC_ALL", "de_DE.UTF-8"), ("TERM", "xterm")]);
    assert_eq!(wide, fixture("wide-colours.txt"));
    let drawing = plain.split("\n\n").next().expect("a drawing");
    for line in drawing.lines().skip(1) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_picture_is_xml_and_holds_nothing_hostile() {
    let scene = scene();
    let picture = scene.netcue(SINCE).stdout(&fixture("picture.svg")).run().stdout;
    let page = scene.netcue(SINCE).words(["--html"]).any_stdout().run().stdout;
    assert!(page.contains(&picture));
    assert!(page.starts_with("<!DOCTYPE html>\n"), "{page}");
    let file = scene.path("picture.svg");
    write_file(&file, picture.as_bytes(), 0o644);
    let file = file.display().to_string();
    run("xmllint", ["--noout", "--nonet", &file]);
    // As a parser reads it: no script, no link, and the text of the hook's name as text.
    let count = |xpath: &str| run("xmllint", ["--xpath", xpath, &file]).trim().to_owned();
    assert_eq!(count("count(//*[local-name()='script' or local-name()='a'])"), "0");
    assert_eq!(count("count(//@*[starts-with(name(), 'on') or contains(name(), 'href')])"), "0");
    assert_ne!(count("count(//*[contains(text(), '</text><script>')])"), "0");
    for harmful in ['\u{1b}', '\u{202e}'] {
        assert!(!picture.contains(harmful));
    }
}

/// A rectangle on the page.
struct Box {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// Where the bars of a picture are.
fn bars(picture: &str) -> Vec<Box> {
    let classes = ["waiting", "running", "hook", "engine", "alone", "failed"];
    let rects = picture.lines().filter(|line| {
        line.contains("<title>")
            && classes.iter().any(|c| line.starts_with(&format!("<rect class=\"{c}\"")))
    });
    rects
        .map(|line| {
            let number = |name: &str| -> f64 {
                let (_, rest) = line.split_once(&format!(" {name}=\"")).expect(name);
                rest.split('"').next().expect("a value").parse().expect("a number")
            };
            let (left, top) = (number("x"), number("y"));
            let (right, bottom) = (left + number("width"), top + number("height"));
            Box { left, right, top, bottom }
        })
        .collect()
}

#[test]
fn many_events_stay_apart_and_within_the_picture() {
    let scene = Scene::new();
    let one = fixture("journal.jsonl");
    for times in [1, 5, 50] {
        let mut journal = String::new();
        for round in 0..times {
            let renamed = one.replace("01993000-", &format!("0199{round:04x}-"));
            journal +=
                &renamed.replace("2026-11-23T10:", &format!("2026-11-23T{:02}:", round % 24));
        }
        write_file(&scene.path("var/log/netcue/journal.jsonl"), journal.as_bytes(), 0o640);
        let picture = scene.netcue(SINCE).any_stdout().run().stdout;
        let bars = bars(&picture);
        assert!(bars.len() >= times * 16, "{} bars", bars.len());
        for bar in &bars {
            assert!(bar.left >= 330.0 && bar.right <= 1001.5, "{} to {}", bar.left, bar.right);
            assert!(bar.right > bar.left && bar.bottom > bar.top);
        }
        assert!(picture.contains(&format!("{} events", times * 4)));
        assert!(picture.len() < 1 << 20);
        let letters = scene.netcue(SINCE).words(["--text"]).any_stdout().run().stdout;
        let (drawn, sums) = letters.split_once("\n\nSOURCE").expect("sums");
        // With many, a line for each event, and the steps in it.
        let lines = if times == 50 { times * 4 } else { times * 13 };
        assert_eq!(drawn.lines().count(), lines + 4, "{drawn}");
        // One is in the legend.
        assert!(drawn.lines().filter(|line| line.contains('▓')).count() > times, "{drawn}");
        assert!(drawn.contains('█') && sums.contains("50-rules"), "{letters}");
    }
}
