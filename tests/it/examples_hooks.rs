//! The examples of netcue-hooks(7) and netcue-event(7), typed one after the other.

use std::fs;

use serde_json::Value;

use crate::examples::{By, Row, go_through, of_the_page};
use crate::reader::Reader;

const NETCUE_HOOKS_7: &[Row] = &[
    ("netcue hooks", By::Reader(lists_badly_named_files)),
    ("nft -f", By::Reader(a_hook_makes_the_rules)),
    ("ufw reload", By::Reader(ufw_makes_the_rules)),
    ("# netcue: source=ppp,diald action=up,down interface=ppp* timeout=30s", By::Reader(header)),
    ("netcue hooks", By::Reader(tells_of_a_later_key)),
    ("netcue history last", By::Reader(shows_what_it_printed)),
    (
        "debian/70-mydaemon usr/lib/netcue/hooks.d",
        By::Elsewhere(
            "examples/hook/debian/mydaemon.install",
            "debian/70-mydaemon usr/lib/netcue/hooks.d\n",
        ),
    ),
    ("netcue hooks --check debian/70-mydaemon", By::Reader(checks_what_is_not_installed)),
    (
        "netcue try debian/70-mydaemon --action up --interface eth0",
        By::Reader(tries_what_is_not_installed),
    ),
    ("#!/bin/sh", By::Reader(tests_what_is_installed)),
    (
        "Tests: netcue",
        By::Elsewhere(
            "examples/hook/debian/tests/control",
            "Tests: netcue\nDepends: @, iproute2, netcue\nRestrictions: needs-root, skippable\n",
        ),
    ),
    ("#!/bin/sh", By::Reader(writes_a_hook)),
    ("install -m 755 30-office-route /etc/netcue/hooks.d/", By::Reader(installs_it)),
    ("netcue hooks", By::Reader(finds_it)),
    (
        "netcue plan from ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1 office",
        By::Reader(would_run),
    ),
    ("netcue emit --action up --interface ppp0 --detail ipparam=office", By::Reader(runs_it)),
    ("netcue history last", By::Reader(sees_what_it_did)),
    ("mkdir -p /tmp/try/etc/netcue/hooks.d", By::Reader(does_the_same_elsewhere)),
];

const NETCUE_EVENT_7: &[Row] = &[
    ("netcue parse", By::Reader(parses)),
    ("netcue emit --json", By::Reader(emits_json)),
    ("netcue replay", By::Reader(marks_a_replay)),
    ("netcue emit --detail NAME=VALUE", By::Reader(emits_a_detail)),
    ("{", By::Reader(is_what_pppd_says)),
    ("echo \"$NETCUE_INTERFACE has $NETCUE_LOCAL\"", By::Reader(in_a_hook)),
];

#[test]
fn every_example_of_netcue_hooks_7_works() {
    go_through(&Reader::installed(), &of_the_page("netcue-hooks.7"), NETCUE_HOOKS_7);
}

#[test]
fn every_example_of_netcue_event_7_works() {
    go_through(&Reader::installed(), &of_the_page("netcue-event.7"), NETCUE_EVENT_7);
}

fn lists_badly_named_files(reader: &Reader, example: &str) {
    reader.writes_program("/etc/netcue/hooks.d/70-dns.sh", "#!/bin/sh\n");
    let shown = reader.sees(example);
    let line = shown.lines().find(|line| line.contains("70-dns.sh")).expect("a line");
    assert!(!line.starts_with("runs "), "{shown}");
    fs::remove_file("/etc/netcue/hooks.d/70-dns.sh").expect("the file");
}

fn a_hook_makes_the_rules(reader: &Reader, example: &str) {
    reader.writes("/etc/mine.nft", "table inet mine\n");
    let hook = format!("#!/bin/sh\n{example} /etc/mine.nft\n");
    reader.writes_program("/etc/netcue/hooks.d/50-rules", &hook);
    reader.sees("netcue from manual run");
    assert_eq!(reader.scene.nft("list tables"), "table inet mine\n");
}

fn ufw_makes_the_rules(reader: &Reader, example: &str) {
    reader.sees("ufw --force enable; iptables --flush ufw-before-input");
    let hook = format!("#!/bin/sh\n{example}\n");
    reader.writes_program("/etc/netcue/hooks.d/50-rules", &hook);
    reader.sees("netcue from manual run");
    assert_eq!(reader.scene.end_of("50-rules")["output"], "Firewall reloaded\n");
    reader.finds("iptables --list-rules ufw-before-input", &["-A ufw-before-input "]);
    reader.sees("ufw disable; rm /etc/netcue/hooks.d/50-rules");
}

fn header(reader: &Reader, example: &str) {
    let hook = format!("#!/bin/sh\n{example}echo \"heard of $NETCUE_INTERFACE\"\n");
    reader.writes_program("/etc/netcue/hooks.d/70-heard", &hook);
    reader.finds("netcue why 70-heard", &["for at most 30 s"]);
    let called = |call: &str| {
        reader.sees(&format!("netcue from {call}"));
        reader.is_over();
        reader.scene.skipped("70-heard")
    };
    assert_eq!(
        called("ppp ip-up eth0 ttyS0 115200 192.0.2.7 192.0.2.1").unwrap_or_default(),
        "wants interface=ppp*, this is eth0"
    );
    assert_eq!(
        called("pcmcia start ppp0").unwrap_or_default(),
        "wants source=ppp,diald, this is pcmcia"
    );
    assert_eq!(called("ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1"), None);
}

