//! What is said of a source: what calls netcue for it, and why it may have gone quiet.

use std::fs;

use crate::scene::Scene;
use crate::show::{assert_is, assert_valid, json_of, piped, remembering};

/// What is said of a source, without how long ago it was heard.
fn why_source(scene: &Scene, name: &str) -> String {
    let shown = piped(scene, &format!("why {name}"));
    match (shown.split_once("last heard "), shown.split_once(" ago, at ")) {
        (Some((before, _)), Some((_, after))) => format!("{before}last heard AGO, at {after}"),
        _ => shown,
    }
}

/// A machine on which each source is attached in its own way.
fn attached() -> Scene {
    let scene = remembering();
    scene.put("usr/sbin/netcue", "");
    for (file, folder) in [("ip-up", "ip-up.d"), ("ip-down", "ip-down.d")] {
        scene.hook_in("etc/ppp", file, "#!/bin/sh\n", 0o755);
        scene.link(&format!("etc/ppp/{folder}/netcue"), "/usr/sbin/netcue");
    }
    scene.put("usr/sbin/diald", "");
    scene.put(
        "etc/diald/diald.options",
        "mode ppp\naddroute \"/usr/sbin/netcue from diald addroute\"\n\
         delroute \"/usr/sbin/netcue from diald delroute\"\nip-up /etc/diald/ip-up\n\
         ip-down /etc/diald/ip-down\nip-goingdown \"/usr/sbin/netcue from diald ip-goingdown\"\n",
    );
    scene.link("etc/diald/ip-up", "/usr/sbin/netcue");
    scene.link("etc/diald/ip-down", "/usr/sbin/netcue");
    scene.put("etc/pcmcia/network.opts", "# cards\n/usr/sbin/netcue from pcmcia start eth1\n");
    scene.put("etc/default/netcue", "BOOT=\"services\"\n");
    let unit = "netcue-boot-services.service";
    scene.put(&format!("usr/lib/systemd/system/{unit}"), "[Install]\nWantedBy=a.target\n");
    scene.link(
        &format!("etc/systemd/system/a.target.wants/{unit}"),
        format!("/usr/lib/systemd/system/{unit}"),
    );
    scene
}

/// The same with something missing for most.
fn half_attached() -> Scene {
    let scene = attached();
    for gone in [
        "etc/diald/ip-up",
        "etc/ppp/ip-down.d/netcue",
        "usr/lib/systemd/system/netcue-boot-services.service",
    ] {
        fs::remove_file(scene.path(gone)).expect(gone);
    }
    scene.put("etc/diald/ip-up", "#!/bin/sh\n");
    scene
}

#[test]
fn what_has_gone_quiet_is_asked_after() {
    let mut shown = String::new();
    let mut case = |what: &str, scene: &Scene, names: &[&str]| {
        shown += &format!("# {what}\n");
        for name in names {
            shown += &why_source(scene, name);
        }
    };
    let all = ["ppp", "diald", "pcmcia", "boot", "manual"];
    case("nothing is there", &Scene::new(), &all);
    case("each is attached in its own way", &attached(), &all);

    case("part of it is missing", &half_attached(), &["ppp", "diald", "boot"]);

    let scene = attached();
    fs::create_dir_all(scene.path("etc/netcue/enabled")).expect("a folder");
    case("switched off", &scene, &["ppp", "diald", "manual"]);

    let scene = attached();
    fs::rename(scene.path("usr/sbin/netcue"), scene.path("usr/sbin/netcue.old")).expect("a file");
    case("netcue is gone", &scene, &["ppp", "pcmcia"]);
    scene.put("usr/local/sbin/netcue", "");
    case("netcue is elsewhere", &scene, &["ppp"]);

    let scene = Scene::new();
    fs::create_dir_all(scene.path("etc/ppp/ip-up.d")).expect("a folder");
    scene.hook_in("etc/ppp", "ip-up", "#!/bin/sh\n", 0o755);
    case("nothing calls netcue", &scene, &["ppp"]);
    scene.link("etc/ppp/ip-up.d/netcue", "/usr/sbin/netcue");
    scene.put("usr/sbin/netcue", "");
    case("it has not called yet", &scene, &["ppp"]);
    assert_is("why-source.txt", &shown);
}

#[test]
fn why_and_sources_and_doctor_see_the_same_callers() {
    for (scene, lacking) in [(attached(), 0), (half_attached(), 3)] {
        let sources = json_of(&scene, "sources --json").remove(0);
        assert_valid("sources", &sources);
        let doctor = scene.netcue(["doctor"]).any_status().any_stdout().run().stdout;
        let mut found = 0;
        for source in sources.as_array().expect("sources") {
            let name = source["source"].as_str().expect("a name");
            let why = piped(&scene, &format!("why {name}"));
            for spot in source["called_by"].as_array().expect("callers") {
                let at = spot["at"].as_str().expect("a path");
                assert!(why.contains(&format!("    {at}, ")), "{at}: {why}");
            }
            let lacks = !source["missing"].as_array().expect("a list").is_empty();
            assert_eq!(why.contains("this is missing:"), lacks, "{why}");
            assert_eq!(doctor.contains(&format!("{name} is on, but ")), lacks, "{doctor}");
            found += usize::from(lacks);
        }
        assert_eq!(found, lacking);
    }
}

#[test]
fn a_call_refused_before_one_that_was_taken_is_no_reason_for_silence() {
    let scene = attached();
    let refused = || scene.calling("ppp ip-oops").any_status().any_stderr().run();
    refused();
    scene.ip_up();
    let shown = piped(&scene, "why ppp");
    assert!(shown.contains("Nothing keeps its calls away."), "{shown}");
    assert!(!shown.contains("refused"), "{shown}");
    for calls in ["its last call was", "its last calls were"] {
        refused();
        let shown = piped(&scene, "why ppp");
        assert!(shown.contains(": ppp ip-up ppp0, done ("), "{shown}");
        assert!(shown.contains(&format!("It is quiet because {calls} refused: ")), "{shown}");
    }
}
