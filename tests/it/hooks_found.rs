//! What becomes of an event when hook folders, hooks, flags or the configuration can't be read:
//! what passes is tried again, what stays is a failure on record, and only what is not there
//! counts as off, masked or absent.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::call::{Call, NETCUE, Ran};
use crate::scene::{Scene, script, wait_until};

const HOOKS: &str = "etc/netcue/hooks.d";

/// `boot services` with one system call on one path failing. `when` is strace's: `1` is the
/// first call only, `1+` each of them.
fn with_fault(scene: &Scene, call: &str, path: &str, error: &str, when: &str) -> Ran {
    let fault = format!("inject={call}:error={error}:when={when}");
    Call::through("strace", scene.root())
        .words(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &fault, "-P"])
        .word(scene.path(path))
        .words([NETCUE, "--root"])
        .word(scene.root())
        .words(["from", "boot", "services"])
        .any_stderr()
        .run()
}

/// A scene with a hook in the administrator's folder and one in the packages'.
fn two_folders() -> Scene {
    let scene = Scene::new();
    scene.hook("20-a", script("echo mine"));
    scene.hook_in("usr/lib/netcue/hooks.d", "30-b", script("echo theirs"), 0o755);
    scene
}

#[test]
fn a_hook_folder_that_cannot_be_listed_is_a_failed_step_of_its_name() {
    let spoils: [fn(&Path); 3] = [
        |path| fs::write(path, "").expect("a file"),
        |path| symlink("nowhere", path).expect("a link"),
        |path| symlink("hooks.d", path).expect("a link"),
    ];
    for spoil in spoils {
        let scene = two_folders();
        let folder = scene.path(HOOKS);
        fs::remove_dir_all(&folder).expect("removed");
        spoil(&folder);
        scene.from("boot services");
        assert_eq!(scene.outcomes(), ["failed"]);
        let name = folder.display().to_string();
        let reason = scene.failure_of(&name);
        assert!(reason.starts_with(&format!("can't list {name}: ")), "{reason}");
        assert_eq!(scene.output_of("30-b"), "theirs\n", "the others run");
        assert_eq!(scene.end_of("50-rules")["outcome"], "changed", "and so does the engine");
        let said = "ROOT/etc/netcue/hooks.d";
        scene.netcue(["history", "--failed"]).stdout_has(said).run();
        scene.netcue(["plan", "--current"]).stdout_has(said).run();
    }
}

#[test]
fn an_error_that_stays_is_a_failed_step_and_one_that_passes_is_tried_again() {
    for error in ["EIO", "ENOMEM", "ESTALE"] {
        let scene = two_folders();
        let name = scene.path(HOOKS).display().to_string();
        for call in ["openat", "getdents64"] {
            with_fault(&scene, call, HOOKS, error, "1");
            assert_eq!(scene.output_of("20-a"), "mine\n");
            assert_eq!(scene.outcomes().pop().as_deref(), Some("done"), "{call} {error} once");
            with_fault(&scene, call, HOOKS, error, "1+");
            assert_eq!(scene.outcomes().pop().as_deref(), Some("failed"), "{call} {error}");
            assert_eq!(scene.end_of(&name)["outcome"], "not-started");
        }
    }
}

#[test]
fn a_hook_that_cannot_be_looked_at_or_read_is_tried_again_and_then_failed() {
    let scene = two_folders();
    for (call, path) in [
        ("statx,lstat,newfstatat", "etc/netcue/hooks.d/20-a"),
        ("openat", "etc/netcue/hooks.d/20-a"),
    ] {
        with_fault(&scene, call, path, "EIO", "1");
        assert_eq!(scene.outcomes().pop().as_deref(), Some("done"), "{call} once");
        with_fault(&scene, call, path, "EIO", "1+");
        assert_eq!(scene.outcomes().pop().as_deref(), Some("failed"), "{call}");
        assert_eq!(scene.end_of("20-a")["outcome"], "not-started");
        assert_eq!(scene.output_of("30-b"), "theirs\n");
    }
}

#[test]
fn what_is_beside_a_program_counts_as_there_until_the_kernel_says_otherwise() {
    let scene = Scene::new();
    scene.hook("20-a", fs::read("/bin/echo").expect("a program"));
    scene.hook_in(HOOKS, "20-a.conf", "# netcue: action=none\n", 0o644);
    let beside = "etc/netcue/hooks.d/20-a.conf";
    with_fault(&scene, "statx,lstat,newfstatat", beside, "EIO", "1+");
    assert_eq!(scene.end_of("20-a")["outcome"], "not-started");
}

#[test]
fn a_flag_that_cannot_be_looked_at_switches_nothing_off() {
    let scene = two_folders();
    scene.put("etc/netcue/enabled/boot", "");
    with_fault(&scene, "statx,lstat,newfstatat", "etc/netcue/enabled/boot", "EIO", "1+");
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn a_configuration_that_cannot_be_read_for_a_moment_holds() {
    let scene = Scene::new();
    scene.config("[hooks]\ntimeout = 1\n");
    scene.hook("20-a", script("exec sleep 5"));
    for error in ["EIO", "ENOMEM"] {
        let ran = with_fault(&scene, "openat", "etc/netcue/netcue.conf", error, "1");
        assert_eq!(scene.end_of("20-a")["outcome"], "timed-out", "{}", ran.stderr);
        assert!(!ran.stderr.contains("netcue.conf"), "{}", ran.stderr);
    }
}

#[test]
fn a_hook_that_holds_nobody_and_fails_is_seen_like_any_other() {
    let scene = Scene::new();
    scene.hook("80-mail", script("# netcue: wait=no\nexit 3"));
    scene.from("boot services");
    wait_until("its end", || scene.end_of("80-mail")["status"] == 3);
    scene.netcue(["history", "--failed"]).stdout_has("80-mail").run();
    scene.netcue(["status"]).any_status().stdout_has("80-mail failed the only time").run();
    let told = &scene.history_json()[0];
    let failed = json!({ "kind": "steps", "steps": ["80-mail"], "words": "80-mail" });
    assert_eq!((&told["outcome"], &told["reason"]), (&"failed".into(), &failed));
}
