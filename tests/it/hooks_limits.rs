//! The limits of a hook: how long it may take, and how much of its output is kept.

use crate::scene::{Scene, lives, script};

#[test]
fn a_hook_over_its_limit_is_asked_to_end_and_then_killed_with_all_it_started() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.config("[hooks]\ngrace = 1\n");
    scene.hook(
        "20-stubborn",
        format!(
            "#!/bin/sh\n# netcue: timeout=1s\ntrap '' TERM\n\
             sh -c 'echo $$ >{root}/child; sleep 600' &\n\
             echo $$ >{root}/leader\nwait\nsleep 600\n"
        ),
    );
    scene.hook("60-after", script(""));
    scene.ip_up();
    let end = scene.end_of("20-stubborn");
    assert_eq!(end["outcome"], "timed-out", "{end:#}");
    let ms = end["ms"].as_f64().expect("a number");
    assert!((1900.0..10_000.0).contains(&ms), "{end:#}");
    assert!(!lives(&scene.text("leader")) && !lives(&scene.text("child")));
    assert_eq!(scene.end_of("60-after")["outcome"], "done");
}

#[test]
fn a_hook_that_ends_when_asked_can_clean_up() {
    let scene = Scene::new();
    scene.config("[hooks]\ntimeout = 1\ngrace = 60\n");
    scene.hook("20-a", script("trap 'echo cleaned; exit 0' TERM\nsleep 600 &\nwait"));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert_eq!((&end["outcome"], &end["output"]), (&"timed-out".into(), &"cleaned\n".into()));
    assert!(end["ms"].as_f64().expect("a number") < 20_000.0, "{end:#}");
}

#[test]
fn a_hook_that_leaves_its_own_group_is_ended_all_the_same() {
    let scene = Scene::new();
    scene.config("[hooks]\ngrace = 1\n");
    let deserter = "setpgrp(0, getpgrp(getppid())); $SIG{TERM} = 'IGNORE'; sleep 60;";
    scene.hook("20-a", format!("#!/usr/bin/perl\n# netcue: timeout=1s\n{deserter}\n"));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert_eq!(end["outcome"], "timed-out", "{end:#}");
    assert!(end["ms"].as_f64().expect("a number") < 20_000.0, "{end:#}");
}

#[test]
fn a_flood_of_output_is_kept_at_its_head_and_tail_and_costs_no_memory() {
    let scene = Scene::new();
    scene.config("[hooks]\noutput = 1000\n");
    scene.hook("60-peak", script("sed -n 's/^VmHWM:[^0-9]*//p' /proc/$PPID/status"));
    let peak = || -> u32 {
        scene.ip_up();
        let output = scene.output_of("60-peak");
        output.trim().trim_end_matches(" kB").parse().expect(&output)
    };
    let usual = peak();
    let flood = "echo first\nhead -c 50000000 /dev/zero | tr '\\0' x\necho\necho last";
    scene.hook("20-flood", script(flood));
    let flooded = peak();
    let output = scene.output_of("20-flood");
    assert!(output.starts_with("first\nxxx") && output.ends_with("xxx\nlast\n"), "{output}");
    assert!(output.contains("\n[… 49999012 bytes left out …]\n"), "{output}");
    assert!(output.len() < 1100, "{} bytes", output.len());
    assert!(flooded < usual + 1024, "{usual} kB without, {flooded} kB with the flood");
    // A build for debugging is itself some megabytes larger.
    let most = if cfg!(debug_assertions) { 24 } else { 8 };
    assert!(usual < most * 1024, "{usual} kB");
}
