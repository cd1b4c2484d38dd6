//! `replay` and `capture`: an event again, here, in a sandbox, and from an archive.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::scene::{Scene, run, text_of, wait_until, write_file};

/// A gateway whose public addresses and visitors nobody else should see, after a link came up.
pub(crate) fn incident() -> Scene {
    let scene = Scene::new();
    scene.gateway();
    scene.ip("address add 81.2.69.142/24 dev wan");
    scene.ip("address add 2a01:4f8:7:1:2aa:bbff:fecc:ddee/64 dev wan nodad");
    scene.ip("route add 81.2.70.0/24 via 81.2.69.1");
    scene.hook(
        "70-talks",
        "#!/bin/sh\n# netcue: timeout=9s\n# hunter1\necho hunter2 \"$NETCUE_INTERFACE\"\n",
    );
    // Every interface that is up gets an address of its own a moment later.
    wait_until("link-local addresses", || {
        let of = |words: &str| scene.ip(words).lines().count();
        of("-6 -o address show scope link") == of("-o link show up") - of("-o link show dev lo")
    });
    scene
        .calling("ppp ip-up wan /dev/ttyS0 115200 81.2.69.142 81.2.69.1 geheim-tarif akte-4711")
        .env("PEERNAME", "carol")
        .env("MACREMOTE", "00:AA:BB:CC:DD:EE")
        .run();
    scene
}

pub(crate) fn last_id(scene: &Scene) -> String {
    text_of(&scene.records("accepted").last().expect("an event")["event_id"])
}

pub(crate) fn rules_of(scene: &Scene) -> String {
    scene.netcue(["rules", "show"]).any_stdout().run().stdout
}

#[test]
fn a_replay_is_the_same_event_marked_as_one() {
    let scene = incident();
    let id = last_id(&scene);
    scene.netcue(["replay", "last"]).stdout("ID handled\n").run();
    let events = scene.records("accepted");
    let [first, second] = events.as_slice() else { panic!("{events:#?}") };
    let (mut expected, mut again) = (first["event"].clone(), second["event"].clone());
    assert_ne!(again["id"], expected["id"]);
    assert_eq!(again["details"]["replay_of"], id);
    for event in [&mut expected, &mut again] {
        for stamp in ["id", "time", "boottime_ns"] {
            event[stamp] = Value::Null;
        }
        event["details"].as_object_mut().expect("details").remove("replay_of");
    }
    assert_eq!(again, expected);
    assert_eq!(scene.outcomes(), ["done", "done"]);
    scene.netcue(["replay", "nosuch"]).status(1).stderr_has("no event \"nosuch\"").run();
}

/// The digests that runs refer to, in order.
fn met(scene: &Scene) -> Vec<String> {
    scene.records("run-begin").iter().map(|run| text_of(&run["state"])).collect()
}

pub(crate) fn emit(scene: &Scene) {
    scene.netcue(["emit"]).any_stdout().run();
}

#[test]
fn the_state_is_recorded_once_until_it_changes() {
    let scene = incident();
    emit(&scene);
    emit(&scene);
    let same = met(&scene);
    assert_eq!(same[same.len() - 1], same[same.len() - 2]);
    assert_eq!(scene.records("state").len(), 1);
    assert_eq!(scene.records("state-change").len(), 0);
    scene.ip("address add 192.168.9.1/24 dev lan");
    emit(&scene);
    emit(&scene);
    assert_eq!(scene.records("state").len(), 1);
    let changes = scene.records("state-change");
    let [change] = changes.as_slice() else { panic!("{changes:#?}") };
    assert_eq!(change["base"], same[0]);
    assert_eq!(met(&scene).last(), Some(&text_of(&change["digest"])));
    assert!(change["change"].to_string().contains("192.168.9.1"));
    assert!(!change["change"].to_string().contains("81.2.69"), "{change}");
}

#[test]
fn a_rotated_journal_still_has_the_state_of_its_runs() {
    let scene = incident();
    scene.ip("address add 192.168.9.1/24 dev lan");
    emit(&scene);
    assert_eq!(scene.records("state-change").len(), 1);
    fs::remove_file(scene.path("var/log/netcue/journal.jsonl")).expect("the journal");
    emit(&scene);
    assert_eq!(scene.records("state").len(), 1);
}

#[test]
fn what_was_recorded_whole_is_told_anew_when_its_memory_is_spoilt() {
    let scene = incident();
    for (file, spoilt) in [("met-whole.json", "{}"), ("met-whole.json", "x"), ("met.json", "x")] {
        let wholes = scene.records("state").len();
        fs::write(scene.path("run/netcue").join(file), spoilt).expect("written");
        scene.ip(&format!("address add 192.168.{}.1/24 dev lan", wholes + 20));
        emit(&scene);
        assert_eq!(scene.records("state").len(), wholes + 1, "{file} {spoilt}");
    }
    assert_eq!(scene.records("state-change").len(), 0);
}