fn tells_of_a_later_key(reader: &Reader, example: &str) {
    reader.writes_program("/etc/netcue/hooks.d/70-later", "#!/bin/sh\n# netcue: when=now\n");
    reader.finds(example, &["70-later", "2:11: this version knows no key \"when\""]);
    fs::remove_file("/etc/netcue/hooks.d/70-later").expect("the file");
}

fn shows_what_it_printed(reader: &Reader, example: &str) {
    reader.finds(example, &["  70-heard  done (", "      | heard of ppp0\n"]);
}

const EXAMPLE: &str = "/usr/share/doc/netcue/examples/hook";

fn checks_what_is_not_installed(reader: &Reader, example: &str) {
    reader.sees(&format!("mkdir debian; cp {EXAMPLE}/70-mydaemon debian/"));
    reader.sees("chown -R nobody debian");
    reader.types(example).stdout("1 looked at, nothing to mend\n").run();
}

/// Not as root, who runs nothing that others may change.
fn tries_what_is_not_installed(reader: &Reader, example: &str) {
    reader.changes_nothing(|| {
        let call = format!("runuser -u nobody -- {example}");
        reader.finds(&call, &["first run: not for me", "second run: not for me", "is harmless"]);
    });
}

fn tests_what_is_installed(reader: &Reader, example: &str) {
    let shipped = reader.sees(&format!("cat {EXAMPLE}/debian/tests/netcue"));
    let [shown, shipped] = [example, &shipped]
        .map(|text| text.lines().filter(|line| line.starts_with("netcue")).collect::<Vec<_>>());
    assert_eq!(shown, shipped);
    reader.sees(&format!("install {EXAMPLE}/70-mydaemon /usr/lib/netcue/hooks.d/"));
    reader.finds(&format!("{EXAMPLE}/debian/tests/netcue"), &["to mend\n", "is harmless"]);
    // With the hook broken, the test fails.
    reader.writes_program("/usr/lib/netcue/hooks.d/70-mydaemon", "#!/bin/sh\nexit 1\n");
    reader.types(&format!("{EXAMPLE}/debian/tests/netcue")).status(1).any_stdout().run();
    fs::remove_file("/usr/lib/netcue/hooks.d/70-mydaemon").expect("the file");
}

fn writes_a_hook(reader: &Reader, example: &str) {
    reader.writes("30-office-route", example);
}

fn installs_it(reader: &Reader, example: &str) {
    reader.types(example).run();
    reader.types("stat -c '%a %U' /etc/netcue/hooks.d/30-office-route").stdout("755 root\n").run();
}

fn finds_it(reader: &Reader, example: &str) {
    reader.finds(example, &["runs  30-office-route  action=up interface=ppp* timeout=10s "]);
}

fn would_run(reader: &Reader, example: &str) {
    reader.changes_nothing(|| reader.finds(example, &["  run   30-office-route "]));
}

const ROUTE: &str = "198.51.100.0/24 dev ppp0 ";

fn runs_it(reader: &Reader, example: &str) {
    assert!(!reader.scene.ip("route").contains(ROUTE));
    reader.types(example).stdout("ID handled\n").run();
    assert!(reader.scene.ip("route").contains(ROUTE));
}

fn sees_what_it_did(reader: &Reader, example: &str) {
    reader.finds(example, &["      | 198.51.100.0/24 is reached through ppp0\n"]);
}

fn does_the_same_elsewhere(reader: &Reader, example: &str) {
    let parts = [" handled\n", "| 198.51.100.0/24 is reached through ppp0\n", ROUTE];
    reader.changes_nothing(|| reader.finds(example, &parts));
}

fn parses(reader: &Reader, example: &str) {
    let call = format!("{example} ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1");
    reader.changes_nothing(|| reader.finds(&call, &["\"local\": \"192.0.2.7\""]));
}

fn emits_json(reader: &Reader, example: &str) {
    let call = reader.types(example).stdin("{\"action\": \"up\", \"interface\": \"ppp0\"}");
    call.stdout("ID handled\n").run();
    assert_eq!(reader.last_event()["interface"], "ppp0");
}

fn marks_a_replay(reader: &Reader, example: &str) {
    let id = reader.last_event()["id"].clone();
    reader.types(&format!("{example} last")).stdout("ID handled\n").run();
    assert_eq!(reader.last_event()["details"]["replay_of"], id);
}

fn emits_a_detail(reader: &Reader, example: &str) {
    reader.types(&example.replace("NAME", "name")).stdout("ID handled\n").run();
    assert_eq!(reader.last_event()["details"]["name"], "VALUE");
}

/// What pppd gives its script for such a link, apart from what is of that moment.
fn is_what_pppd_says(reader: &Reader, example: &str) {
    let call = "netcue parse ppp ip-up ppp0 /dev/ttyS0 115200 192.0.2.7 192.0.2.1";
    let shown = reader.types(call).env("DNS1", "192.0.2.53").env("PEERNAME", "isp");
    let shown = shown.any_stdout().run().stdout;
    let [expected, found] = [example, &shown].map(|text| {
        let mut event: Value = serde_json::from_str(text).expect("JSON");
        for stamp in ["id", "time", "boottime_ns", "boot_id", "netns"] {
            event[stamp] = Value::Null;
        }
        event
    });
    assert_eq!(found, expected);
}

fn in_a_hook(reader: &Reader, example: &str) {
    let hook = format!("#!/bin/sh\n{example}");
    reader.writes_program("/etc/netcue/hooks.d/70-says", &hook);
    let call = "netcue from ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1";
    reader.types(call).env("DNS1", "192.0.2.53").run();
    reader.is_over();
    let said = &reader.scene.end_of("70-says")["output"];
    assert_eq!(*said, "ppp0 has 192.0.2.7\n192.0.2.53\n");
}
