//! What `doctor` finds in folders of other dispatchers that netcue is told to run as well.

use crate::doctor::{healthy, wonders};
use crate::scene::script;

#[test]
fn what_would_be_run_twice_is_found() {
    let scene = healthy();
    let table = |not_from: &str| {
        scene.config(&format!(
            "[[adopt]]\nfolder = \"/etc/network/if-up.d\"\nprofile = \"ifupdown\"\n\
             not-from = [{not_from}]\n"
        ));
    };
    scene.hook_in("etc/network/if-up.d", "postfix", script(":"), 0o755);
    table("");
    let nothing: &[&str] = &[];
    wonders(&scene, nothing);
    scene.hook_in("usr/lib/ifupdown", "wait-online.sh", script(":"), 0o755);
    scene.hook_in("etc/NetworkManager/dispatcher.d", "01-ifupdown", script(":"), 0o755);
    scene.hook_in("usr/sbin", "NetworkManager", script(":"), 0o755);
    scene.link("etc/netcue/hooks.d/60-postfix", scene.path("etc/network/if-up.d/postfix"));
    table("\"ifupdwn\"");
    let found = scene.netcue(["doctor"]).any_status().any_stdout().run().stdout;
    let found = found.replace(&scene.root().display().to_string(), "");
    let plain = found.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "not-from of /etc/network/if-up.d names ifupdwn, and there is no such source",
        "what is in /etc/network/if-up.d is run twice for links of ifupdown: something else runs it, too",
        "what is in /etc/network/if-up.d is run twice for links of networkmanager: something else runs",
        "/etc/network/if-up.d/postfix and /etc/netcue/hooks.d/60-postfix are one file, and both are run",
    ] {
        assert!(plain.contains(line), "{line:?} is not in {found}");
    }
    table("\"ifupdown\", \"networkmanager\"");
    std::fs::remove_file(scene.path("etc/netcue/hooks.d/60-postfix")).expect("removed");
    std::fs::remove_dir_all(scene.path("etc/network")).expect("removed");
    let found = scene.netcue(["doctor"]).any_status().any_stdout().run().stdout;
    assert!(found.contains("there is no /etc/network/if-up.d"), "{found}");
    assert!(!found.contains("twice"), "{found}");
}
