//! The examples of netcue.conf(5), and the file with every key that is installed.

use std::path::Path;

use netcue::config::{self, Config};

use crate::examples::{By, Row, go_through, in_repository, of_the_page};
use crate::manual::documented_keys;
use crate::mdoc::words;
use crate::reader::Reader;

const NETCUE_CONF_5: &[Row] = &[
    ("netcue check", By::Reader(checks)),
    ("[rules]", By::Reader(is_configured)),
    ("netcue rules diff", By::Reader(shows_what_a_file_does)),
];

#[test]
fn every_example_of_netcue_conf_5_works() {
    go_through(&Reader::installed(), &of_the_page("netcue.conf.5"), NETCUE_CONF_5);
}

fn checks(reader: &Reader, example: &str) {
    reader.writes("/etc/netcue/netcue.conf", "strict = false\nstrct = true\n");
    let place = "netcue: /etc/netcue/netcue.conf:2:1: ";
    reader.types(example).status(78).stderr_has(place).run();
}

fn is_configured(reader: &Reader, example: &str) {
    reader.writes("/etc/netcue/netcue.conf", "");
    reader.sees("netcue rules apply");
    let shown = reader.sees("netcue rules show");
    assert!(shown.contains("elements = { \"ppp0\" }"), "{shown}");
    assert!(shown.contains("192.168.9.0/24"), "{shown}");
    reader.writes("/etc/netcue/netcue.conf", example);
    reader.types("netcue check").stdout("/etc/netcue/netcue.conf is good\n").run();
    reader.finds("netcue why guest0", &["guest0 is guest: side in netcue.conf."]);
    reader.finds("netcue why wg0", &["wg0 is inside: side in netcue.conf."]);
    reader.finds("netcue why lab0", &["lab0 is ignored: ignore in netcue.conf."]);
    reader.writes_program("/etc/netcue/hooks.d/40-x", "#!/bin/sh\n");
    reader.finds("netcue why 40-x", &["for at most 20 s"]);
}

/// The file is the one that [`is_configured`] has put in place.
fn shows_what_a_file_does(reader: &Reader, example: &str) {
    reader.changes_nothing(|| {
        let shown = reader.types(example).status(1).any_stdout().run().stdout;
        let changed = |sign: char| -> Vec<String> {
            let lines = shown.lines().filter_map(|line| line.strip_prefix(sign));
            lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        // eth1 is outside now, and guest0 not inside.
        let (gone, come) = (changed('-').concat(), changed('+').concat());
        assert!(
            come.contains("elements = { \"eth1\",") && gone.contains("{ \"eth1\" }"),
            "{shown}"
        );
        assert!(gone.contains("192.168.9.0/24") && come.contains("\"guest0\""), "{shown}");
    });
}

/// The settings of the example of a file, without the marks: `# key = value   # remark`.
fn settings() -> String {
    let text = in_repository("docs/netcue.conf");
    let (_, settings) = text.split_once("\n\n").expect("an introduction");
    settings.lines().map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect()
}

#[test]
fn the_example_of_a_configuration_has_every_key_and_takes_effect() {
    let reader = Reader::installed();
    let installed = "/usr/share/doc/netcue/examples/netcue.conf";
    reader
        .types(&format!("netcue check {installed}"))
        .stdout(&format!("{installed} is good\n"))
        .run();
    let parse = |text: &str| config::parse(text, Path::new("netcue.conf")).expect("a good one");
    assert_eq!(parse(&in_repository("docs/netcue.conf")), Config::default());
    let (mut table, mut keys) = ("", Vec::new());
    let settings = settings();
    for line in settings.lines() {
        let Some((key, _)) = line.split_once(" = ") else {
            table = line;
            continue;
        };
        keys.push(format!("{table} {key}"));
        let is_default = parse(&format!("{table}\n{line}\n")) == Config::default();
        assert_eq!(is_default, !line.contains("# else: "), "{line}");
    }
    let documented = documented_keys().into_iter().map(|(table, key, ..)| format!("{table} {key}"));
    assert_eq!(words(keys), words(documented));
    reader.writes("/etc/netcue/netcue.conf", &settings);
    reader.types("netcue check").stdout("/etc/netcue/netcue.conf is good\n").run();
    let three = "elements = { \"eql0\",\n\t\t\t     \"ppp0\",\n\t\t\t     \"ppp1\" }";
    let parts = [
        three,
        "set guests {\n\t\ttype ifname\n\t\tcomment \"interfaces with guests\"\n\t\telements = { \"eth7\" }",
    ];
    reader.finds("netcue rules show", &parts);
}
