//! `netcue hooks --check`: each mistake is found with its place before an event comes.

use std::fs;

use serde_json::Value;

use crate::scene::Scene;

/// What is said of the hook `20-a` with that text and mode.
fn said(text: &str, mode: u32) -> String {
    let scene = Scene::new();
    scene.hook("20-a", text);
    scene.chmod("etc/netcue/hooks.d/20-a", mode);
    let by_folder = scene.netcue(["hooks", "--check"]).any_status().any_stdout().run();
    let path = scene.path("etc/netcue/hooks.d/20-a").display().to_string();
    let by_name = scene.netcue(["hooks", "--check", &path]).any_status().any_stdout().run();
    assert_eq!((&by_folder.stdout, by_folder.status), (&by_name.stdout, by_name.status));
    assert_eq!(by_folder.status, i32::from(by_folder.stdout.contains("20-a:")), "{by_folder:?}");
    by_folder.stdout.replace(&path, "20-a")
}

#[test]
fn each_mistake_is_told_with_its_place() {
    for (text, mode, expected) in [
        (
            "#!/bin/sh\n# netcue: action=up source=ppp user=root\n:\n",
            0o755,
            "1 looked at, nothing to mend\n",
        ),
        ("#!/bin/sh\n:\n", 0o644, "20-a: not trusted: 20-a is not executable: chmod +x\n"),
        (
            "echo hi\n",
            0o755,
            "20-a:1:1: no #! line, and no program this machine can run: add #!/bin/sh\n",
        ),
        ("#!/no/such/shell\n", 0o755, "20-a:1:1: its interpreter /no/such/shell is missing\n"),
        (
            "#!/bin/sh\r\n:\r\n",
            0o755,
            "20-a:1:1: the #! line ends in CR: save the file with Unix line ends\n",
        ),
        (
            "#!/usr/bin/env nosuch3\n",
            0o755,
            "20-a:1:1: its interpreter nosuch3, which env looks for, is missing\n",
        ),
        (
            "#!/bin/sh -e\r\n:\r\n",
            0o755,
            "20-a:1:1: the #! line ends in CR: save the file with Unix line ends\n",
        ),
        (
            "#!/bin/sh\n:\n:\r\n:\r\n",
            0o755,
            "20-a:3:2: the line ends in CR: save the file with Unix line ends\n",
        ),
        (
            "#!/bin/sh\n# netcue: source=pppd\n",
            0o755,
            "20-a:2:11: this version knows no source \"pppd\"; did you mean \"ppp\"?\n",
        ),
        (
            "#!/bin/sh\n# netcue: wait=no user=nobdy\n",
            0o755,
            "20-a:2:19: there is no account \"nobdy\"\n",
        ),
        (
            "#!/bin/sh\n# netcue action=up\n",
            0o755,
            "20-a:2:3: not read: a header line begins with \"# netcue:\", in small letters and with a colon\n",
        ),
        (
            "#!/bin/sh\nset -e\n# netcue: action=up\n",
            0o755,
            "20-a:3:3: not read, because it stands behind the first line that is no comment: move it to the top\n",
        ),
        (
            "#!/bin/sh\n# netcue: action=up when=now\n",
            0o755,
            "20-a:2:21: this version knows no key \"when\" and passes it over: a later one may, or it is a slip\n",
        ),
        (
            "#!/bin/sh\n# netcue: action=up timeuot=9\n",
            0o755,
            "20-a:2:21: \"timeuot\" is no key, but \"timeout\" is\n",
        ),
    ] {
        assert_eq!(said(text, mode), expected, "{text}");
    }
}

#[test]
fn the_same_is_said_by_hooks_and_doctor_and_to_programs() {
    let scene = Scene::new();
    scene.hook("10-new", "#!/bin/sh\n# netcue: when=now\necho on\n").ip_up();
    assert_eq!(scene.output_of("10-new"), "on\n", "it is told of, not refused");
    scene.netcue(["hooks"]).stdout_has("runs  10-new").stdout_has("knows no key \"when\"").run();
    fs::remove_file(scene.path("etc/netcue/hooks.d/10-new")).expect("removed");
    scene.hook("20-a", "#!/bin/sh\n# netcue: source=pppd\n").hook("30-b.sh", "#!/bin/sh\n");
    let said = "2:11: this version knows no source \"pppd\"; did you mean \"ppp\"?";
    scene.netcue(["hooks"]).stdout_has(said).run();
    scene.netcue(["doctor"]).any_status().stdout_has("knows no source").run();
    let told = scene.netcue(["hooks", "--check", "--json"]).status(1).any_stdout().run().stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let places: Vec<_> = told
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["line"].as_u64(), one["column"].as_u64()))
        .collect();
    assert_eq!(places, [(Some(2), Some(11)), (None, None)], "{told:#}");
    let hook = scene.path("etc/netcue/hooks.d/20-a").display().to_string();
    scene.netcue(["check", &hook]).status(78).stderr_has("netcue hooks --check").run();
    fs::remove_file(&hook).expect("removed");
    scene.netcue(["hooks", "--check", &hook]).any_status().stderr_has("there is no").run();
}

#[test]
fn a_name_is_enough_and_a_file_elsewhere_belongs_to_whom_it_may() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n:\n");
    let check = |file: &str| scene.netcue(["hooks", "--check", file]);
    check("20-a").stdout("1 looked at, nothing to mend\n").run();
    check("20-b").status(74).stderr_has("did you mean \"20-a\"?").run();
    scene.netcue(["check", "20-a"]).status(78).stderr_has("netcue hooks --check 20-a").run();
    // What an author has at home is installed as root's.
    scene.hook_in("home", "70-mine", "#!/bin/sh\n:\n", 0o777);
    let file = scene.path("home/70-mine").display().to_string();
    nix::unistd::chown(file.as_str(), Some(1000.into()), Some(1000.into())).expect("chown");
    check(&file).stdout("1 looked at, nothing to mend\n").run();
    scene.chmod("home/70-mine", 0o666);
    check(&file).status(1).stdout_has("70-mine is not executable: chmod +x\n").run();
    scene.hook_in("home", "70-mine", "#!/bin/sh\n# netcue: action=ups\n", 0o777);
    check(&file).status(1).stdout_has("70-mine:2:11: this version knows no action").run();
}
