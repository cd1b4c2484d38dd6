//! The examples of netcue(8), typed one after the other as somebody does who reads it.

use std::fs;

use serde_json::Value;

use crate::examples::{By, Row, go_through, of_the_page};
use crate::reader::Reader;
use crate::scene::text_of;

const NETCUE_8: &[Row] = &[
    ("netcue from manual run", By::Reader(does_what_the_plan_said)),
    ("netcue from ppp ip-up \"$@\"", By::Reader(is_what_a_link_says)),
    ("addroute \"/usr/sbin/netcue from diald addroute\"", By::Reader(diald_calls)),
    ("netcue from manual run", By::Reader(does_everything_anew)),
    (
        "add rule inet netcue user_forward iifname @outside4 ct state new limit rate 5/minute log prefix \"netcue \"",
        By::Reader(loads_a_rule_of_ones_own),
    ),
    ("netcue enable ppp", By::Reader(enables_ppp)),
    ("netcue enable boot --stage services --pre-network", By::Reader(enables_boot)),
    ("netcue sources", By::Reader(sources)),
    ("netcue plan from ppp ip-up ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1", By::Reader(plan)),
    ("mkdir /tmp/try", By::Reader(does_it_elsewhere)),
    ("netcue status", By::Reader(status)),
    ("netcue history", By::Reader(history)),
    ("netcue history last", By::Reader(history_last)),
    ("netcue history --failed --interface ppp0", By::Reader(history_failed)),
    ("netcue history --since 10m --source ppp", By::Reader(history_since)),
    ("netcue history --follow", By::Reader(history_follow)),
    ("netcue why", By::Reader(why)),
    ("netcue why 70-ddns", By::Reader(why_hook)),
    ("netcue why hook 70-ddns --at 10:42", By::Reader(why_at)),
    ("netcue why ppp0", By::Reader(why_interface)),
    ("netcue why rule masquerade", By::Reader(why_rule)),
    ("netcue why ppp", By::Reader(why_source)),
    ("netcue plan --current", By::Reader(plan_current)),
    ("netcue timeline", By::Reader(timeline)),
    ("netcue timeline --since boot > boot.svg", By::Reader(timeline_of_the_boot)),
    ("netcue capture 01993000-7a5c > incident.tar", By::Reader(captures)),
    ("netcue replay --sandbox incident.tar", By::Reader(replays)),
    ("netcue doctor", By::Reader(doctor)),
    ("netcue rules diff && echo yes", By::Reader(rules_diff)),
    ("netcue disable boot diald pcmcia", By::Reader(disables)),
];

#[test]
fn every_example_of_netcue_8_works() {
    go_through(&Reader::installed(), &of_the_page("netcue.8"), NETCUE_8);
}

fn does_what_the_plan_said(reader: &Reader, example: &str) {
    reader.changes_nothing(|| reader.finds("netcue plan --current", &["manual run: manual\n"]));
    reader.sees(example);
    assert!(reader.has_rules());
}

fn is_what_a_link_says(reader: &Reader, example: &str) {
    let link = "/etc/ppp/ip-up.d/0000netcue";
    let facts = || {
        reader.is_over();
        let mut event = reader.last_event();
        for stamp in ["id", "time", "boottime_ns"] {
            event[stamp] = Value::Null;
        }
        event
    };
    let words = "ppp0 ttyS0 115200 192.0.2.7 192.0.2.1 office";
    reader
        .sees(&format!("mkdir -p /etc/ppp/ip-up.d; ln -s /usr/sbin/netcue {link}; {link} {words}"));
    let by_the_link = facts();
    reader.sees(&format!("rm {link}; set -- {words}; {example}"));
    assert_eq!(by_the_link, facts());
    assert_eq!(reader.scene.outcomes(), ["done"; 3]);
}

/// diald hands the line's text to a shell, with the facts behind it.
fn diald_calls(reader: &Reader, example: &str) {
    let command = example.split('"').nth(1).expect("a command");
    reader.sees(&format!("{command} ppp0 255.255.255.255 192.0.2.7 192.0.2.1 0"));
    reader.is_over();
    let event = reader.last_event();
    assert_eq!(event["trigger"], "addroute");
    assert_eq!(event["local"], "192.0.2.7");
}

fn does_everything_anew(reader: &Reader, example: &str) {
    reader.scene.nft("delete table inet netcue");
    let before = reader.scene.outcomes().len();
    reader.sees(example);
    assert!(reader.has_rules());
    assert_eq!(reader.scene.outcomes().len(), before + 1);
}

fn loads_a_rule_of_ones_own(reader: &Reader, example: &str) {
    let file = "/etc/netcue/rules.d/10-log.nft";
    reader.writes(file, &format!("{example}\n"));
    reader.sees("netcue rules apply");
    reader.finds("nft list chain inet netcue user_forward", &["log prefix \"netcue \""]);
    fs::remove_file(file).expect("the file");
    reader.sees("netcue rules apply");
}

fn enables_ppp(reader: &Reader, example: &str) {
    reader.finds(example, &["ppp: linked /etc/ppp/ip-up.d/0000netcue -> /usr/sbin/netcue\n"]);
    reader.link_comes_up();
    assert_eq!(reader.last_event()["trigger"], "ip-up");
}

fn enables_boot(reader: &Reader, example: &str) {
    reader.sees(example);
    for choice in ["\nBOOT=\"services\"\n", "\nPRE_NETWORK=\"yes\"\n"] {
        assert!(reader.scene.text("etc/default/netcue").contains(choice), "{choice}");
    }
}

fn sources(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    let of = |name: &str| shown.lines().find(|line| line.starts_with(name)).expect(name);
    assert!(of("ppp ").contains("/etc/ppp/ip-down.d/0000netcue"), "{shown}");
    assert!(of("boot ").contains("netcue"), "{shown}");
}

