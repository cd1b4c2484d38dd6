//! What netcue tells machines: metrics and `CloudEvents`, read by the parsers they are for.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use serde_json::{Value, json};

use crate::call::{Call, NETCUE};
use crate::scene::{IP_UP, Scene, run, wait_until, write_file};

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A machine on which a burst took place.
fn scene() -> Scene {
    let scene = Scene::new();
    let journal = repository("tests/fixtures/timeline/journal.jsonl");
    write_file(&scene.path("var/log/netcue/journal.jsonl"), journal.as_bytes(), 0o640);
    scene
}

fn metrics(scene: &Scene) -> String {
    scene.netcue(["metrics"]).any_stdout().run().stdout
}

fn older_metrics(scene: &Scene) -> String {
    scene.netcue(["metrics", "--format", "prometheus"]).any_stdout().run().stdout
}

/// Has the parser that the textfile folder is read with find nothing to remark.
fn promtool_is_content_with(text: &str) {
    Call::through("promtool", Path::new("/")).words(["check", "metrics"]).stdin(text).run();
}

/// The alert rules of the examples, as Prometheus evaluates them.
#[test]
fn the_alerts_of_the_examples_go_off_when_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/prometheus");
    let promtool = Call::through("promtool", &folder).words(["test", "rules"]);
    promtool.word(folder.join("alerts.test.yml")).any_stdout().run();
}

const OPENMETRICS: &str = "prometheus_client.openmetrics.parser";
const OLDER: &str = "prometheus_client.parser";

/// The samples, each behind its type, as that parser of Prometheus' own library reads them.
fn samples(parser: &str, text: &str) -> String {
    let script = "
import sys
from importlib import import_module
for family in import_module(sys.argv[1]).text_string_to_metric_families(sys.stdin.read()):
    for s in family.samples:
        labels = ','.join(k + '=' + v for k, v in sorted(s.labels.items()))
        print(family.type, s.name + '{' + labels + '}', float(s.value))
";
    let python = Call::through("/usr/bin/python3", Path::new("/")).env("PYTHONUTF8", "1");
    python.words(["-c", script, parser]).stdin(text).any_stdout().run().stdout
}

fn value(samples: &str, wanted: &str) -> f64 {
    let line = samples.lines().find_map(|line| {
        let (_kind, sample) = line.split_once(' ')?;
        sample.strip_prefix(wanted)?.strip_prefix(' ')
    });
    line.unwrap_or_else(|| panic!("no {wanted} in\n{samples}")).parse().expect("a number")
}

/// The sample of that name and labels, as a strict parser reads it.
fn sample(text: &str, wanted: &str) -> f64 {
    value(&samples(OPENMETRICS, text), wanted)
}

#[test]
fn metrics_say_what_the_journal_holds() {
    let scene = scene();
    let text = scene.netcue(["metrics"]).stdout(&repository("tests/fixtures/metrics.txt")).run();
    assert!((sample(&text.stdout, "netcue_events_total{source=ppp}") - 2.0).abs() < 1e-9);
    let sum = sample(&text.stdout, "netcue_step_duration_seconds_sum{step=70-ddns}");
    assert!((sum - 0.08).abs() < 1e-9, "{sum}");
}

#[test]
fn promtool_has_nothing_to_remark() {
    promtool_is_content_with(&older_metrics(&Scene::new()));
    let text = older_metrics(&scene());
    promtool_is_content_with(&text);
    // It passes over comments that the format does not know.
    let mut comments = text.lines().filter(|line| line.starts_with('#'));
    assert!(comments.all(|line| ["# TYPE ", "# HELP "].iter().any(|it| line.starts_with(it))));
}

#[test]
fn both_formats_carry_the_same_samples_of_the_same_types() {
    let scene = scene();
    let new = samples(OPENMETRICS, &metrics(&scene));
    let old = samples(OLDER, &older_metrics(&scene));
    assert_eq!(old.matches("histogram netcue_step_duration_seconds_sum{").count(), 4, "{old}");
    // The older format has no type info.
    let info = "info netcue_build_info{";
    assert_eq!(new.matches(info).count(), 1, "{new}");
    assert_eq!(new.replace(info, "gauge netcue_build_info{"), old);
}

#[test]
fn counters_never_go_backwards() {
    let scene = Scene::new();
    scene.config("[journal]\nsize = 3000\nkeep = 1\n");
    let total = |text: &str| sample(text, "netcue_events_total{source=manual}");
    for number in 1..=6 {
        for _ in 0..2 {
            scene.netcue(["emit"]).any_stdout().run();
        }
        let text = metrics(&scene);
        assert!((total(&text) - f64::from(number * 2)).abs() < 1e-9, "{text}");
        assert!(sample(&text, "netcue_journal_gaps_total{}").abs() < 1e-9, "{text}");
    }
    assert!(scene.records("accepted").len() < 12, "nothing was rotated away");
    // Once more without anything new, and after the whole journal has gone.
    assert!((total(&metrics(&scene)) - 12.0).abs() < 1e-9);
    fs::remove_dir_all(scene.path("var/log/netcue")).expect("the journal");
    scene.netcue(["emit"]).any_stdout().run();
    let text = metrics(&scene);
    assert!((total(&text) - 13.0).abs() < 1e-9, "{text}");
    assert!((sample(&text, "netcue_journal_gaps_total{}") - 1.0).abs() < 1e-9, "{text}");
}

