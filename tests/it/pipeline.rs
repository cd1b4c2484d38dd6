//! The way of an event from the call to its outcome.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::call::NETCUE;
use crate::scene::{IP_UP, Scene, text_of, words_of};

#[test]
fn an_event_passes_every_stage() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("20-before", "#!/bin/sh\necho \"before: $NETCUE_RULES.\"\n");
    scene.hook("70-after", "#!/bin/sh\necho \"after: $NETCUE_RULES\"\n");
    let ran = scene.from(IP_UP);
    assert_eq!(ran.summaries.len(), 1, "{ran:?}");
    let summary = "netcue: ppp ip-up ppp0: rules changed, 2 hooks run, ";
    assert!(ran.summaries[0].starts_with(summary), "{ran:?}");
    assert_eq!(scene.end_of("20-before")["output"], "before: .\n");
    assert_eq!(scene.end_of("70-after")["output"], "after: changed\n");
    let rules = scene.nft("list ruleset");
    assert!(rules.contains("oifname != @untranslated") && rules.contains("masquerade"), "{rules}");
    let records = scene.journal();
    let kinds: Vec<&str> = records.iter().filter_map(|record| record["record"].as_str()).collect();
    let step = ["step-begin", "step-end"];
    let expected =
        [&["accepted", "state", "run-begin"][..], &step, &step, &step, &["outcome"]].concat();
    assert_eq!(kinds, expected);
    assert_eq!(scene.outcomes(), ["done"]);
    assert_eq!(scene.queue(), Vec::<String>::new());
}

#[test]
fn history_tells_what_came_and_what_became_of_it() {
    let scene = Scene::new();
    scene.hook("70-bad", "#!/bin/sh\necho broken; exit 3\n");
    scene.ip_up();
    let history = scene.history_json();
    assert_eq!(history.len(), 1, "{history:#?}");
    let story = &history[0];
    assert_eq!(story["outcome"], "failed", "{story:#}");
    assert_eq!(story["event"]["interface"], "ppp0", "{story:#}");
    let steps = story["steps"].as_array().expect("steps");
    let bad = steps.iter().find(|step| step["step"] == "70-bad").expect("the hook");
    assert_eq!(bad["end"]["status"], 3, "{story:#}");
    assert_eq!(bad["end"]["output"], "broken\n", "{story:#}");
}

#[test]
fn a_source_whose_flag_is_missing_is_recorded_and_nothing_runs() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n");
    fs::create_dir_all(scene.path("etc/netcue/enabled")).expect("a folder");
    scene.ip_up();
    assert_eq!(scene.outcomes(), ["disabled"]);
    assert_eq!(scene.records("run-begin"), Vec::<Value>::new());
    assert_eq!(scene.nft("list ruleset"), "");
    fs::write(scene.path("etc/netcue/enabled/ppp"), "").expect("a flag");
    scene.ip_up();
    assert_eq!(scene.outcomes(), ["disabled", "done"]);
}

#[test]
fn a_trigger_without_meaning_for_the_network_is_recorded_and_nothing_runs() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n");
    scene.from("ppp auth-up ppp0 peer root /dev/ttyS0 115200");
    assert_eq!(scene.records("accepted")[0]["event"]["action"], Value::Null);
    assert_eq!(scene.outcomes(), ["ignored"]);
    assert_eq!(scene.records("run-begin"), Vec::<Value>::new());
    assert_eq!(scene.nft("list ruleset"), "");
}

#[test]
fn a_failure_of_ours_is_the_callers_only_in_strict_mode() {
    let scene = Scene::new();
    scene.hook("70-bad", "#!/bin/sh\nexit 1\n");
    scene.ip_up();
    scene.config("strict = true\n");
    scene.calling(IP_UP).status(1).run();
    assert_eq!(scene.outcomes(), ["failed", "failed"]);
}

#[test]
fn a_configuration_with_a_mistake_stops_no_event() {
    let scene = Scene::new();
    scene.config("[hooks]\ntimeuot = 3\n");
    let said = "netcue: ROOT/etc/netcue/netcue.conf:2:1: there is no key \"timeuot\"";
    scene.calling(IP_UP).stderr_has(said).run();
    assert_eq!(scene.outcomes(), ["done"]);
}

/// Every file below a folder with its content; an empty list for a folder that isn't there.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("an entry").into_path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

#[test]
fn plan_and_dry_run_change_nothing() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("20-a", format!("#!/bin/sh\ntouch {}/ran\n", scene.root().display()));
    scene.hook("30-b", "#!/bin/sh\n# netcue: action=down\n");
    let before = (tree(scene.root()), scene.rules());
    for words in [["plan", "from"].as_slice(), &["plan", "--json", "from"], &["from", "--dry-run"]]
    {
        let ran = scene
            .netcue(words.iter().copied().chain(IP_UP.split(' ')))
            .stdout_has("20-a")
            .stdout_has("wants action=down, this is up")
            .stdout_has("masquerade")
            .run();
        assert_eq!(ran.summaries, Vec::<String>::new());
        assert_eq!((tree(scene.root()), scene.rules()), before, "{words:?}");
    }
}

#[test]
fn a_plan_says_what_the_run_then_does() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("20-a", "#!/bin/sh\n").hook("30-b", "#!/bin/sh\n# netcue: source=diald\n");
    scene.hook_in("etc/netcue/hooks.d", "40-c", "#!/bin/sh\n", 0o644);
    let words = ["plan", "--json", "from"].into_iter().chain(IP_UP.split(' '));
    let planned = scene.netcue(words).any_stdout().run().stdout;
    let planned: Value = serde_json::from_str(&planned).expect("JSON");
    scene.ip_up();
    let ran = scene.records("run-begin").pop().expect("a run");
    let seen = |steps: &Value| -> Vec<(Value, Value)> {
        let steps = steps.as_array().expect("steps").iter();
        let parts = |step: &Value| {
            let mut skipped = step["skipped"].clone();
            // For people, and not in the journal.
            skipped.as_object_mut().map(|parts| parts.remove("words"));
            (step["step"].clone(), skipped)
        };
        steps.map(parts).collect()
    };
    assert_eq!(seen(&planned["steps"]), seen(&ran["plan"]));
}

