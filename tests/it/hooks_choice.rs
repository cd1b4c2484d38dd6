//! Which files are hooks and which of them are run: what is not root's alone, masked, named
//! otherwise or overridden is left out, and says why.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use crate::scene::{IP_UP, Scene, script};

const HOOK: &str = "etc/netcue/hooks.d/20-a";

/// Puts in `20-a`, spoils it, and gives back why it was not run.
fn not_run(spoil: impl FnOnce(&Scene)) -> String {
    let scene = Scene::new();
    scene.hook("20-a", script(&format!("touch {}/ran", scene.root().display())));
    spoil(&scene);
    scene.ip_up();
    assert!(!scene.path("ran").exists(), "it ran");
    let reason = scene.skipped("20-a").expect("a reason");
    // Nobody knows whether it was meant for this event: it counts as failed, not as a filter.
    assert_eq!(
        (&scene.outcomes()[..], scene.failure_of("20-a")),
        (&["failed".to_owned()][..], reason.clone())
    );
    scene.netcue(["history", "--failed"]).stdout_has("20-a").run();
    let listed = scene.netcue(["hooks"]).any_stdout().run().stdout;
    assert!(listed.contains(&reason), "{reason:?} isn't in {listed}");
    reason.replace(&scene.root().display().to_string(), "ROOT")
}

#[test]
fn what_somebody_else_could_change_is_not_run_and_says_why() {
    for (spoil, reason) in [
        (
            (|scene| chown(scene.path(HOOK), Some(33), None).expect("chown")) as fn(&Scene),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a belongs to uid 33, not to root: chown root",
        ),
        (
            |scene| scene.chmod(HOOK, 0o775),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is writable by group 0: chmod g-w",
        ),
        (
            |scene| scene.chmod(HOOK, 0o757),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is writable by everybody: chmod o-w",
        ),
        (
            |scene| scene.chmod(HOOK, 0o4755),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is set-user-id or set-group-id: \
             chmod u-s,g-s",
        ),
        (
            |scene| scene.chmod(HOOK, 0o644),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is not executable: chmod +x",
        ),
        (
            |scene| scene.chmod("etc/netcue", 0o775),
            "not trusted: ROOT/etc/netcue is writable by group 0: chmod g-w",
        ),
        (
            |scene| chown(scene.path("etc"), Some(1000), None).expect("chown"),
            "not trusted: ROOT/etc belongs to uid 1000, not to root: chown root",
        ),
        (|scene| scene.chmod("", 0o1777), "not trusted: ROOT is writable by everybody: chmod o-w"),
        (
            |scene| {
                fs::create_dir(scene.path("theirs")).expect("a folder");
                fs::rename(scene.path(HOOK), scene.path("theirs/hook")).expect("moved");
                scene.chmod("theirs", 0o777);
                scene.link(HOOK, "../../../theirs/hook");
            },
            "not trusted: ROOT/theirs is writable by everybody: chmod o-w",
        ),
        (
            |scene| {
                fs::remove_file(scene.path(HOOK)).expect("removed");
                scene.link(HOOK, "/nowhere");
            },
            "can't look at /nowhere: No such file or directory (os error 2)",
        ),
        (
            |scene| {
                fs::remove_file(scene.path(HOOK)).expect("removed");
                fs::create_dir(scene.path(HOOK)).expect("a folder");
            },
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is not a regular file",
        ),
        (
            |scene| {
                fs::remove_file(scene.path(HOOK)).expect("removed");
                scene.link(HOOK, "20-a");
            },
            "can't follow ROOT/etc/netcue/hooks.d/20-a: too many levels of symbolic links",
        ),
        (
            |scene| {
                scene.hook("20-a", "#!/bin/sh\n# netcue: sorce=ppp\n");
            },
            "bad header in line 2: \"sorce\" is no key, but \"source\" is",
        ),
        (
            |scene| {
                scene.hook("20-a", "#!/bin/sh\n# netcue: action=UP\n");
            },
            "bad header in line 2: action=UP fits no event: an action is a word of a-z, 0-9 and - \
             (and * and ? in patterns)",
        ),
    ] {
        assert_eq!(not_run(spoil), reason);
    }
}

#[test]
fn a_link_to_a_program_that_only_root_can_change_is_run() {
    let scene = Scene::new();
    scene.link(HOOK, "/bin/echo");
    scene.ip_up();
    assert_eq!(scene.output_of("20-a"), "ppp0 up\n");
}

#[test]
fn a_name_that_run_parts_would_pass_over_is_not_run_but_listed() {
    let scene = Scene::new();
    scene.hook("20-a.dpkg-old", script("exit 1")).hook("README", script("echo taken"));
    scene.ip_up();
    assert_eq!(scene.outcomes(), ["done"]);
    assert_eq!(scene.end_of("README")["output"], "taken\n");
    scene
        .netcue(["hooks"])
        .stdout_has(
            "skipped  20-a.dpkg-old  its name has other characters than A-Z a-z 0-9 _ and -: rename it if it is a \
             hook",
        )
        .run();
}

#[test]
fn what_stands_in_the_place_of_a_hook_folder_is_reported() {
    type Spoil = fn(&Path);
    let spoils: [Spoil; 2] = [
        |path| fs::write(path, "").expect("a file"),
        |path| symlink("nowhere", path).expect("a link"),
    ];
    for spoil in spoils {
        let scene = Scene::new();
        fs::create_dir_all(scene.path("etc/netcue")).expect("a folder");
        spoil(&scene.path("etc/netcue/hooks.d"));
        let said = "can't list ROOT/etc/netcue/hooks.d: ";
        scene.netcue(["hooks"]).stdout_has(said).run();
        scene.netcue(["doctor"]).any_status().stdout_has(said).run();
        scene.netcue(["status"]).any_status().stdout_has(said).run();
    }
}

