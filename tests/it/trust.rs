//! Whose files are run: what a user could do about it, on real files.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{chown, symlink};
use std::process::{Child, Command, Stdio};

use crate::scene::{IP_UP, Scene, run, words_of, write_file};

const HOOKS: &str = "etc/netcue/hooks.d";

/// The account that plays the user.
const NOBODY: u32 = 65534;

/// A folder of the user's, with what lies in it.
fn users_folder(scene: &Scene, below: &str) {
    fs::create_dir_all(scene.path(below)).expect("a folder");
    chown(scene.path(below), Some(NOBODY), Some(NOBODY)).expect("chown");
}

/// A hook that leaves `ran` behind.
fn tell_tale(scene: &Scene) -> String {
    format!("#!/bin/sh\ntouch {}/ran\n", scene.root().display())
}

/// Why `20-a` is not run; `hooks`, the plan and the journal have to say the same.
fn reason(scene: &Scene) -> String {
    scene.ip_up();
    assert!(!scene.path("ran").exists(), "it ran");
    let reason = scene.skipped("20-a").expect("a reason");
    for words in [&["hooks"][..], &["plan", "boot", "start"], &["history", "last"]] {
        let shown = scene.netcue(words).any_stdout().run().stdout;
        assert!(shown.contains(&reason), "{words:?} lacks {reason:?}: {shown}");
    }
    reason.replace(&scene.root().display().to_string(), "ROOT")
}

#[test]
fn a_chain_of_links_is_only_as_good_as_every_folder_it_passes() {
    let scene = Scene::new();
    let (good, first) = (scene.path("usr/sbin/good"), scene.path("first"));
    write_file(&good, tell_tale(&scene).as_bytes(), 0o755);
    symlink(&good, &first).expect("a link");
    fs::create_dir_all(scene.path("tmp")).expect("a folder");
    scene.chmod("tmp", 0o1777);
    fs::create_dir_all(scene.path(HOOKS)).expect("a folder");
    let hook = scene.path(HOOKS).join("20-a");

    // By way of a folder in which everybody can put a link of that name.
    symlink(&first, scene.path("tmp/second")).expect("a link");
    symlink(scene.path("tmp/second"), &hook).expect("a link");
    assert_eq!(reason(&scene), "not trusted: ROOT/tmp is writable by everybody: chmod o-w");

    // Passing that folder and leaving it again is no better.
    fs::remove_file(&hook).expect("removed");
    symlink("../../../tmp/../first", &hook).expect("a link");
    assert_eq!(reason(&scene), "not trusted: ROOT/tmp is writable by everybody: chmod o-w");

    // By way of a user's link in a folder of root's: who owns a link can't change it.
    fs::remove_file(&hook).expect("removed");
    std::os::unix::fs::lchown(&first, Some(NOBODY), None).expect("lchown");
    symlink("../../../first", &hook).expect("a link");
    scene.ip_up();
    assert!(scene.path("ran").exists(), "{:?}", scene.skipped("20-a"));
}

#[test]
fn a_link_out_of_the_tree_is_judged_where_it_leads() {
    let scene = Scene::new();
    users_folder(&scene, "home/user");
    write_file(&scene.path("home/user/script"), tell_tale(&scene).as_bytes(), 0o755);
    fs::create_dir_all(scene.path(HOOKS)).expect("a folder");
    symlink(scene.path("home/user/script"), scene.path(HOOKS).join("20-a")).expect("a link");
    let expected =
        format!("not trusted: ROOT/home/user belongs to uid {NOBODY}, not to root: chown root");
    assert_eq!(reason(&scene), expected);

    // A hook folder that is itself a link is followed and judged in the same way.
    fs::remove_dir_all(scene.path(HOOKS)).expect("removed");
    fs::rename(scene.path("home/user/script"), scene.path("home/user/20-a")).expect("moved");
    symlink(scene.path("home/user"), scene.path(HOOKS)).expect("a link");
    assert_eq!(reason(&scene), expected);
}