#[test]
fn an_event_that_a_hook_causes_is_queued_behind_it_and_never_waited_for() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook(
        "20-again",
        format!(
            "#!/bin/sh\n# netcue: source=ppp\n\
             {NETCUE} --root {root} emit --interface again0\n\
             {NETCUE} --root {root} from manual run && echo not waited for\n"
        ),
    );
    scene.ip_up();
    scene.settled();
    let output = scene.output_of("20-again");
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].ends_with(" queued"), "{output}");
    assert_eq!(lines[1..], ["not waited for"], "{output}");
    let accepted = scene.records("accepted");
    assert_eq!(accepted.len(), 3, "{accepted:#?}");
    for caused in &accepted[1..] {
        assert_eq!(caused["event"]["caused_by"], accepted[0]["event_id"], "{caused:#}");
        assert_eq!(caused["event"]["cause_depth"], 1, "{caused:#}");
    }
    let ids = |kind: &str| -> Vec<Value> {
        scene.records(kind).iter().map(|record| record["event_id"].clone()).collect()
    };
    assert_eq!(ids("outcome"), ids("accepted"));
}

#[test]
fn what_a_hook_calls_without_its_environment_is_never_waited_for_either() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook(
        "20-again",
        format!(
            "#!/bin/sh\n# netcue: source=ppp\n\
             setsid sh -c 'env -i {NETCUE} --root {root} from manual run; echo not waited for'\n"
        ),
    );
    scene.ip_up();
    scene.settled();
    assert_eq!(scene.output_of("20-again"), "not waited for\n");
    let accepted = scene.records("accepted");
    assert_eq!(accepted[1]["event"]["caused_by"], accepted[0]["event_id"], "{accepted:#?}");
    assert_eq!(accepted[1]["event"]["cause_depth"], 1, "{accepted:#?}");
    let took = scene.end_of("20-again")["ms"].as_f64().expect("a number");
    assert!(took < 10_000.0, "{took} ms");
}

#[test]
fn a_daemon_that_a_hook_started_long_ago_closes_no_loop() {
    let scene = Scene::new();
    let long_ago = "01900000-0000-7000-8000-000000000000";
    scene.calling(IP_UP).env("NETCUE_ID", long_ago).env("NETCUE_CAUSE_DEPTH", "8").run();
    let event = &scene.records("accepted")[0]["event"];
    assert_eq!(event["caused_by"], long_ago);
    assert_eq!(event["cause_depth"], 1);
}

#[test]
fn a_loop_of_hooks_is_cut_at_eight_and_says_so() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-loop", format!("#!/bin/sh\n{NETCUE} --root {root} emit\n"));
    scene.ip_up();
    scene.settled();
    let outcomes = scene.outcomes();
    assert_eq!(outcomes.len(), 9, "the first and the eight it caused: {outcomes:?}");
    let refused = scene.records("refused");
    assert_eq!(refused.len(), 1, "{refused:#?}");
    let last = &scene.records("accepted")[8]["event_id"];
    let reason = format!(
        "9 events have caused one another, this one {} last: a loop of hooks",
        last.as_str().expect("an id")
    );
    assert_eq!(words_of(&refused[0]["reason"]), reason);
    assert_eq!(
        scene.end_of("20-loop")["output"],
        format!("netcue: refused: manual emit: {reason}\n")
    );
}

#[test]
fn only_the_newest_waiting_event_of_an_interface_reaches_a_hook_that_coalesces() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.gated_hook("10-slow", "# netcue: source=boot");
    scene.hook(
        "20-newest",
        format!("#!/bin/sh\n# netcue: source=ppp coalesce=interface\necho $NETCUE_DETAILS_IPPARAM >>{root}/newest\n"),
    );
    scene.hook(
        "30-all",
        format!("#!/bin/sh\n# netcue: source=ppp\necho $NETCUE_DETAILS_IPPARAM >>{root}/all\n"),
    );
    let holder = scene.netcue(["from", "boot", "services"]).spawn();
    scene.begun(1);
    for number in 1..=3 {
        scene.from(&IP_UP.replace("provider", &format!("call{number}")));
    }
    scene.from(&IP_UP.replace("ppp0", "ppp1").replace("provider", "other"));
    scene.open();
    holder.finish();
    scene.settled();
    assert_eq!(scene.text("newest"), "call3\nother\n");
    assert_eq!(scene.text("all"), "call1\ncall2\ncall3\nother\n");

    let why = |number: usize| {
        let id = text_of(&scene.records("accepted")[number]["event_id"]);
        scene.netcue(["why", &id]).any_stdout().run().stdout
    };
    let first = why(1);
    assert!(first.contains(" for its turn, behind boot services (0"), "{first}");
    assert!(first.contains("\n20-newest was not run: coalesced: event "), "{first}");
    let newest = why(3);
    assert!(
        newest.contains(" and 1 more.\n") || newest.contains(", ppp ip-up ppp0 (0"),
        "{newest}"
    );
    let left: Vec<&str> = newest.lines().filter(|line| line.contains(" was left ")).collect();
    let [left] = left.as_slice() else { panic!("{newest}") };
    assert!(left.starts_with("20-newest was left to this event by ppp ip-up ppp0 (0"), "{left}");
    assert_eq!(left.matches("ppp ip-up ppp0 (0").count(), 2, "{left}");
}
