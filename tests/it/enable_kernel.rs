//! The kernel switched on and off as a source: the units by which netcue hears it.

use std::path::Path;

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