#[test]
fn another_root_is_where_the_judgement_ends_and_links_out_of_it_are_judged_whole() {
    let outer = Scene::new();
    // Everybody may write beside the root, and nobody in it.
    outer.chmod("", 0o1777);
    let inner = outer.path("machine");
    write_file(&inner.join(HOOKS).join("20-a"), tell_tale(&outer).as_bytes(), 0o755);
    let call = || {
        let words = ["from", "boot", "start"];
        crate::call::Call::of(&outer.path("machine")).words(["--root"]).word(&inner).words(words)
    };
    call().run();
    assert!(outer.path("ran").exists());
    fs::remove_file(outer.path("ran")).expect("removed");

    // Out of it, the same folders count.
    write_file(&outer.path("beside"), tell_tale(&outer).as_bytes(), 0o755);
    fs::remove_file(inner.join(HOOKS).join("20-a")).expect("removed");
    symlink(outer.path("beside"), inner.join(HOOKS).join("20-a")).expect("a link");
    call().run();
    assert!(!outer.path("ran").exists(), "it ran");
}

#[test]
fn the_file_beside_a_program_has_to_be_roots_too() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path(HOOKS)).expect("a folder");
    let hook = scene.path(HOOKS).join("20-a");
    fs::copy("/bin/true", &hook).expect("a program");
    write_file(&hook.with_extension("conf"), b"# netcue: user=nobody\n", 0o646);
    assert_eq!(
        reason(&scene),
        "not trusted: ROOT/etc/netcue/hooks.d/20-a.conf is writable by everybody: chmod o-w"
    );
    scene.chmod("etc/netcue/hooks.d/20-a.conf", 0o644);
    scene.ip_up();
    assert_eq!(scene.end_of("20-a")["outcome"], "done");
}

#[test]
fn an_access_control_list_that_lets_somebody_write_counts() {
    let scene = Scene::new();
    scene.hook("20-a", tell_tale(&scene));
    let hook = scene.path(HOOKS).join("20-a").display().to_string();
    run("setfacl", ["-m", "u:nobody:r-x", &hook]);
    scene.ip_up();
    assert!(scene.path("ran").exists(), "who may read it may not change it");
    fs::remove_file(scene.path("ran")).expect("removed");
    run("setfacl", ["-m", "u:nobody:rwx", &hook]);
    // The kernel shows the most that any entry allows as the group's bits.
    assert_eq!(
        reason(&scene),
        "not trusted: ROOT/etc/netcue/hooks.d/20-a is writable by group 0: chmod g-w"
    );
}

#[test]
fn an_empty_file_of_a_users_masks_nothing() {
    let scene = Scene::new();
    scene.hook_in("usr/lib/netcue/hooks.d", "20-a", tell_tale(&scene), 0o755);
    scene.hook("20-a", "");
    chown(scene.path(HOOKS).join("20-a"), Some(NOBODY), None).expect("chown");
    let expected = format!(
        "not trusted: ROOT/etc/netcue/hooks.d/20-a belongs to uid {NOBODY}, not to root: chown root"
    );
    assert_eq!(reason(&scene), expected);
}

#[test]
fn a_hook_replaced_while_it_runs_is_the_new_one_the_next_time() {
    let scene = Scene::new();
    scene.gated_hook("20-a", "echo old");
    let first = scene.calling(IP_UP).spawn();
    scene.begun(1);
    // As packages do it: written aside and renamed in.
    scene.hook_in(HOOKS, "20-a.new", "#!/bin/sh\necho new\n", 0o755);
    fs::rename(scene.path(HOOKS).join("20-a.new"), scene.path(HOOKS).join("20-a"))
        .expect("renamed");
    scene.open();
    first.finish();
    assert_eq!(scene.end_of("20-a")["output"], "old\n");
    scene.ip_up();
    assert_eq!(scene.end_of("20-a")["output"], "new\n");
}

