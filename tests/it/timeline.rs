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

/// Compares with a file, in which the machine's name is HOST, or writes it where BLESS is set.
fn assert_is(name: &str, shown: &str) {
    let shown = shown.replace(&format!("{}: ", netcue::sys::identity::host()), "HOST: ");
    if std::env::var_os("BLESS").is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/timeline");
        fs::write(folder.join(name), &shown).expect("written");
    }
    assert_eq!(shown, fixture(name));
}

fn scene() -> Scene {
    let scene = Scene::new();
    let journal = scene.path("var/log/netcue/journal.jsonl");
    write_file(&journal, fixture("journal.jsonl").as_bytes(), 0o640);
    scene
}

/// What netcue says on a terminal so wide.
fn on_terminal(scene: &Scene, columns: u16, env: &[(&str, &str)]) -> String {
    let size = Winsize { ws_row: 0, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
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
    let shown = scene().netcue(SINCE).words(["--text"]).any_stdout().run().stdout;
    assert_is("pipe.txt", &shown);
}

#[test]
fn the_last_burst_and_single_events() {
    let scene = scene();
    let heads = |words: &[&str]| {
        let text = scene.netcue(["timeline", "--text"]).words(words).any_stdout().run().stdout;
        // Behind its time and the beginning of its id.
        let events = text.lines().filter_map(|line| line.split_once(" 01993000-7a5c "));
        let name = |(_, rest): (&str, &str)| rest.split("  ").next().expect("a name").to_owned();
        events.map(name).collect::<Vec<_>>()
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
    scene.netcue(["timeline", "--since", "soon"]).status(64).stderr_has("wanted is boot").run();
}

/// An empty file would leave open whether nothing happened or drawing it went wrong.
#[test]
fn where_there_is_nothing_to_draw_it_says_so() {
    let said = "the journal holds nothing to draw of this time";
    for scene in [Scene::new(), scene()] {
        let call = || scene.netcue(["timeline", "--since", "10m"]).stdout_has(said);
        call().words(["--text"]).run();
        call().words(["--html"]).run();
        let picture = scene.path("picture.svg");
        write_file(&picture, call().run().stdout.as_bytes(), 0o644);
        run("xmllint", ["--noout", "--nonet", &picture.display().to_string()]);
    }
}

/// Days of events, as `--since 3d` has them.
#[test]
fn several_days_have_a_panel_each_and_what_was_quiet_is_in_one_row() {
    let scene = Scene::new();
    let one: Vec<String> = fixture("journal.jsonl").lines().map(str::to_owned).collect();
    // The third event of the burst, which ended well, again and again.
    let quiet = one.iter().filter(|line| line.contains("01993000-7a5c-7c3e-9d10-000000000003"));
    let quiet: Vec<&String> = quiet.collect();
    let mut journal = String::new();
    for round in 0..300 {
        let (day, hour, minute) = (10 + round / 100, round / 10 % 10, round % 10 * 6);
        for line in &quiet {
            let id = line.replace("01993000-", &format!("0199{round:04x}-"));
            let time = format!("2026-11-{day}T{hour:02}:{minute:02}:");
            journal += &(id.replace("2026-11-23T10:40:", &time) + "\n");
        }
    }
    for line in &one {
        journal += &(line.clone() + "\n");
    }
    write_file(&scene.path("var/log/netcue/journal.jsonl"), journal.as_bytes(), 0o640);
    let call = scene.netcue(["timeline", "--since", "2026-11-01", "--text"]).env("TZ", "UTC");
    let shown = call.any_stdout().run().stdout;
    for (day, events) in [("Tue 2026-11-10", 100), ("Thu 2026-11-12", 100), ("Mon 2026-11-23", 4)] {
        assert!(shown.contains(&format!("\n{day}, {events} events\n")), "{shown}");
    }
    assert!(shown.contains("╷06:00"), "the clock is on the axis: {shown}");
    assert_eq!(shown.matches("100 times manual").count(), 3, "{shown}");
    assert!(shown.lines().count() < 60, "{shown}");
    assert!(shown.contains("60-") && shown.contains("boot interfaces: failed"), "{shown}");
}

#[test]
fn on_a_terminal_as_wide_as_it_is_in_the_letters_it_has() {
    let scene = scene();
    let plain = on_terminal(&scene, 80, &[("LANG", "C"), ("TERM", "dumb")]);
    assert_is("narrow-ascii.txt", &plain);
    assert!(plain.is_ascii());
    let wide = on_terminal(&scene, 140, &[("LC_ALL", "de_DE.UTF-8"), ("TERM", "xterm")]);
    assert_is("wide-colours.txt", &wide);
    let drawing = plain.split("\n\nSOURCE").next().expect("a drawing");
    for line in drawing.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_picture_is_xml_and_holds_nothing_hostile() {
    let scene = scene();
    let picture = scene.netcue(SINCE).any_stdout().run().stdout;
    assert_is("picture.svg", &picture);
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

/// `make pictures` draws it anew.
#[test]
fn the_picture_in_the_readme_is_what_is_drawn() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scene = Scene::new();
    let journal = fs::read(repository.join("tests/fixtures/pictures/journal.jsonl"));
    let file = scene.path("var/log/netcue/journal.jsonl");
    write_file(&file, &journal.expect("the fixture"), 0o640);
    let call = scene.netcue(["timeline", "--since", "2026-11-01"]).env("TZ", "UTC");
    let drawn = call.any_stdout().run().stdout;
    let drawn = drawn.replace(&format!("{}: ", netcue::sys::identity::host()), "gateway: ");
    let picture = repository.join("docs/timeline.svg");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&picture, &drawn).expect("written");
    }
    let shown = fs::read_to_string(&picture).expect("the picture");
    assert!(shown == drawn, "make pictures draws it anew");
    let readme = fs::read_to_string(repository.join("README.md")).expect("the README");
    for picture in ["docs/timeline.svg", "docs/page.png"] {
        assert!(readme.contains(&format!("]({picture})")), "{picture}");
        assert!(repository.join(picture).is_file(), "{picture}");
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
    let classes = ["waiting", "running", "hook", "engine", "rules", "alone", "failed"];
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
            assert!(bar.left >= 440.0 && bar.right <= 1011.5, "{} to {}", bar.left, bar.right);
            assert!(bar.right > bar.left && bar.bottom > bar.top);
        }
        assert!(picture.contains(&format!("{} events", times * 4)));
        assert!(picture.len() < 1 << 20);
        let letters = scene.netcue(SINCE).words(["--text"]).any_stdout().run().stdout;
        let (drawn, sums) = letters.split_once("\n\nSOURCE").expect("sums");
        assert!(drawn.lines().count() < 180, "{drawn}");
        // Each failure can be seen, be it in a row with others like it; one is in the legend.
        let marks = drawn.matches('▓').count() - 1;
        assert!(marks >= times.min(24), "{marks} marks: {drawn}");
        assert!(drawn.contains("timed out, it exceeded"), "{drawn}");
        assert!(drawn.contains('█') && sums.contains("50-rules"), "{letters}");
    }
}
