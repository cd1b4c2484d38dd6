//! The examples of netcue-migrate(7), and its tables: what a script knew, a hook knows.

use std::collections::BTreeMap;

use crate::call::Call;
use crate::examples::{By, Row, go_through, of_the_page};
use crate::mdoc::{page, part};
use crate::reader::Reader;
use crate::scene::{Scene, script};

const NETCUE_MIGRATE_7: &[Row] = &[
    ("netcue sources", By::Reader(sees_who_calls)),
    ("netcue enable ppp ifupdown", By::Reader(has_them_call)),
    (
        "netcue try ./70-office from ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1",
        By::Reader(tries_it),
    ),
    ("install -m 755 70-office /etc/netcue/hooks.d/", By::Reader(puts_it_in_place)),
    ("netcue rules show", By::Reader(shows_the_rules)),
];

#[test]
fn every_example_of_netcue_migrate_7_works() {
    go_through(&Reader::installed(), &of_the_page("netcue-migrate.7"), NETCUE_MIGRATE_7);
}

fn sees_who_calls(reader: &Reader, example: &str) {
    reader.finds(example, &["ppp", "ifupdown", "networkmanager"]);
}

fn has_them_call(reader: &Reader, example: &str) {
    reader.sees("mkdir -p /etc/ppp/ip-up.d /etc/network/if-up.d");
    reader.sees(example);
    reader.finds("readlink /etc/ppp/ip-up.d/0000netcue", &["netcue"]);
    reader.finds("readlink /etc/network/if-up.d/*netcue*", &["netcue"]);
}

fn tries_it(reader: &Reader, example: &str) {
    let hook = "#!/bin/sh\n# netcue: source=ppp action=up\necho \"$NETCUE_LOCAL by $1\"\n";
    reader.writes_program("70-office", hook);
    // As root: the reader's folder is in /tmp, where everybody may write.
    let refused = reader.types(example).status(1).stdout_has("not run: root runs nothing").run();
    assert!(refused.stdout.contains("NETCUE_LOCAL=192.0.2.7"), "{refused:?}");
    reader.changes_nothing(|| {
        let call = format!("runuser -u nobody -- {example}");
        reader.finds(&call, &["| 192.0.2.7 by ppp0\n", "twice is harmless"]);
    });
}

fn puts_it_in_place(reader: &Reader, example: &str) {
    reader.sees(example);
    reader.types("netcue hooks --check 70-office").stdout("1 looked at, nothing to mend\n").run();
}

fn shows_the_rules(reader: &Reader, example: &str) {
    reader.changes_nothing(|| reader.finds(example, &["table inet netcue {", "masquerade"]));
}

/// A section, the call that its program makes, and what that says.
type Said = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const SAID: [Said; 3] = [
    (
        "/etc/ppp/ip-up.d",
        "ppp ip-up ppp0 /dev/ttyS0 115200 192.0.2.7 192.0.2.1 office",
        &[
            ("PPP_IFACE", "ppp0"),
            ("PPP_TTY", "/dev/ttyS0"),
            ("PPP_SPEED", "115200"),
            ("PPP_LOCAL", "192.0.2.7"),
            ("PPP_REMOTE", "192.0.2.1"),
            ("PPP_IPPARAM", "office"),
            ("PEERNAME", "isp"),
            ("DNS1", "192.0.2.53"),
        ],
    ),
    (
        "/etc/network/if-up.d",
        "ifupdown up",
        &[
            ("IFACE", "eth0"),
            ("LOGICAL", "home"),
            ("ADDRFAM", "inet"),
            ("METHOD", "static"),
            ("MODE", "start"),
            ("PHASE", "post-up"),
            ("IF_ADDRESS", "192.168.7.1"),
            ("IF_NETMASK", "255.255.255.0"),
            ("IF_GATEWAY", "192.168.7.254"),
        ],
    ),
    (
        "/etc/NetworkManager/dispatcher.d",
        "networkmanager eth0 up",
        &[
            ("CONNECTION_ID", "home"),
            ("CONNECTION_UUID", "01920b2e-7a5c-7c3e-9d10-8f2a4b6c7d8e"),
            ("DEVICE_IFACE", "eth0"),
            ("DEVICE_IP_IFACE", "eth0"),
            ("IP4_NUM_ADDRESSES", "1"),
            ("IP4_ADDRESS_0", "192.168.7.1/24 192.168.7.254"),
            ("IP4_GATEWAY", "192.168.7.254"),
            ("IP4_NAMESERVERS", "192.0.2.53"),
        ],
    ),
];

/// What stands in a hook's variable for a value of the script's.
fn as_a_hook_has_it(value: &str) -> &str {
    match value {
        "inet" => "ipv4",
        "255.255.255.0" => "24",
        "192.168.7.1/24 192.168.7.254" => "192.168.7.1",
        value => value,
    }
}

#[test]
fn what_a_script_knew_a_hook_knows() {
    for (section, call, said) in SAID {
        let scene = Scene::new();
        scene.hook("20-env", script("tr '\\0' '\\n' </proc/$$/environ"));
        let make = said.iter().fold(scene.calling(call), |made: Call, (name, value)| {
            // pppd's own script makes these of its words.
            if name.starts_with("PPP_") { made } else { made.env(name, *value) }
        });
        make.run();
        scene.settled();
        let output = scene.output_of("20-env");
        let has: BTreeMap<&str, &str> =
            output.lines().filter_map(|line| line.split_once('=')).collect();
        let mut seen = 0;
        for row in part(&page("netcue-migrate.7"), ".Sh", section).lines() {
            let Some((old, new)) =
                row.strip_prefix(".It Ev ").and_then(|row| row.split_once(" Ta Ev "))
            else {
                continue;
            };
            let old = old.split(' ').next().expect("a name");
            let new = new.split(' ').next().expect("a name");
            let (_, value) = said.iter().find(|(name, _)| *name == old).expect(old);
            let known = has.get(new).copied().unwrap_or_default();
            assert_eq!(known, as_a_hook_has_it(value), "{old} is {new}: {output}");
            seen += 1;
        }
        assert!(seen > 4, "{section}: {seen} rows");
    }
}