#[test]
fn the_file_is_for_everybody_and_no_link_is_followed() {
    let scene = scene();
    let (file, victim) = (scene.path("out/netcue.prom"), scene.path("victim"));
    write_file(&victim, b"mine", 0o600);
    fs::create_dir(scene.path("out")).expect("a folder");
    std::os::unix::fs::symlink(&victim, scene.path("out/netcue.prom.new")).expect("a link");
    scene.netcue(["metrics", "--output"]).word(&file).run();
    assert_eq!(scene.text("victim"), "mine");
    assert!(scene.text("out/netcue.prom").ends_with("# EOF\n"));
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o644);
    assert_eq!(scene.names_in("out"), ["netcue.prom"]);
    let nowhere = scene.path("nowhere/netcue.prom");
    scene.netcue(["metrics", "--output"]).word(nowhere).status(73).stderr_has("can't").run();
}

#[test]
fn a_journal_that_cannot_be_read_is_a_failure_to_read() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("var/log/netcue/journal.jsonl")).expect("a folder");
    scene.netcue(["metrics"]).status(74).stderr_has("var/log/netcue/journal.jsonl: ").run();
    fs::remove_dir(scene.path("var/log/netcue/journal.jsonl")).expect("removed");
    fs::create_dir_all(scene.path("var/lib/netcue/metrics.json")).expect("a folder");
    scene.netcue(["metrics"]).status(74).stderr_has("var/lib/netcue/metrics.json: ").run();
}

#[test]
fn a_device_is_not_replaced_by_the_file() {
    let scene = scene();
    let device = scene.path("null");
    let mode = Mode::from_bits_truncate(0o666);
    mknod(&device, SFlag::S_IFCHR, mode, makedev(1, 3)).expect("a device");
    scene.link("stdout", &device);
    for name in ["null", "stdout"] {
        let call = scene.netcue(["metrics", "--output"]).word(scene.path(name)).status(73);
        call.stderr_has("it is not a regular file").run();
    }
    assert!(fs::metadata(&device).expect("the device").file_type().is_char_device());
    assert_eq!(fs::read_link(scene.path("stdout")).expect("a link"), device);
}

#[test]
fn hostile_names_are_escaped_in_metrics() {
    let scene = scene();
    let text = metrics(&scene);
    let step = "60-</text><script>alert(1)</script>\u{1b}[31m\u{202e}&\"'";
    let wanted = format!("netcue_steps_total{{outcome=timed-out,step={step}}}");
    assert!((sample(&text, &wanted) - 1.0).abs() < 1e-9);
}

/// This machine with hooks that call the program by its name.
fn with_shipped_hooks(names: &[&str]) -> Scene {
    let scene = Scene::on_this_machine();
    let programs = Path::new("/usr/local/sbin");
    fs::create_dir_all(programs).expect("a folder");
    mount(Some("tmpfs"), programs, Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))
        .expect("a mount");
    fs::copy(NETCUE, programs.join("netcue")).expect("netcue in the path");
    let hooks = Path::new("/etc/netcue/hooks.d");
    fs::create_dir_all(hooks).expect("a folder");
    for name in names {
        let hook = hooks.join(name);
        fs::write(&hook, repository(&format!("hooks.d/{name}"))).expect("the hook");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("chmod");
    }
    scene
}

/// pppd calls once, before the link is up and its routes are made, and then waits for a packet
/// that nobody inside can send by it before the rules know it.
#[test]
fn the_rules_know_a_link_that_dials_on_demand_from_its_start() {
    let scene = with_shipped_hooks(&["60-forwarding", "80-demand"]);
    let forwarding = "/proc/sys/net/ipv4/ip_forward";
    fs::write(forwarding, "0").expect(forwarding);
    scene.ip("link add lan type veth peer name lan-far");
    scene.ip("link set lan up");
    scene.ip("address add 192.168.7.1/24 dev lan");
    scene.ip("link add ppp0 type veth peer name ppp0-far");
    scene.ip("address add 10.64.64.64 peer 10.112.112.112 dev ppp0");
    scene.from("ppp ip-pre-up ppp0 /dev/ttyS0 0 0.0.0.0 0.0.0.0");
    scene.ip("link set ppp0 up");
    scene.ip("route add default dev ppp0");
    wait_until("the end of the hook", || scene.records("outcome").len() == 2);
    assert_eq!(scene.outcomes(), ["done", "done"], "{:#?}", scene.journal());
    assert!(scene.rules().contains("\"ppp0\""), "{}", scene.rules());
    assert_eq!(fs::read_to_string(forwarding).expect(forwarding), "1\n");

    // Where something has been negotiated already, ip-up follows.
    scene.from("ppp ip-pre-up ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1");
    wait_until("the hook to decline", || scene.end_of("80-demand")["outcome"] == "not-for-me");
}