#[test]
fn a_hook_changed_during_a_run_is_checked_again_before_it_starts() {
    let scene = Scene::new();
    scene.gated_hook("10-first", "");
    scene.hook("20-a", tell_tale(&scene));
    let call = scene.calling(IP_UP).spawn();
    scene.begun(1);
    chown(scene.path(HOOKS).join("20-a"), Some(NOBODY), None).expect("chown");
    scene.open();
    call.finish();
    assert!(!scene.path("ran").exists(), "what was checked is not what is there now");
    let end = scene.end_of("20-a");
    assert_eq!(end["outcome"], "not-started");
    let reason = words_of(&end["failed"]);
    assert!(
        reason.ends_with(&format!("belongs to uid {NOBODY}, not to root: chown root")),
        "{reason}"
    );
}

#[test]
fn a_hook_that_is_being_written_is_not_started_and_says_why() {
    let scene = Scene::new();
    scene.hook("20-a", tell_tale(&scene));
    let open = File::options().append(true).open(scene.path(HOOKS).join("20-a")).expect("open");
    scene.ip_up();
    drop(open);
    let end = scene.end_of("20-a");
    assert_eq!(end["outcome"], "not-started");
    assert!(words_of(&end["failed"]).contains("open for writing"), "{end:#}");
    assert_eq!(scene.outcomes(), ["failed"]);
}

/// What a user runs; ended with the scene.
struct User(Child);