fn plan(reader: &Reader, example: &str) {
    let parts = ["ppp ip-up: up ppp0 local 203.0.113.5 remote 203.0.113.1\n", "  run   50-rules"];
    reader.changes_nothing(|| reader.finds(example, &parts));
}

fn does_it_elsewhere(reader: &Reader, example: &str) {
    let parts = [" handled\nmanual emit ppp0 done\n", "50-rules  changed"];
    reader.changes_nothing(|| reader.finds(example, &parts));
}

/// From here on there is something to be found out.
fn status(reader: &Reader, example: &str) {
    reader.writes_program("/etc/netcue/hooks.d/40-fails", "#!/bin/sh\necho oops\nexit 3\n");
    reader.link_comes_up();
    fs::remove_file("/etc/netcue/hooks.d/40-fails").expect("the hook");
    reader.link_comes_up();
    reader.finds(
        example,
        &["rules      in force, ", "outside    ppp0: default route, ", "  40-fails\n"],
    );
}

fn history(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    assert!(shown.lines().last().expect("a line").contains("  ppp ip-up ppp0 "), "{shown}");
    for outcome in ["  done  ", "  failed  "] {
        assert!(shown.contains(outcome), "{shown}");
    }
}

fn history_last(reader: &Reader, example: &str) {
    reader
        .finds(example, &["ppp ip-up ppp0 done\n", "  local      192.0.2.7\n", "  50-rules  done"]);
}

fn history_failed(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.contains("40-fails"), "{shown}");
}

fn history_since(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    let of_ppp = |line: &str| line.contains("  ppp ip-up ppp0 ");
    assert!(shown.lines().count() > 3 && shown.lines().skip(1).all(of_ppp), "{shown}");
}

fn history_follow(reader: &Reader, example: &str) {
    let shown = reader.watches(example, || reader.link_comes_up());
    assert!(shown.contains("ppp ip-up ppp0"), "{shown}");
}

fn why(reader: &Reader, example: &str) {
    reader.finds(example, &[" with \"ip-up\" about ppp0, ", "All of it was done after "]);
}

fn why_hook(reader: &Reader, example: &str) {
    reader.finds(
        example,
        &["/usr/lib/netcue/hooks.d/70-ddns runs for events with ", "none of its business"],
    );
}

/// At a time when nothing happened, or may have, and at one when something did.
fn why_at(reader: &Reader, example: &str) {
    reader.finds(example, &["/70-ddns runs for events with "]);
    let example = example.replace("10:42", &reader.minute_of_the_last_event());
    reader.finds(&example, &[", ppp ip-up ppp0 ("]);
}

fn why_interface(reader: &Reader, example: &str) {
    reader
        .finds(example, &["ppp0 is outside: default route", "The last event about it: ppp ip-up"]);
}

fn why_rule(reader: &Reader, example: &str) {
    reader.finds(example, &[" masquerade comment ", "It is there because "]);
}

fn why_source(reader: &Reader, example: &str) {
    let parts = [
        "It is switched on.\n",
        "    /etc/ppp/ip-up.d/0000netcue, a link to /usr/sbin/netcue\n",
        "It was last heard ",
    ];
    reader.finds(example, &parts);
}

fn plan_current(reader: &Reader, example: &str) {
    let parts = [
        "manual run: manual\n",
        "  skip  80-demand ",
        "\n50-rules would change nothing: the rules are what ",
    ];
    reader.changes_nothing(|| reader.finds(example, &parts));
}

fn timeline(reader: &Reader, example: &str) {
    reader.finds(example, &["<svg ", "ppp ip-up ppp0", "50-rules", "</svg>\n"]);
}

fn timeline_of_the_boot(reader: &Reader, example: &str) {
    reader.types(example).run();
    let shown = reader.sees("xmllint --noout boot.svg && cat boot.svg");
    assert!(shown.contains("diald addroute ppp0") && shown.contains("40-fails"), "{shown}");
}

/// The beginning of the last event's id, as netcue shows it.
fn short_id(reader: &Reader) -> String {
    text_of(&reader.last_event()["id"]).chars().take("01993000-7a5c".len()).collect()
}

fn captures(reader: &Reader, example: &str) {
    reader.types(&example.replace("01993000-7a5c", &short_id(reader))).run();
    reader.finds("tar --list --file incident.tar", &["/README\n", "/event.json\n"]);
}

fn replays(reader: &Reader, example: &str) {
    let replay = format!("replay of {}: handled\n", text_of(&reader.last_event()["id"]));
    let parts = [&replay, "\nrules:\n", "oifname != @untranslated"];
    reader.changes_nothing(|| {
        let shown = reader.sees(example);
        for part in parts {
            assert!(shown.contains(part), "no {part:?} in {shown}");
        }
    });
}

fn doctor(reader: &Reader, example: &str) {
    reader.finds(example, &["Nothing needs attention.\n"]);
}

fn rules_diff(reader: &Reader, example: &str) {
    reader.types(example).stdout("yes\n").run();
}

fn disables(reader: &Reader, example: &str) {
    reader.sees(example);
    let left = reader.scene.names_in("etc/netcue/enabled");
    for (name, is_on) in [("manual", true), ("ppp", true), ("boot", false), ("diald", false)] {
        assert_eq!(left.contains(&name.to_owned()), is_on, "{name}: {left:?}");
    }
    for (call, outcome) in [("boot services", "disabled"), ("manual run", "done")] {
        reader.sees(&format!("netcue from {call}"));
        reader.is_over();
        assert_eq!(reader.scene.outcomes().pop().expect("an outcome"), outcome, "{call}");
    }
}
