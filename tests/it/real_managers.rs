//! `NetworkManager` itself, with a bus of its own, set to call by `netcue enable`: what it tells
//! of a connection that is made, lost and made again, against what the kernel has.

use std::fs;

use nix::mount::{MsFlags, mount};

use crate::real_callers::{cidr, daemon, dhcp_server, in_the_kernel, last, told, with_a_cable};
use crate::scene::{Scene, run, wait_until};
use crate::server::Server;

/// What NetworkManager has told of vB: its triggers.
fn told_of_the_cable(scene: &Scene) -> Vec<String> {
    let told = told(scene, "networkmanager");
    let of_it = told.iter().filter(|event| event["interface"] == "vB");
    of_it.map(|event| event["trigger"].as_str().expect("a trigger").to_owned()).collect()
}

fn is_last_told(scene: &Scene, trigger: &str) -> bool {
    told_of_the_cable(scene).last().is_some_and(|last| last == trigger)
}

/// NetworkManager and its bus, which see nothing of this machine's devices but the cable.
fn networkmanager() -> [Server; 2] {
    let none: Option<&str> = None;
    // Where sysfs can't be written, it does not wait for udev.
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::MS_RDONLY, none).expect("sysfs");
    mount(Some("tmpfs"), "/var/lib/NetworkManager", Some("tmpfs"), MsFlags::empty(), none)
        .expect("a tmpfs");
    fs::create_dir_all("/run/dbus").expect("a folder");
    fs::write(
        "/etc/NetworkManager/NetworkManager.conf",
        "[main]\nplugins=keyfile\ndhcp=internal\ndns=none\nno-auto-default=*\n\
         [keyfile]\nunmanaged-devices=interface-name:vA\n",
    )
    .expect("settings");
    let bus = daemon("dbus-daemon", &["--system", "--nofork", "--nopidfile"]);
    wait_until("the bus", || fs::exists("/run/dbus/system_bus_socket").expect("a folder"));
    let manager = Server::start("/run/manager.log", "NetworkManager", &["--no-daemon"]);
    wait_until("NetworkManager", || {
        let said = std::process::Command::new("nmcli").args(["-t", "device"]).output();
        String::from_utf8_lossy(&said.expect("nmcli").stdout).contains("vB:")
    });
    [bus, manager]
}

#[test]
fn networkmanager_tells_of_a_connection_that_is_made_lost_and_made_again() {
    let scene = with_a_cable(&["networkmanager"]);
    let _server = dhcp_server();
    let _daemons = networkmanager();
    run("nmcli", ["device", "set", "vB", "managed", "yes"]);
    let connection = "connection add type ethernet ifname vB con-name cable ipv4.method auto \
                      ipv6.method ignore autoconnect no";
    run("nmcli", connection.split_whitespace());
    run("nmcli", ["connection", "up", "cable"]);
    wait_until("up", || is_last_told(&scene, "up"));
    let up = last(&scene, "networkmanager", "up");
    assert_eq!(Some(cidr(&up)), in_the_kernel("-4"), "{up:#}");
    assert_eq!(up["gateway"], "10.77.0.1");
    assert_eq!(up["facts_complete"], true);
    assert_eq!(up["details"]["connection_id"], "cable");

    run("nmcli", ["connection", "down", "cable"]);
    wait_until("down", || is_last_told(&scene, "down"));
    assert_eq!(in_the_kernel("-4"), None);
    run("nmcli", ["connection", "up", "cable"]);
    wait_until("up again", || is_last_told(&scene, "up"));

    // The far end is pulled out.
    scene.ip("link set vA down");
    wait_until("the loss to be told", || is_last_told(&scene, "down"));
    let once = ["dhcp4-change", "pre-up", "up"];
    let told = told_of_the_cable(&scene);
    assert_eq!(told, [&once[..], &["pre-down", "down"], &once, &["down"]].concat());
    last(&scene, "networkmanager", "down");
    assert!(scene.records("refused").is_empty(), "{:#?}", scene.records("refused"));
}
