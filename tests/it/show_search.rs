//! Events looked for by what people call them, in journals in which that is not easy.

use std::fs;

use crate::scene::{Scene, text_of, write_file};
use crate::show::{fixture, piped, remembering, split};

#[test]
fn who_wants_one_event_and_names_several_is_told_which() {
    let scene = remembering();
    let said = "netcue: 2 events begin with 019CA8C6, and one is wanted:\n  \
                019ca8c6-cd9d  03-01 10:42:07  manual emit eth0  failed\n  \
                019ca8c6-cd98  03-01 10:42:07  ppp ip-up ppp0  done\n";
    for command in ["why", "why event", "plan", "replay", "replay --sandbox", "capture"] {
        let call = scene.netcue(split(&format!("{command} 019CA8C6")));
        call.env("TZ", "Europe/Berlin").status(64).stderr(said).run();
    }
    scene.netcue(["plan", "019ca8"]).status(64).stderr_has("8 events begin with 019ca8,").run();
    for command in ["why", "plan", "capture", "history"] {
        scene.netcue([command, "019CA8C6-CD98"]).any_stdout().run();
    }
    for command in ["history --json", "timeline --text"] {
        let shown = piped(&scene, &format!("{command} 019ca8c6"));
        assert!(shown.contains("ppp0") && shown.contains("eth0"), "{shown}");
    }
}

#[test]
fn a_search_that_was_cut_short_says_how_far_it_went() {
    let scene = Scene::new();
    scene.gateway();
    let old = fs::read_to_string(fixture("journal.jsonl")).expect("the fixture");
    let line = "{\"time\":\"2026-03-02T09:00:00Z\",\"record\":\"remark\",\"text\":\"x\"}\n";
    scene.put(
        "var/log/netcue/journal.jsonl",
        &format!("{}\n{}", old.trim_end(), line.repeat(100_000)),
    );
    let far = "looked through 100000 records, back to 03-02 10:00:00; ";
    for (words, further) in [
        ("why hook nosuch", "\"netcue why hook nosuch --at TIME\""),
        ("why interface ppp0", "\"netcue history --since TIME --interface ppp0\""),
        ("why ppp", "\"netcue history --since TIME --source ppp\""),
        ("why rule masquerade", "\"netcue history --since TIME --hook 50-rules\""),
    ] {
        let shown = piped(&scene, words);
        assert!(shown.contains(&format!("\nnetcue {far}{further} looks further.\n")), "{shown}");
    }
    let fails = |words: &str, further: &str| {
        let call = scene.netcue(split(words)).env("TZ", "Europe/Berlin").status(1);
        call.stderr_has(&format!("; {far}{further} looks further\n")).run();
    };
    fails("why nosuch", "\"netcue history --since TIME\"");
    for command in ["why", "plan", "replay", "timeline"] {
        fails(&format!("{command} last"), "\"netcue history --since TIME\"");
    }
    for command in ["why event", "plan", "capture", "timeline", "history"] {
        fails(&format!("{command} 019c"), "more of the id");
    }
    let all = scene.netcue(["history"]).env("TZ", "Europe/Berlin").any_stdout();
    all.stderr(&format!("netcue: {far}--since looks further\n")).run();
    // What says when it was is found however long ago.
    assert!(piped(&scene, "why 019ca8c6-cd98").contains("All of it was done"));
    let at = piped(&scene, "why hook 70-ddns --at \"2026-03-01 10:42\"");
    assert!(at.contains("it timed out"), "{at}");
}

/// A journal in which the clock went forward by years and back again after the first event.
#[test]
fn an_event_is_found_also_when_the_clock_was_set_back_since() {
    let scene = remembering();
    let journal = scene.text("var/log/netcue/journal.jsonl");
    let late = journal.lines().filter(|line| line.contains("019ca8c6-cd98")).map(|line| {
        line.replace("2026-03-01T", "2031-03-01T").replace("019ca8c6-cd98", "01c1d8c6-cd98") + "\n"
    });
    let text = late.collect::<String>() + &journal;
    scene.put("var/log/netcue/journal.jsonl", &text);
    for command in ["why", "plan", "capture", "history", "timeline"] {
        scene.netcue([command, "01c1d8c6"]).any_stdout().run();
    }
}

#[test]
fn who_takes_the_journal_over_gets_each_end_once_and_none_is_skipped() {
    let scene = Scene::new();
    let file = scene.path("cursor");
    let file = file.to_str().expect("text");
    let next = || {
        let ran = scene.netcue(["history", "--json", "--cursor", file]).any_stdout().run();
        let stories = ran.stdout.lines().map(|line| {
            let story: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!("{} {}", text_of(&story["event"]["trigger"]), text_of(&story["outcome"]))
        });
        stories.collect::<Vec<_>>()
    };
    scene.from("boot start");
    assert_eq!(next(), ["start done"]);
    assert_eq!(next(), Vec::<String>::new());
    scene.gated_hook("20-slow", "# netcue: action=up");
    let call = scene.calling(crate::scene::IP_UP).spawn();
    scene.begun(1);
    assert_eq!(next(), Vec::<String>::new(), "it has not ended");
    scene.open();
    call.finish();
    // What could not be written is there again.
    let netcue = crate::call::NETCUE;
    let root = scene.root().display();
    let script = format!("! {netcue} --root {root} history --json --cursor {file} >/dev/full");
    crate::scene::run("sh", ["-c", &script]);
    assert_eq!(next(), ["ip-up done"]);
    assert_eq!(next(), Vec::<String>::new());
    scene.from("boot services");
    assert_eq!(next(), ["services done"]);
    write_file(&scene.path("cursor"), b"none", 0o644);
    scene.netcue(["history", "--cursor", file]).status(74).stderr_has("remove it to begin").run();
    // And by hand, from an event on.
    let first = text_of(&scene.records("accepted")[0]["event_id"]);
    let later = scene.netcue(["history", "--json", "--after", &first]).any_stdout().run().stdout;
    assert_eq!(later.lines().count(), 2, "{later}");
    assert!(!later.contains(&first), "{later}");
    scene.netcue(["history", "--after", "0aa"]).status(1).stderr_has("no event \"0aa\"").run();
}