#[test]
fn of_files_with_one_name_the_administrators_wins() {
    let scene = Scene::new();
    let folders = ["usr/lib", "usr/local/lib", "run", "etc"];
    for folder in folders {
        let hooks = format!("{folder}/netcue/hooks.d");
        scene.hook_in(&hooks, "20-a", script(&format!("echo {folder}")), 0o755);
        scene.ip_up();
        assert_eq!(scene.output_of("20-a"), format!("{folder}\n"));
    }
    let listed = scene.netcue(["hooks"]).any_stdout().run().stdout;
    assert_eq!(listed.matches("overridden").count(), 3, "{listed}");
}

#[test]
fn an_empty_file_or_a_link_to_dev_null_masks_a_name() {
    for link in [false, true] {
        let scene = Scene::new();
        scene.hook_in("usr/lib/netcue/hooks.d", "20-a", script("echo ran"), 0o755);
        scene.hook("30-b", script(""));
        if link {
            scene.link(HOOK, "/dev/null");
        } else {
            fs::write(scene.path(HOOK), "").expect("a file");
        }
        scene.ip_up();
        let reason = scene.skipped("20-a").expect("a reason");
        assert_eq!(reason, format!("masked by {}", scene.path(HOOK).display()));
        assert_eq!(scene.outcomes(), ["done"]);
    }
}

#[test]
fn a_program_says_in_the_file_beside_it_what_it_wants() {
    let scene = Scene::new();
    let program = fs::read("/bin/echo").expect("a program");
    scene.hook("20-a", &program);
    scene.hook_in("etc/netcue/hooks.d", "20-a.conf", "# netcue: action=down\n", 0o644);
    scene.ip_up();
    assert_eq!(scene.skipped("20-a").as_deref(), Some("wants action=down, this is up"));
    scene.from(&IP_UP.replace("ip-up", "ip-down"));
    assert_eq!(scene.end_of("20-a")["output"], "ppp0 down\n");
    for (content, said) in [
        (
            "# For the office.\n\naction=down\n",
            "3: \"action=down\" stands outside a comment; \"# netcue: KEY=VALUE\" is right",
        ),
        ("# netcue: action=DOWN\n", "1: action=DOWN fits no event: an action is a word of "),
    ] {
        scene.hook_in("etc/netcue/hooks.d", "20-a.conf", content, 0o644);
        scene.ip_up();
        let reason = scene.skipped("20-a").expect("a reason");
        let file = scene.path("etc/netcue/hooks.d/20-a.conf");
        let expected = format!("bad header in {}, line {said}", file.display());
        assert!(reason.starts_with(&expected), "{reason}");
        scene.netcue(["hooks"]).stdout_has(said).run();
        scene.netcue(["why", "20-a"]).stdout_has(said).run();
    }
    scene.hook_in("etc/netcue/hooks.d", "20-a.conf", "# Wants all.\n\n", 0o644);
    scene.ip_up();
    assert_eq!(scene.output_of("20-a"), "ppp0 up\n");
    scene.chmod("etc/netcue/hooks.d/20-a.conf", 0o666);
    scene.ip_up();
    let reason = scene.skipped("20-a").expect("a reason");
    assert!(reason.ends_with("20-a.conf is writable by everybody: chmod o-w"), "{reason}");
}

#[test]
fn a_hook_called_50_rules_takes_the_place_of_the_engine_and_a_mask_turns_it_off() {
    let scene = Scene::new();
    scene.gateway();
    // In this thread's network namespace.
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("forwarding");
    scene.hook("50-rules", script("echo mine"));
    scene.hook("70-after", script("echo \"$NETCUE_RULES\""));
    let ran = scene.ip_up();
    assert!(ran.summaries[0].contains(": rules made by a hook, 1 hook run, "), "{ran:?}");
    assert_eq!(scene.output_of("50-rules"), "mine\n");
    assert_eq!(scene.end_of("70-after")["output"], "changed\n");
    assert_eq!(scene.nft("list ruleset"), "");
    let path = scene.path("etc/netcue/hooks.d/50-rules");
    let status = || scene.netcue(["status"]).any_stdout().run().stdout;
    let shown = status();
    assert!(shown.starts_with(&format!("rules      made by {}\n", path.display())), "{shown}");
    assert!(shown.contains("\nattention  nothing needs it\n"), "{shown}");
    assert!(shown.trim_end().ends_with("  hook   1/1"), "{shown}");

    scene.chmod("etc/netcue/hooks.d/50-rules", 0o777);
    scene.ip_up();
    assert_eq!(scene.end_of("70-after")["output"], "failed\n", "nobody saw to the rules");
    let shown = status();
    let expected = format!("rules      not made, because of {}\n", path.display());
    assert!(shown.starts_with(&expected), "{shown}");
    let refused = format!("\nattention  {} does not run: not trusted: ", path.display());
    assert!(shown.contains(&refused), "{shown}");

    scene.chmod("etc/netcue/hooks.d/50-rules", 0o755);
    scene.hook("50-rules", script("exit 77"));
    scene.ip_up();
    assert_eq!(scene.end_of("70-after")["output"], "unchanged\n", "it was none of its business");
    fs::write(&path, "").expect("a mask");
    let shown = status();
    assert!(shown.starts_with(&format!("rules      masked by {}\n", path.display())), "{shown}");
    let ran = scene.ip_up();
    assert!(ran.summaries[0].contains(": rules off, 1 hook run, "), "{ran:?}");
    assert_eq!(scene.nft("list ruleset"), "");
    fs::remove_file(scene.path("etc/netcue/hooks.d/50-rules")).expect("removed");
    scene.ip_up();
    assert!(scene.nft("list ruleset").contains("masquerade"));
}