#[test]
fn a_large_network_is_recorded_once_and_then_by_its_changes() {
    let scene = incident();
    let batch = scene.path("batch");
    let many = (1..1200).map(|n| format!("address add 10.{}.{}.1/24 dev lan", n / 250, n % 250));
    let many = many.collect::<Vec<_>>().join("\n");
    fs::write(&batch, many).expect("written");
    run("ip", ["-batch", &batch.display().to_string()]);
    emit(&scene);
    let wholes = scene.records("state");
    assert_eq!(wholes.len(), 2);
    assert!(wholes[1].to_string().len() > 150_000);
    let (before, rules) = (last_id(&scene), rules_of(&scene));
    scene.ip("address del 10.2.7.1/24 dev lan");
    scene.ip("link add extra type veth peer name far");
    emit(&scene);
    let changes = scene.records("state-change");
    assert_eq!(changes.len(), 1);
    assert!(changes[0].to_string().len() < 2000, "{}", changes[0]);
    let (after, others) = (last_id(&scene), rules_of(&scene));
    assert_ne!(rules, others);
    for (id, rules) in [(before, rules), (after, others)] {
        let shown =
            scene.netcue(["replay", &id, "--sandbox"]).any_stdout().stderr_has("").run().stdout;
        let (_, made) = shown.split_once("\nrules:\n").expect("rules in force");
        assert!(made == rules, "{made}\n{rules}");
    }
}

#[test]
fn what_has_no_state_on_record_has_no_sandbox() {
    let scene = Scene::new();
    scene.calling("diald connect").run();
    scene
        .netcue(["replay", "last", "--sandbox"])
        .status(1)
        .stderr_has("no state of the kernel is on record")
        .run();
}

/// The files of an archive, by tar(1): name without folder, and text.
fn unpacked(archive: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.tar");
    write_file(&path, archive.as_bytes(), 0o644);
    let path = path.display().to_string();
    let names = run("tar", ["--list", "--file", &path]);
    let text = |name: &str| run("tar", ["--extract", "--to-stdout", "--file", &path, name]);
    let short = |name: &str| name.rsplit('/').next().expect("a name").to_owned();
    names.lines().map(|name| (short(name), text(name))).collect()
}

#[test]
fn an_archive_holds_what_is_needed_and_nothing_private() {
    let scene = incident();
    let archive = scene.netcue(["capture", "last"]).any_stdout().run().stdout;
    let files = unpacked(&archive);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "README",
        "event.json",
        "records.jsonl",
        "state.json",
        "rules.nft",
        "hooks.json",
        "versions.json",
    ];
    assert_eq!(names, expected);
    for secret in [
        "81.2.69", "81.2.70", "2a01:", "ddee", "DD:EE", "carol", "geheim", "hunter", "030555",
        "akte",
    ] {
        assert!(!archive.contains(secret), "{secret}");
    }
    let text = |wanted: &str| &files.iter().find(|(name, _)| name == wanted).expect("a file").1;
    let event: Value = serde_json::from_str(text("event.json")).expect("JSON");
    assert_eq!(event["local"], "192.0.2.142");
    assert_eq!(event["remote"], "192.0.2.1");
    assert!(text("state.json").contains("192.0.2.142"));
    assert!(text("hooks.json").contains("# netcue: timeout=9s"));
    for kept in ["README", "rules.nft"] {
        assert!(!text(kept).is_empty(), "{kept}");
    }
}

#[test]
fn the_configuration_goes_along_without_its_comments() {
    let scene = incident();
    scene.config("# the phone is 030555\n[rules]\nmasquerade = false # Carol wants it\n");
    let archive = scene.netcue(["capture", "last"]).any_stdout().run().stdout;
    let files = unpacked(&archive);
    let (_, config) = files.iter().find(|(name, _)| name == "netcue.conf").expect("a file");
    assert_eq!(config, "[rules]\nmasquerade = false\n");
    assert!(!archive.contains("Carol") && !archive.contains("030555"));
}

#[test]
fn an_archive_can_be_replayed_where_nothing_is_known() {
    let scene = incident();
    scene.config("[rules]\nclamp-mss = false\n");
    let id = last_id(&scene);
    let archive = scene.netcue(["capture", &id]).any_stdout().run().stdout;
    let files = unpacked(&archive);
    let (_, rules) = files.iter().find(|(name, _)| name == "rules.nft").expect("a file");

    let laptop = Scene::new();
    let file = laptop.path("incident.tar");
    write_file(&file, archive.as_bytes(), 0o644);
    for folder in ["run", "var/log"] {
        fs::create_dir_all(laptop.path(folder)).expect("a folder");
    }
    let words = |more: &[&str]| laptop.netcue(["replay"]).word(&file).words(more);
    words(&[]).status(64).stderr_has("replay it with --sandbox").run();
    let shown = words(&["--sandbox"]).any_stdout().stderr_has("").run().stdout;
    assert!(shown.starts_with(&format!("replay of {id}: handled\n")), "{shown}");
    let (_, made) = shown.split_once("\nrules:\n").expect("rules in force");
    assert_eq!(made, rules);
    assert_eq!(laptop.journal(), Vec::<Value>::new());

    write_file(&file, &archive.as_bytes()[..2000], 0o644);
    words(&["--sandbox"]).status(65).stderr_has("only the beginning of one").run();
    write_file(&file, &[b'x'; 4096], 0o644);
    words(&["--sandbox"]).status(65).stderr_has("no tar archive").run();
}

#[test]
fn an_archive_is_not_written_to_a_terminal() {
    let scene = incident();
    let command = format!("{} --root {} capture last", crate::call::NETCUE, scene.root().display());
    let output = Command::new("script").args(["-qec", &command, "/dev/null"]).output();
    let output = output.expect("script");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("stdout is a terminal"), "{said}");
    assert_eq!(output.status.code(), Some(64));
}
