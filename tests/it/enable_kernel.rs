//! The kernel switched on and off as a source: the units by which netcue hears it.

use std::path::Path;

use crate::configure::at_a_terminal;
use crate::scene::Scene;

/// The units and the init script, as they are shipped.
fn with_watch(scene: &Scene) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/kernel");
    for unit in ["netcue-watch.socket", "netcue-watch.service"] {
        let text = std::fs::read_to_string(shipped.join(unit)).expect("a unit");
        scene.put(&format!("usr/lib/systemd/system/{unit}"), &text);
    }
    std::fs::create_dir_all(scene.path("etc/systemd/system")).expect("a folder");
    std::os::unix::fs::symlink("/lib/systemd/systemd", scene.path("usr/sbin/init"))
        .expect("a link");
}

#[test]
fn the_units_are_enabled_and_disabled_without_a_trace() {
    let scene = Scene::installed();
    with_watch(&scene);
    scene.there_and_back("enable kernel", "disable kernel");
    scene.netcue(["enable", "kernel"]).any_stdout().run();
    for link in
        ["sockets.target.wants/netcue-watch.socket", "multi-user.target.wants/netcue-watch.service"]
    {
        assert!(scene.path("etc/systemd/system").join(link).is_symlink(), "{link}");
    }
}

#[test]
fn whoever_is_asked_is_proposed_to_listen_until_that_was_refused() {
    let scene = Scene::installed();
    std::fs::remove_dir(scene.path("etc/netcue/enabled")).expect("a fresh machine");
    scene.gateway();
    with_watch(&scene);
    let question =
        "though nobody calls: an address\nby hand, a pulled cable, a flush of the rules?";
    let link = scene.path("etc/systemd/system/sockets.target.wants/netcue-watch.socket");
    let (status, seen) = at_a_terminal(&scene, &["configure"], "\n\n\n");
    assert_eq!(status, Some(0), "{seen}");
    assert!(seen.contains(&format!("{question} [yes]: ")), "{seen}");
    assert!(link.is_symlink());
    scene.netcue(["configure", "--kernel", "no"]).any_stdout().run();
    assert!(!link.is_symlink());
    let (_, seen) = at_a_terminal(&scene, &["configure"], "\n\n\n");
    assert!(seen.contains(&format!("{question} [no]: ")), "{seen}");
    assert!(!link.is_symlink());
}

/// As the package does it: with systemd at work, nothing is started all the same.
#[test]
fn what_is_enabled_for_the_next_start_is_not_started_now() {
    let scene = Scene::installed_on_this_machine();
    scene.lay_over("/usr/lib/systemd").lay_over("/usr/sbin");
    let _ = std::fs::remove_file("/usr/sbin/init");
    with_watch(&scene);
    std::fs::create_dir_all("/run/systemd/system").expect("a folder");
    let plan = |words: &[&str]| {
        let words = ["configure", "--kernel", "yes", "--dry-run"].iter().chain(words);
        scene.netcue(words).any_stdout().run().stdout
    };
    assert!(plan(&[]).contains("would run /usr/bin/systemctl start netcue-watch.socket"));
    let later = plan(&["--no-start"]);
    assert!(later.contains("would link") && !later.contains("would run"), "{later}");
}

#[test]
fn a_machine_that_has_the_units_and_does_not_use_them_is_told_so() {
    let scene = Scene::installed();
    with_watch(&scene);
    scene.netcue(["enable"]).stdout_has("netcue enable kernel\n").run();
    scene.netcue(["enable", "kernel"]).any_stdout().run();
    scene.netcue(["enable"]).stdout("whatever is on this machine calls netcue already\n").run();
}

#[test]
fn where_no_unit_and_no_script_is_installed_it_is_said_what_to_do() {
    let scene = Scene::installed();
    scene.netcue(["enable", "kernel"]).stdout_has("keep \"netcue watch\" running").run();
}

#[test]
fn while_the_source_is_off_the_watch_does_nothing() {
    let scene = Scene::installed();
    scene.gateway();
    let mut watch = scene.netcue(["watch"]).env("NOTIFY_SOCKET", "/nowhere").status(143).spawn();
    crate::scene::wait_until("it to watch", || scene.path("run/netcue/watch.lock").exists());
    scene.ip("addr add 192.168.20.1/24 dev lan");
    scene.netcue(["watch"]).status(75).stderr_has("another netcue watches already").run();
    assert!(!watch.has_ended());
    assert!(!scene.rules().contains("netcue"));
    assert_eq!(scene.records("accepted").len(), 0);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(watch.pid()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .expect("a process");
    watch.finish();
}
