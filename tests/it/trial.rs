//! A configuration on trial: kept where somebody confirms it, and gone where nobody does.

use crate::gateway::Street;
use crate::scene::wait_until;

const TRIED: &str = "[rules]\nmasquerade = false\n";

/// A gateway whose configuration was changed, and is on trial for that many seconds.
fn on_trial(seconds: &str) -> Street {
    let street = Street::new();
    street.event();
    assert!(masquerades(&street));
    street.scene.config(TRIED);
    let call = street.scene.netcue(["rules", "apply", "--confirm", seconds]);
    let told = call.any_stdout().any_stderr().run().stdout;
    assert!(told.contains("netcue rules confirm"), "{told}");
    street
}

fn masquerades(street: &Street) -> bool {
    street.scene.nft("list table inet netcue").contains("masquerade")
}

fn doctor(street: &Street) -> String {
    street.scene.netcue(["doctor"]).any_status().any_stdout().any_stderr().run().stdout
}

#[test]
fn what_nobody_confirms_goes_without_an_event() {
    let street = on_trial("2");
    assert!(!masquerades(&street), "it holds at first");
    wait_until("the former rules", || masquerades(&street));
    assert!(doctor(&street).contains("was on trial and not confirmed"), "{}", doctor(&street));
    street.scene.netcue(["rules", "confirm"]).status(1).any_stderr().run();
    let words = "from ppp ip-up wan /dev/ttyS0 115200 198.51.100.2 198.51.100.1";
    street.scene.netcue(words.split(' ')).any_stderr().run();
    assert!(masquerades(&street), "events leave it at that");
    // Whatever else is written is no longer on trial.
    street.scene.config("[rules]\nmasquerade = false\nclamp-mss = false\n");
    street.event();
    assert!(!masquerades(&street));
}

#[test]
fn what_is_confirmed_stays() {
    let street = on_trial("60");
    let told = street.scene.netcue(["rules", "confirm"]).any_stdout().run().stdout;
    assert!(told.contains("confirmed"), "{told}");
    street.event();
    assert!(!masquerades(&street));
    assert!(!doctor(&street).contains("trial"), "{}", doctor(&street));
    street.scene.netcue(["rules", "confirm"]).status(1).any_stderr().run();
    let call = street.scene.netcue(["rules", "apply", "--confirm", "60"]);
    let told = call.any_stdout().run().stdout;
    assert!(told.contains("nothing to confirm"), "{told}");
}

#[test]
fn another_boot_ends_a_trial() {
    let street = on_trial("3600");
    assert!(!masquerades(&street));
    let note = street.scene.path("var/lib/netcue/trial.json");
    let mut trial: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&note).expect("a note")).expect("JSON");
    trial["boot"] = "another".into();
    std::fs::write(&note, trial.to_string()).expect("written");
    let words = "from ppp ip-up wan /dev/ttyS0 115200 198.51.100.2 198.51.100.1";
    let ran = street.scene.netcue(words.split(' ')).any_stderr().run();
    assert!(ran.stderr.contains("was on trial and not confirmed"), "{ran:?}");
    assert!(masquerades(&street));
}

#[test]
fn what_can_t_be_used_is_not_tried() {
    let street = Street::new();
    street.event();
    street.scene.config("[rules]\nmasqerade = false\n");
    let call = street.scene.netcue(["rules", "apply", "--confirm", "60"]).status(78);
    let ran = call.any_stderr().run();
    assert!(ran.stderr.contains("did you mean"), "{ran:?}");
    assert!(!street.scene.path("var/lib/netcue/trial.json").exists());
}
