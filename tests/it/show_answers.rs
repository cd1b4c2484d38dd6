//! Answers to somebody who asks for the first time: what was misspelt, what surprises, and
//! lists on a terminal that is narrower than they are.

use std::fs;

use crate::call::masked;
use crate::scene::{IP_UP, Scene, write_file};
use crate::show::{Terminal, piped, remembering, split, without_colours};

#[test]
fn a_misspelt_question_is_answered_with_what_may_be_meant() {
    let scene = remembering();
    scene.gateway();
    scene.hook("70-address", "#!/bin/sh\n");
    for (words, said) in [
        ("why 70-adress", "source, interface or rule; did you mean \"70-address\"?"),
        ("why pppp", "interface or rule; did you mean \"ppp\"?"),
        ("why wam", "interface or rule; did you mean \"wan\"?"),
        ("why hok 70-address", "interface or rule; did you mean \"70-address\"?"),
        ("why nothing like it", "interface or rule; see \"netcue why --help\""),
        ("why source diold", "there is no source \"diold\"; did you mean \"diald\"?"),
        ("why source x", "there is no source \"x\"; \"netcue sources\" lists them"),
        ("why rule 99", "there is no rule \"99\"; \"netcue why rule\" lists them"),
        ("why hook", "which hook? Its name is missing: \"netcue hooks\" lists them"),
    ] {
        let ran = scene.netcue(split(words)).status(1).any_stderr().run();
        assert!(ran.stderr.ends_with(&format!("{said}\n")), "{words}: {}", ran.stderr);
    }
    let shown = piped(&scene, "why hook 70-adress");
    assert!(shown.contains("etc/netcue/hooks.d; did you mean \"70-address\"?.\n"), "{shown}");
}

/// What a hook did last is not lost behind events that were not for it.
#[test]
fn why_tells_of_the_last_time_that_a_hook_ran() {
    let scene = Scene::new();
    scene.hook("20-b", "#!/bin/sh\n# netcue: interface=ppp1\necho ran\nexit 4\n");
    for interface in ["ppp1", "ppp2", "ppp3"] {
        scene.from(&format!("ppp ip-up {interface} /dev/ttyS0 115200 203.0.113.5 203.0.113.1"));
    }
    assert!(!piped(&scene, "why 20-b").contains("The last time"), "it is among the newest");
    scene.from("ppp ip-up ppp4 /dev/ttyS0 115200 203.0.113.5 203.0.113.1");
    let shown = piped(&scene, "why 20-b");
    let lines: Vec<&str> = shown.lines().collect();
    let [_, first, _, last, which, output, newest, rest @ ..] = lines.as_slice() else {
        panic!("{shown}")
    };
    assert!(first.contains("20-b was not run for the newest event, "), "{shown}");
    assert_eq!(*last, "The last time that it ran:");
    assert!(which.contains("ppp ip-up ppp1 (") && which.contains("exit status 4"), "{shown}");
    assert_eq!((*output, *newest), ("    | ran", "It was not run for the newest events:"));
    assert_eq!(rest.iter().filter(|line| line.contains("filtered by interface=ppp1")).count(), 3);
}

/// Rules follow the kernel: where a call is ahead of it, the answer says so.
#[test]
fn plan_says_where_a_call_and_the_kernel_do_not_agree() {
    let scene = Scene::new();
    scene.gateway();
    let plan = |call: &str, name: &str| {
        piped(&scene, &format!("plan from ppp {call} {name} ttyS0 115200 192.0.2.7 192.0.2.1"))
    };
    for (call, name, said) in [
        ("ip-up", "ppp7", Some("note: ppp7 does not exist now; rules follow ")),
        ("ip-down", "wan", Some("note: wan is still up now; rules follow ")),
        ("ip-up", "wan", None),
        ("ip-down", "ppp7", None),
    ] {
        let shown = plan(call, name);
        match said {
            Some(said) => assert!(shown.contains(said), "{shown}"),
            None => assert!(!shown.contains("note: "), "{shown}"),
        }
    }
    let word = scene.netcue(["plan", "nonsense"]).status(65);
    word.stderr_has("no such source; there are ").run();
}