#[test]
fn the_shipped_hook_writes_where_it_is_told_and_nothing_before() {
    let scene = with_shipped_hooks(&["90-metrics"]);
    let none: Option<&str> = None;
    mount(Some("tmpfs"), "/var/lib", Some("tmpfs"), MsFlags::empty(), none).expect("a mount");
    let ended = |times: usize| {
        let is_end = |end: &&Value| end["step"] == "90-metrics" && end["outcome"] != "started";
        wait_until("the end of the hook", || {
            scene.records("step-end").iter().filter(is_end).count() == times
        });
        scene.end_of("90-metrics")
    };
    scene.netcue(["emit"]).any_stdout().run();
    assert_eq!(ended(1)["outcome"], "not-for-me");
    let output = "/var/lib/netcue.prom";
    fs::write("/etc/netcue/metrics.conf", format!("output = {output}\n")).expect("settings");
    scene.netcue(["emit"]).any_stdout().run();
    let end = ended(2);
    assert_eq!(end["outcome"], "done", "{end:#}");
    let text = fs::read_to_string(output).expect("the metrics");
    promtool_is_content_with(&text);
    assert!(value(&samples(OLDER, &text), "netcue_events_total{source=manual}") >= 2.0);
}

fn cloudevents(scene: &Scene) -> Vec<Value> {
    let words = ["history", "--format", "cloudevents"];
    let text = scene.netcue(words).any_stdout().run().stdout;
    assert!(text.chars().all(|c| c == '\n' || c.is_ascii_graphic() || c == ' '), "{text}");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn cloudevents_are_what_their_schema_says() {
    let schema: Value =
        serde_json::from_str(&repository("src/answers/schema/cloudevent.schema.json"))
            .expect("JSON");
    jsonschema::meta::validate(&schema).expect("a schema");
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema");
    let scene = scene();
    let events = cloudevents(&scene);
    for event in &events {
        let errors: Vec<String> =
            validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let mut types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    types.sort_unstable();
    let (done, failed) = ("netcue.event.done", "netcue.event.failed");
    assert_eq!(types, [done, done, done, failed, "netcue.event.refused"]);
    let host = run("uname", ["-n"]);
    assert_eq!(events[0]["host"], host.trim());
    let of = |number: u32| {
        let id = format!("01993000-7a5c-7c3e-9d10-{number:012}");
        events.iter().find(|event| event["id"] == id).expect("an event")
    };
    assert_eq!(of(1)["source"], format!("//{}/netcue/ppp", host.trim()));
    assert_eq!(of(1)["subject"], "ppp0");
    assert_eq!(of(1)["data"]["event"]["trigger"], "ip-up");
    assert_eq!(of(2).get("subject"), None);
    // Told twice, it is the same.
    assert_eq!(cloudevents(&scene), events);
    for broken in [json!({"id": ""}), json!({"specversion": "0.3"}), json!({"type": "x"})] {
        let mut event = events[0].clone();
        for (name, value) in broken.as_object().expect("fields") {
            event[name] = value.clone();
        }
        assert!(!validator.is_valid(&event), "{broken}");
    }
}

#[test]
fn what_is_not_over_is_no_cloudevent_yet() {
    let scene = Scene::new();
    scene.gated_hook("70-slow", "");
    let running = scene.netcue(["emit"]).any_stdout().spawn();
    scene.begun(1);
    assert_eq!(cloudevents(&scene), Vec::<Value>::new());
    scene.open();
    running.finish();
    assert_eq!(cloudevents(&scene).len(), 1);
}

/// The hook alone says nothing while no event is handled, and the file stays as it was.
#[test]
fn the_timers_service_tells_of_a_run_that_is_stuck() {
    let unit = repository("integrations/metrics/netcue-metrics.service");
    assert!(unit.contains("\nExecStart=/usr/lib/netcue/hooks.d/90-metrics\n"), "{unit}");
    let scene = Scene::new();
    fs::create_dir(scene.path("out")).expect("a folder");
    write_file(&scene.path("etc/netcue/metrics.conf"), b"output = /out/netcue.prom\n", 0o644);
    scene.gated_hook("20-stuck", "");
    let call = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks.d/90-metrics");
    let folder = Path::new(NETCUE).parent().expect("a folder").display();
    let path = format!("{folder}:/usr/sbin:/usr/bin:/sbin:/bin");
    let root = scene.root().display().to_string();
    let run = Call::through(hook.to_str().expect("text"), Path::new("/"));
    run.env("NETCUE_ROOT", &root).env("PATH", &path).run();
    let text = scene.text("out/netcue.prom");
    assert!(text.contains("\nnetcue_queue_length 1\n"), "{text}");
    scene.open();
    call.finish();
}
