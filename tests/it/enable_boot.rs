//! The boot event switched on and off: the stage that was chosen, and the units or init
//! scripts that follow it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::scene::{Scene, run};

#[test]
fn the_choice_of_a_stage_is_written_down_and_followed_by_the_units() {
    let scene = Scene::installed();
    scene.with_units();
    scene
        .netcue("enable boot --stage services --pre-network".split(' '))
        .stdout(
            "boot: wrote /etc/default/netcue\n\
             boot: linked /etc/systemd/system/sysinit.target.wants/netcue-boot-pre-network.service \
             -> /usr/lib/systemd/system/netcue-boot-pre-network.service\n\
             boot: linked /etc/systemd/system/multi-user.target.wants/netcue-boot-services.service \
             -> /usr/lib/systemd/system/netcue-boot-services.service\n\
             boot: wrote /etc/netcue/enabled/boot\n",
        )
        .run();
    let defaults = scene.text("etc/default/netcue");
    assert!(defaults.contains("\nBOOT=\"services\"\n"), "{defaults}");
    assert!(defaults.contains("\nPRE_NETWORK=\"yes\"\n"), "{defaults}");
    scene
        .netcue("enable boot --stage filesystems --pre-network=no".split(' '))
        .stdout(
            "boot: wrote /etc/default/netcue\n\
             boot: removed the link \
             /etc/systemd/system/sysinit.target.wants/netcue-boot-pre-network.service\n\
             boot: linked \
             /etc/systemd/system/multi-user.target.wants/netcue-boot-filesystems.service -> \
             /usr/lib/systemd/system/netcue-boot-filesystems.service\n\
             boot: removed the link \
             /etc/systemd/system/multi-user.target.wants/netcue-boot-services.service\n\
             boot: already so: /etc/netcue/enabled/boot is there\n",
        )
        .run();
    assert_eq!(scene.names_in("etc/systemd/system"), ["multi-user.target.wants"]);
}

#[test]
fn another_stage_keeps_what_was_chosen_for_before_the_network() {
    let scene = Scene::installed();
    scene.with_units();
    scene.netcue("enable boot --stage services --pre-network".split(' ')).any_stdout().run();
    scene.netcue("enable boot --stage interfaces".split(' ')).any_stdout().run();
    let defaults = scene.text("etc/default/netcue");
    assert!(defaults.contains("\nBOOT=\"interfaces\"\n"), "{defaults}");
    assert!(defaults.contains("\nPRE_NETWORK=\"yes\"\n"), "{defaults}");
    let kept = "etc/systemd/system/sysinit.target.wants/netcue-boot-pre-network.service";
    assert!(scene.path(kept).is_symlink());
    scene.netcue("enable boot --pre-network=no".split(' ')).any_stdout().run();
    assert!(!scene.path(kept).is_symlink());
    let defaults = scene.text("etc/default/netcue");
    assert!(defaults.contains("\nBOOT=\"interfaces\"\n"), "{defaults}");
}

#[test]
fn with_diald_an_early_boot_event_is_advised_against() {
    let scene = Scene::installed();
    scene.put("usr/sbin/diald", "");
    scene.netcue("enable boot".split(' ')).any_stdout().run();
    let defaults = scene.text("etc/default/netcue");
    assert!(defaults.contains("\nBOOT=\"services\"\n"), "{defaults}");
    let early = scene.netcue("enable boot --stage interfaces".split(' ')).any_stdout().run();
    assert!(early.stdout.contains("boot: with diald the boot event should be off"), "{early:?}");
}

/// A machine that System V init starts: an init script each, as far as insserv reads it, and
/// no link from init to systemd.
fn start_by_system_v() -> Scene {
    let scene = Scene::installed_on_this_machine();
    scene.lay_over("/usr/sbin");
    run("rm", ["-f", "/usr/sbin/init", "/sbin/init"]);
    for (name, levels) in
        [("netcue", "2 3 4 5"), ("netcue-early", "S"), ("netcue-pre-network", "S")]
    {
        let text = format!(
            "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n# Required-Start:\n\
             # Required-Stop:\n# Default-Start: {levels}\n# Default-Stop:\n\
             # Short-Description: {name}\n### END INIT INFO\n"
        );
        let script = Path::new("/etc/init.d").join(name);
        fs::create_dir_all("/etc/init.d").expect("a folder");
        fs::write(&script, text).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("chmod");
    }
    scene
}

#[test]
fn under_system_v_init_the_scripts_follow_the_choice() {
    let scene = start_by_system_v();
    let started = || {
        let mut started = Vec::new();
        for folder in ["etc/rc2.d", "etc/rcS.d"] {
            let names = scene.names_in(folder).into_iter();
            started.extend(names.filter(|name| name.starts_with('S') && name.contains("netcue")));
        }
        let bare = |name: String| name.trim_start_matches(['S', '0', '1', '2', '3']).to_owned();
        started.into_iter().map(bare).collect::<Vec<_>>()
    };
    for (call, expected) in [
        ("enable boot --stage services", &["netcue"][..]),
        ("enable boot --stage filesystems", &["netcue-early"]),
        ("enable boot --stage services --pre-network", &["netcue", "netcue-pre-network"]),
        ("disable boot", &[]),
    ] {
        let ran = scene.netcue(call.split(' ')).any_stdout().run();
        assert_eq!(started(), expected, "{ran:?}");
        assert!(ran.stdout.contains("boot: ran /usr/sbin/update-rc.d netcue "), "{ran:?}");
        let again = scene.netcue(call.split(' ')).any_stdout().run();
        assert!(!again.stdout.contains("boot: ran "), "{again:?}");
    }
}