#[test]
fn lists_fit_a_terminal_and_lose_nothing() {
    let scene = remembering();
    scene.hook("30-typo", "#!/bin/sh\n# netcue: interfaces=ppp*\n").hook("40-off", "");
    scene.hook("bad.name", "#!/bin/sh\n");
    fs::create_dir_all(scene.path("etc/ppp/ip-up.d")).expect("a folder");
    scene.put("etc/ppp/ip-up", "#!/bin/sh\n");
    for words in ["hooks", "sources"] {
        let whole = piped(&scene, words);
        for columns in [60, 80, 100] {
            let shown = Terminal::with(&scene, words, columns, "C.UTF-8").read_to_end();
            let text = masked(&without_colours(&shown), scene.root());
            let fits = |line: &str| line.chars().count() <= usize::from(columns);
            assert!(without_colours(&shown).lines().all(fits), "{columns}: {text}");
            for word in
                ["40-off", "there are source action", "rename it if it is", "ip-up.d", "disabled"]
            {
                let is_there = |text: &str| {
                    let words: Vec<&str> = text.split_whitespace().collect();
                    words.join(" ").contains(word)
                };
                assert!(is_there(&text) || !is_there(&whole), "{columns}: {word}: {text}");
            }
        }
    }
}

/// Two sets change alike, and only their names tell which is which.
#[test]
fn a_difference_names_the_sets_and_chains_it_is_in() {
    let scene = Scene::new();
    scene.gateway();
    scene.netcue(["rules", "apply"]).any_stderr().run();
    scene.ip("link add wan2 type veth peer name wan2-far");
    scene.ip("link set wan2-far up");
    scene.ip("link set wan2 up");
    scene.ip("route add default dev wan2 metric 9");
    let of_set = |name: &str| {
        format!(
            " \tset {name} {{\n-\t\telements = {{ \"wan\" }}\n+\t\telements = {{ \"wan\",\n\
             +\t\t\t     \"wan2\" }}\n"
        )
    };
    let told = of_set("outside4") + &of_set("outside6") + &of_set("fitted");
    scene.netcue(["rules", "diff"]).status(1).stdout(&told).run();
    scene.netcue(["rules", "apply"]).any_stderr().run();
    let shown = piped(&scene, "why 50-rules");
    assert!(shown.contains(", 9 lines of them.\n     \tset outside4 {\n    -"), "{shown}");
}

/// While it runs, an answer that sounds as if it had ended would mislead.
#[test]
fn of_an_event_that_runs_it_is_said_that_it_runs() {
    let scene = Scene::new();
    scene.hook("20-first", "#!/bin/sh\n").gated_hook("40-slow", "# netcue: timeout=50s");
    scene.hook("60-last", "#!/bin/sh\n");
    let running = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let shown = piped(&scene, "why last");
    assert!(shown.contains("\nIt is running right now: 40-slow for "), "{shown}");
    assert!(shown.ends_with(" left.\n50-rules is to come.\n60-last is to come.\n"), "{shown}");
    let shown = piped(&scene, "history last");
    assert!(shown.contains("\n  40-slow  running\n"), "{shown}");
    scene.open();
    running.finish();
    let shown = piped(&scene, "why last");
    assert!(shown.contains("\nAll of it was done after "), "{shown}");
}

#[test]
fn a_reboot_is_marked_between_its_events() {
    let scene = Scene::new();
    scene.from(IP_UP);
    scene.from(IP_UP);
    let journal = scene.text("var/log/netcue/journal.jsonl");
    let boot = scene.records("accepted")[0]["event"]["boot_id"].as_str().expect("an id").to_owned();
    let other = "00000000-0000-4000-8000-000000000000";
    write_file(
        &scene.path("var/log/netcue/journal.jsonl"),
        journal.replace(&boot, other).as_bytes(),
        0o640,
    );
    scene.from(IP_UP);
    scene.from(IP_UP);
    let shown = piped(&scene, "history");
    let of_whom = |line: &str| match line.trim() {
        "-- reboot --" => Some("reboot"),
        line => line.contains("ip-up").then_some("event"),
    };
    let marks: Vec<&str> = shown.lines().filter_map(of_whom).collect();
    assert_eq!(marks, ["event", "event", "reboot", "event", "event"], "{shown}");
}