impl User {
    fn does(script: &str) -> Self {
        let child = Command::new("setpriv")
            .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv");
        Self(child)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_user_who_swaps_files_and_folders_as_fast_as_possible_never_gets_anything_run() {
    let scene = Scene::new();
    let root = scene.root().display().to_string();
    // What the user wants root to run, and what root would run.
    users_folder(&scene, "theirs");
    write_file(&scene.path("good/script"), b"#!/bin/sh\nexit 0\n", 0o755);
    fs::create_dir_all(scene.path("sticky")).expect("a folder");
    scene.chmod("sticky", 0o1777);
    fs::create_dir_all(scene.path(HOOKS)).expect("a folder");
    for (name, target) in [
        ("20-file", "theirs/swapped"),
        ("30-folder", "theirs/folder/script"),
        ("40-sticky", "sticky/folder/script"),
        ("50-rules", "theirs/../theirs/swapped"),
        ("60-up", "theirs/folder/../good/script"),
    ] {
        symlink(scene.path(target), scene.path(HOOKS).join(name)).expect("a link");
    }
    let user = User::does(&format!(
        "cd {root}/theirs; mkdir evil; printf '#!/bin/sh\\nid -u >>{root}/theirs/pwned\\n' >evil/script\n\
         chmod 755 evil/script; cp -r evil evil2; mkdir good; cp evil/script good/script; touch ready\n\
         while :; do\n\
         ln -sfn {root}/good/script swapped; ln -sfn {root}/theirs/evil/script swapped\n\
         ln -sfn {root}/good folder; ln -sfn {root}/theirs/evil folder\n\
         ln -sfn {root}/good {root}/sticky/folder; ln -sfn {root}/theirs/evil {root}/sticky/folder\n\
         mv evil2 x; mv x evil2\n\
         done"
    ));
    crate::scene::wait_until("the user to begin", || scene.path("theirs/ready").exists());
    for _ in 0..40 {
        scene.ip_up();
        for name in ["20-file", "30-folder", "40-sticky", "50-rules", "60-up"] {
            let reason = scene.skipped(name).expect("a reason");
            let is_known = reason.starts_with("not trusted: ") || reason.starts_with("can't ");
            assert!(is_known, "{name}: {reason}");
        }
    }
    drop(user);
    assert_eq!(scene.text("theirs/pwned"), "");
    let mut marker = File::create(scene.path("theirs/pwned")).expect("the test could have told");
    marker.write_all(b"0\n").expect("written");
}

type Spoil = fn(&Scene);

#[test]
fn what_runs_a_script_is_judged_like_the_script() {
    let scene = Scene::new();
    let root = scene.root().display().to_string();
    let shell = scene.path("opt/shell");
    let ran = format!("touch {root}/ran\n");
    let as_it_should_be = || {
        write_file(&shell, &fs::read("/bin/sh").expect("a shell"), 0o755);
        scene.chmod("opt", 0o755);
    };
    let spoils: [(Spoil, &str); 4] = [
        (
            |scene| chown(scene.path("opt/shell"), Some(NOBODY), None).expect("chown"),
            "ROOT/opt/shell belongs to uid 65534, not to root: chown root",
        ),
        (
            |scene| scene.chmod("opt/shell", 0o757),
            "ROOT/opt/shell is writable by everybody: chmod o-w",
        ),
        (|scene| scene.chmod("opt", 0o777), "ROOT/opt is writable by everybody: chmod o-w"),
        (
            |scene| {
                fs::remove_file(scene.path("opt/shell")).expect("removed");
                scene.chmod("opt", 0o777);
            },
            "ROOT/opt is writable by everybody: chmod o-w",
        ),
    ];
    let script = format!("#!{root}/opt/shell\n:\n");
    write_file(&scene.path("usr/by-script"), script.as_bytes(), 0o755);
    for first in [
        format!("#!{root}/opt/shell"),
        format!("#! {root}/opt/shell -e"),
        format!("#!/usr/bin/env {root}/opt/shell"),
        format!("#!/usr/bin/env -S A=1 {root}/opt/shell -e"),
        format!("#!{root}/usr/by-script"),
    ] {
        for (spoil, said) in &spoils {
            let _ = fs::remove_file(&shell);
            as_it_should_be();
            scene.hook("20-a", format!("{first}\n{ran}"));
            spoil(&scene);
            assert_eq!(reason(&scene), format!("not trusted: {said}"), "{first}");
        }
    }
    for first in ["#!/usr/bin/env -i sh", "#!/usr/bin/env -S PATH=/tmp sh"] {
        scene.hook("20-a", format!("{first}\n{ran}"));
        let why = reason(&scene);
        assert!(why.starts_with("not trusted: nobody can tell which program"), "{why}");
    }
    let _ = fs::remove_file(&shell);
    as_it_should_be();
    for first in [format!("#!{root}/opt/shell"), "#!/usr/bin/env sh".to_owned()] {
        scene.hook("20-a", format!("{first}\n{ran}"));
        scene.ip_up();
        fs::remove_file(scene.path("ran")).expect(&first);
    }
}

#[test]
fn a_configuration_that_somebody_else_could_change_gives_way_to_the_last_good_one() {
    let scene = Scene::new();
    scene.config("[hooks]\ntimeout = 2\n");
    scene.hook("20-a", "#!/bin/sh\nexec sleep 5\n");
    scene.ip_up();
    assert_eq!(scene.end_of("20-a")["outcome"], "timed-out");
    let conf = "etc/netcue/netcue.conf";
    scene.config("[hooks]\ntimeout = 60\n");
    scene.chmod(conf, 0o666);
    let said = "the configuration is not trusted: ROOT/etc/netcue/netcue.conf is writable by \
                everybody: chmod o-w";
    scene.calling(IP_UP).stderr_has(said).run();
    assert_eq!(scene.end_of("20-a")["outcome"], "timed-out", "the last good one held");
    scene.netcue(["check"]).status(78).stderr_has(said).run();
    scene.netcue(["doctor"]).any_status().stdout_has("configuration").run();
    chown(scene.path(conf), Some(NOBODY), None).expect("chown");
    scene.chmod(conf, 0o644);
    let said = "ROOT/etc/netcue/netcue.conf belongs to uid 65534, not to root: chown root";
    scene.netcue(["check"]).status(78).stderr_has(said).run();
}
