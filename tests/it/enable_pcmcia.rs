//! PCMCIA cards switched on and off: the functions in network.opts, and the link in the
//! place of ipmasq.

use std::fs;
use std::path::Path;

use crate::scene::{Scene, run};

const NETWORK_OPTS: &str = "\
case \"$ADDRESS\" in
home,*)
    IPADDR=\"192.168.7.4\"
    start_fn () { return; }
    stop_fn () { return; }
    ;;
work,*)
    start_fn () { mount /work; }
    ;;
asked,*)
    ;;
wanted,*)
    IPMASQ=y
    ;;
# As the administrator has it.
*,*,*,*)
    DHCP=\"y\"
    IPMASQ=\"n\"
    ;;
esac
";

#[test]
fn each_card_block_gets_the_functions_unless_it_has_its_own() {
    let scene = Scene::installed();
    scene.put("etc/pcmcia/network.opts", NETWORK_OPTS);
    let before = scene.tree();
    scene
        .netcue(["enable", "pcmcia", "--edit", "/etc/pcmcia/network.opts"])
        .status(1)
        .stdout(
            "pcmcia: /etc/pcmcia/network.opts:6: the block that ends here sets no IPMASQ and gets \
             IPMASQ=\"n\": make it \"y\" for a card that netcue is to hear of\n\
             pcmcia: /etc/pcmcia/network.opts:11: the block that ends here sets no IPMASQ and gets \
             IPMASQ=\"n\": make it \"y\" for a card that netcue is to hear of\n\
             pcmcia: /etc/pcmcia/network.opts:13: IPMASQ=y stays, and counts\n\
             pcmcia: /etc/pcmcia/network.opts:18: IPMASQ=\"n\" stays, and counts\n\
             pcmcia: wrote /etc/pcmcia/network.opts\n\
             pcmcia: linked /usr/sbin/ipmasq -> /usr/sbin/netcue\n\
             pcmcia: wrote /etc/netcue/enabled/pcmcia\n",
        )
        .stderr(
            "netcue: pcmcia: not done: /etc/pcmcia/network.opts:8: this block has such a function \
             of its own: call netcue in it, as the lines that \"netcue enable pcmcia\" prints do\n",
        )
        .run();
    let file = scene.path("etc/pcmcia/network.opts");
    // What cardmgr's script does with the file, and with which words netcue is then called.
    let start = |address: &str| {
        let script = format!(
            "ADDRESS={address}; . {}; netcue_card() {{ echo \"netcue $* $IPMASQ\"; }}; \
             mount() {{ echo \"mount $*\"; }}; start_fn eth0",
            file.display()
        );
        run("sh", ["-eu", "-c", &script])
    };
    assert_eq!(start("home,0,0,1"), "netcue start eth0 n\n");
    assert_eq!(start("asked,0,0,1"), "netcue start eth0 n\n");
    assert_eq!(start("wanted,0,0,1"), "netcue start eth0 y\n");
    assert_eq!(start("other,0,0,1"), "netcue start eth0 n\n");
    assert_eq!(start("work,0,0,1"), "mount /work\n");
    scene.netcue("disable pcmcia --edit /etc/pcmcia/network.opts".split(' ')).any_stdout().run();
    assert_eq!(scene.tree(), before);
}

/// Between the markers, too, a value is somebody's choice.
#[test]
fn what_was_chosen_for_a_card_outlives_another_edit() {
    let scene = Scene::installed();
    scene.put("etc/pcmcia/network.opts", "case $ADDRESS in\n*)\n    ;;\nesac\n");
    let edit = ["enable", "pcmcia", "--edit", "/etc/pcmcia/network.opts"];
    scene.netcue(edit).any_stdout().run();
    let text = scene.text("etc/pcmcia/network.opts");
    assert!(text.contains("\nIPMASQ=\"n\"\n"), "{text}");
    scene.put("etc/pcmcia/network.opts", &text.replace("IPMASQ=\"n\"", "IPMASQ=\"y\""));
    scene.netcue(edit).any_stdout().run();
    let text = scene.text("etc/pcmcia/network.opts");
    assert!(text.contains("\nIPMASQ=\"y\"\n"), "{text}");
}

/// Debian's file ended so: cards without settings of their own were ifupdown's.
#[test]
fn functions_that_take_the_place_of_those_in_the_blocks_are_named() {
    let scene = Scene::installed();
    scene.put(
        "etc/pcmcia/network.opts",
        "case $ADDRESS in\n*)\n    ;;\nesac\nif [ -z \"$DHCP\" ]; then\n    start_fn () {\n\
         \tifup $1\n    }\nfi\n",
    );
    let anew =
        "/etc/pcmcia/network.opts:6: after the blocks, start_fn and stop_fn are defined anew";
    let edit = ["enable", "pcmcia", "--edit", "/etc/pcmcia/network.opts"];
    scene.netcue(edit).status(1).any_stdout().stderr_has(anew).run();
    let anew = anew.replace(":6:", ":25:");
    for command in ["sources", "doctor"] {
        let told = scene.netcue([command]).any_status().any_stdout().run().stdout;
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&anew), "{told}");
    }
}

/// Comments of those days are in Latin-1 as a rule.
#[test]
fn a_file_in_another_encoding_is_left_as_it_is() {
    let scene = Scene::installed();
    scene.put("etc/pcmcia/network.opts", "");
    let file = scene.path("etc/pcmcia/network.opts");
    let latin1 = [b"# B\xfcro\n", NETWORK_OPTS.as_bytes()].concat();
    fs::write(&file, &latin1).expect("a file");
    scene
        .netcue(["enable", "pcmcia", "--edit", "/etc/pcmcia/network.opts"])
        .status(1)
        .any_stdout()
        .stderr(
            "netcue: pcmcia: not done: /etc/pcmcia/network.opts: invalid utf-8 sequence of 1 bytes \
             from index 3: edit it by hand\n",
        )
        .run();
    assert_eq!(fs::read(&file).expect("a file"), latin1);
}

/// The package's own link to itself is not ours to remove.
#[test]
fn a_program_called_ipmasq_stays() {
    let scene = Scene::installed();
    scene.link("usr/sbin/ipmasq", "netcue");
    scene.netcue(["disable", "pcmcia"]).any_stdout().run();
    assert_eq!(fs::read_link(scene.path("usr/sbin/ipmasq")).unwrap(), Path::new("netcue"));
}
