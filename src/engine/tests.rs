//! The decisions of the engine, case by case.

use super::{Classes, KernelState, Side, classify, ruleset, text};
use crate::config::{Config, Rules, parse};
use crate::event::Family;
use crate::sys::state::Link;

/// A gateway in the form of the fixtures: lo 1, lan 2 (192.168.1.1/24), wan 3 (198.51.100.2/24).
fn state(routes: &str, more: &str) -> KernelState {
    let json = format!(
        r#"{{
        "links": [{{"index":1,"name":"lo","up":true,"loopback":true}},
                  {{"index":2,"name":"lan","up":true}}, {{"index":3,"name":"wan","up":true}},
                  {{"index":4,"name":"down"}}, {{"index":5,"name":"idle","up":true}}
                  {more}],
        "addresses": [{{"ifindex":1,"local":"127.0.0.1","prefix":8}},
                      {{"ifindex":2,"local":"192.168.1.1","prefix":24}},
                      {{"ifindex":3,"local":"198.51.100.2","prefix":24}},
                      {{"ifindex":4,"local":"192.168.4.1","prefix":24}},
                      {{"ifindex":5,"local":"fe80::5","prefix":64}}],
        "routes": [{routes}],
        "policy_rules": [{{"family":"ipv4","table":100}}, {{"family":"ipv6","table":200}}]}}"#
    );
    serde_json::from_str(&json).expect("a state")
}

fn link(index: u32, name: &str) -> Link {
    let json = format!(r#"{{"index":{index},"name":"{name}","up":true}}"#);
    serde_json::from_str(&json).expect("a link")
}

fn configured(text: &str) -> Rules {
    let Config { rules, .. } = parse(text, "netcue.conf".as_ref()).expect("a configuration");
    rules
}

fn default_via(index: u32, more: &str) -> String {
    format!(r#"{{"family":"ipv4","out_interfaces":[{index}]{more}}}"#)
}

/// `outside | inside | guest | undecided | ignored`, as far as the last that is anything; with
/// a digit what holds for one family only.
fn shown(classes: &Classes) -> String {
    let sides = [Side::Outside, Side::Inside, Side::Guest, Side::Undecided, Side::Ignored];
    let text = sides
        .map(|side| {
            let name = |(name, family, _): (&crate::event::InterfaceName, Option<Family>, _)| {
                let digit = match family {
                    None => "",
                    Some(Family::Ipv4) => "4",
                    Some(Family::Ipv6) => "6",
                };
                format!("{name}{digit}")
            };
            classes.all_on(side).map(name).collect::<Vec<_>>().join(" ")
        })
        .join(" | ");
    text.trim_end_matches([' ', '|']).to_owned()
}

#[test]
fn a_default_route_makes_an_interface_lead_outside() {
    let part =
        |dest: &str| format!(r#"{{"family":"ipv4","out_interfaces":[3],"destination":"{dest}"}}"#);
    let wan = "wan | lan";
    let none = " | lan |  | wan";
    for (routes, expected) in [
        (String::new(), none),
        (default_via(3, ""), wan),
        (default_via(3, r#","metric":4294967295"#), wan),
        (default_via(3, r#","table":100"#), wan),
        (default_via(3, r#","table":253"#), wan),
        (default_via(3, r#","table":101"#), none),
        // Only IPv6 packets are looked up in table 200.
        (default_via(3, r#","table":200"#), none),
        (default_via(1, ""), none),
        (default_via(99, ""), none),
        (part("0.0.0.0/1"), none),
        (format!("{},{}", part("0.0.0.0/1"), part("128.0.0.0/1")), wan),
        (format!("{},{}", part("0.0.0.0/1"), part("192.0.0.0/2")), none),
        (part("10.0.0.0/8"), none),
        (r#"{"family":"ipv6","out_interfaces":[3],"destination":"2000::/3"}"#.to_owned(), wan),
    ] {
        let classes = classify(&state(&routes, ""), &Rules::default());
        assert_eq!(shown(&classes), expected, "{routes}");
    }
}

#[test]
fn an_address_with_a_slip_in_its_prefix_makes_not_all_the_world_internal() {
    let mut state = state(&default_via(3, ""), "");
    for address in &mut state.addresses {
        address.prefix = if address.ifindex == 2 { 0 } else { address.prefix };
    }
    let classes = classify(&state, &Rules::default());
    assert_eq!(shown(&classes), "wan | lan");
    assert_eq!(classes.networks(), Vec::<String>::new());
    assert_eq!(
        classes.notes,
        ["lan has 192.168.1.1/0: nothing as large as that is a network inside"]
    );
}

#[test]
fn the_reason_names_the_best_default_route() {
    let routes = [
        default_via(3, r#","gateway":"198.51.100.1","metric":100"#),
        default_via(3, r#","gateway":"198.51.100.9","metric":50"#),
        default_via(3, r#","table":100"#),
    ]
    .join(",");
    let classes = classify(&state(&routes, ""), &Rules::default());
    let reasons: Vec<&str> = [Side::Outside, Side::Inside]
        .into_iter()
        .flat_map(|side| classes.all_on(side))
        .map(|(_, _, standing)| standing.why.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "default route via 198.51.100.9, table main, metric 50",
            "up with 192.168.1.1/24, no default route"
        ]
    );
}

#[test]
fn the_configuration_corrects_each_side() {
    for (conf, expected) in [
        ("", "wan | lan"),
        // What has a default route is never inside because others are named.
        ("external = ['ppp0']", "ppp0 | lan |  | wan"),
        ("external = []", " | lan |  | wan"),
        ("external-out = ['ppp0']", "ppp0 wan | lan"),
        ("external-in = ['ppp0']", "ppp0 wan | lan"),
        ("external-out = ['ppp0']\nexternal-in = ['ppp1']", "ppp0 ppp1 | lan |  | wan"),
        ("internal = ['lan', 'wlan0']", "wan | lan wlan0"),
        ("internal = ['wlan0']", "wan | wlan0 |  | lan"),
        ("internal = ['wan']", " | wan |  | lan"),
        ("internal = ['lan']\nexternal = ['lan']", "lan |  |  | wan"),
        ("ignore = ['lan']", "wan |  |  |  | lan"),
        ("ignore = ['wan']", " | lan |  |  | wan"),
        ("external = ['wan']\nignore = ['wan']", " | lan |  |  | wan"),
        ("[interface.lan]\nside = 'guest'", "wan |  | lan"),
        ("[interface.wan]\nside = 'inside'", " | lan wan"),
        ("[interface.down]\nside = 'outside'", "down wan | lan"),
        ("external = ['wan']\n[interface.lan]\nside = 'ignore'", "wan |  |  |  | lan"),
    ] {
        let rules = configured(&format!("[rules]\n{conf}\n"));
        let classes = classify(&state(&default_via(3, ""), ""), &rules);
        assert_eq!(shown(&classes), expected, "{conf}");
    }
}

#[test]
fn a_bridge_speaks_for_its_ports_and_a_vrf_does_not() {
    let mut state = state(
        &default_via(3, ""),
        r#",{"index":8,"name":"br0","up":true,"kind":"bridge"},
            {"index":9,"name":"port","up":true,"master":8},
            {"index":10,"name":"red","up":true,"kind":"vrf","vrf_table":7},
            {"index":11,"name":"slave","up":true,"master":10}"#,
    );
    for index in [8, 9, 11] {
        let mut address = state.addresses[1].clone();
        address.ifindex = index;
        state.addresses.push(address);
    }
    let classes = classify(&state, &Rules::default());
    assert_eq!(shown(&classes), "wan | br0 lan red slave");
}

#[test]
fn the_tables_of_vrf_devices_count_with_an_l3mdev_rule() {
    let mut state = state(
        &default_via(3, r#","table":7"#),
        r#",{"index":10,"name":"red","up":true,"kind":"vrf","vrf_table":7}"#,
    );
    assert_eq!(shown(&classify(&state, &Rules::default())), " | lan |  | wan");
    state.policy_rules[0].l3mdev = true;
    state.links[2].master = Some(10);
    let classes = classify(&state, &Rules::default());
    assert_eq!(shown(&classes), "red wan | lan", "what wan forwards carries the name red");
}

#[test]
fn what_is_configured_and_missing_is_noted_once() {
    let rules = configured("[rules]\nexternal = ['wan', 'ppp0']\n");
    let classes = classify(&state("", ""), &rules);
    assert_eq!(classes.notes, ["ppp0 is in netcue.conf and does not exist (yet)"]);
}

#[test]
fn internal_networks_leave_out_what_belongs_nowhere() {
    let routes = [
        default_via(3, ""),
        r#"{"family":"ipv4","out_interfaces":[2],"destination":"10.0.0.0/8"}"#.to_owned(),
        r#"{"family":"ipv4","out_interfaces":[2],"destination":"169.254.0.0/16"}"#.to_owned(),
        r#"{"family":"ipv4","out_interfaces":[2],"destination":"224.0.0.0/4"}"#.to_owned(),
        r#"{"family":"ipv4","out_interfaces":[2],"destination":"172.16.0.0/16","table":101}"#
            .to_owned(),
        // One leg outside.
        r#"{"family":"ipv4","out_interfaces":[2,3],"destination":"172.17.0.0/16"}"#.to_owned(),
        r#"{"family":"ipv4","out_interfaces":[3],"destination":"10.9.0.0/16"}"#.to_owned(),
    ]
    .join(",");
    let classes = classify(&state(&routes, ""), &Rules::default());
    let networks = |set: &super::Intervals| set.texts().collect::<Vec<_>>().join(" ");
    assert_eq!(networks(&classes.internal4), "10.0.0.0/8 192.168.1.0/24");
    assert_eq!(
        networks(&classes.only_internal4),
        "10.0.0.0-10.8.255.255 10.10.0.0-10.255.255.255 192.168.1.0/24"
    );
    assert!(classes.internal6.is_empty());
}

#[test]
fn switches_leave_their_rules_out() {
    let state = state(&default_via(3, ""), r#",{"index":6,"name":"ppp0","mtu":1492}"#);
    let narrow = "external = ['wan', 'ppp0']\n";
    for (conf, word, present) in [
        ("", "masquerade", true),
        ("masquerade = false", "masquerade", false),
        ("", "maxseg", true),
        ("clamp-mss = false", "maxseg", false),
        ("masquerade = false", "drop", true),
        ("masquerade = false", "untranslated", false),
    ] {
        let rules = configured(&format!("[rules]\n{narrow}{conf}\n"));
        let text = text(&ruleset(&classify(&state, &rules), &rules));
        assert_eq!(text.contains(word), present, "{conf:?} {text}");
    }
}

#[test]
fn comments_fit_and_no_rule_refers_to_a_missing_set() {
    let rules = configured(
        "[rules]\nexternal = ['wan', 'ppp0']\nforward = [{ port = 'tcp/22', to = '192.168.7.2' }]\nprotect = true\n",
    );
    let state = state(
        r#"{"family":"ipv6","out_interfaces":[2],"destination":"2001:db8::/64"}"#,
        r#",{"index":6,"name":"ppp0","mtu":1492}"#,
    );
    let wanted = ruleset(&classify(&state, &rules), &rules);
    let sets: Vec<_> = wanted.sets.iter().map(|set| set.name).collect();
    assert_eq!(sets, super::SetName::ALL);
    assert_eq!(wanted.counters, super::CounterName::ALL);
    for rule in wanted.chains.iter().flat_map(|chain| &chain.rules) {
        assert!(rule.comment.len() <= 128 && !rule.comment.contains('"'), "{rule:?}");
        assert!(
            rule.statements.iter().filter_map(super::Statement::set).all(|set| sets.contains(&set)),
            "{rule:?}"
        );
    }
    assert!(super::SetName::ALL.iter().all(|set| set.comment().len() <= 128));
}

#[test]
fn nothing_is_forwarded_before_an_interface_is_up() {
    let refusal = "ct state invalid,new,untracked counter name \"refused\" drop";
    let up = state(&default_via(3, ""), "");
    let mut down = up.clone();
    for link in &mut down.links {
        link.up = link.loopback;
    }
    for conf in ["", "external = ['wan']\ninternal = ['lan']", "internal = []", "external = []"] {
        let rules = configured(&format!("[rules]\n{conf}\n"));
        for state in [&down, &KernelState::default()] {
            let wanted = ruleset(&classify(state, &rules), &rules);
            let forward = &wanted.chains[1];
            let first = forward.rules.first().map(super::rule_text).unwrap_or_default();
            assert!(first.starts_with(refusal), "{conf:?} {first}");
        }
        let text = text(&ruleset(&classify(&up, &rules), &rules));
        assert!(!text.contains(&format!("\t\t{refusal}")), "{conf:?} {text}");
    }
}

/// What the sides of these interfaces are when the one state came after the other.
fn after(before: &KernelState, mut now: KernelState) -> Classes {
    let rules = Rules::default();
    now.remembered = classify(before, &rules).remembered;
    let classes = classify(&now, &rules);
    // To remember what was found changes nothing: a state is recorded with what was
    // remembered before or after.
    let again = KernelState { remembered: classes.remembered.clone(), ..now };
    assert_eq!(shown(&classify(&again, &rules)), shown(&classes));
    classes
}

#[test]
fn what_was_outside_stays_so_while_it_is_the_same_interface() {
    let up = state(&default_via(3, ""), "");
    let gone = state("", "");
    assert_eq!(shown(&after(&up, gone.clone())), "wan | lan");
    let mut another = gone;
    another.links[2].index = 33;
    another.addresses[2].ifindex = 33;
    assert_eq!(shown(&after(&up, another)), " | lan |  | wan");
}

#[test]
fn what_was_inside_is_not_taken_out_by_an_advertisement_or_a_worse_route() {
    let up = state(&default_via(3, ""), "");
    let with = |route: &str| state(&format!("{},{route}", default_via(3, "")), "");
    for (route, expected) in [
        (default_via(2, r#","metric":500"#), "wan | lan"),
        (default_via(2, r#","advertised":true"#), "wan | lan"),
        // The better one leads outside, wherever it is.
        (default_via(2, r#","metric":0"#), "lan wan"),
        (
            r#"{"family":"ipv6","out_interfaces":[2],"advertised":true}"#.to_owned(),
            "lan6 wan | lan4",
        ),
    ] {
        let classes = after(&up, with(&route));
        assert_eq!(shown(&classes), expected, "{route}");
        let is_told = classes.notes.iter().any(|note| note.contains("[interface.lan] side"));
        assert_eq!(is_told, expected != "lan wan", "{:?}", classes.notes);
    }
    // A machine that never saw it otherwise can't know, but for an advertisement of the other
    // family while this one leads out elsewhere.
    let never = |route: &str| shown(&classify(&with(route), &Rules::default()));
    assert_eq!(never(&default_via(2, r#","metric":500"#)), "lan wan");
    let advertised = r#"{"family":"ipv6","out_interfaces":[2],"advertised":true}"#;
    assert_eq!(never(advertised), "lan6 wan | lan4");
    assert_eq!(shown(&classify(&state(advertised, ""), &Rules::default())), "lan |  |  | wan");
}

#[test]
fn an_address_is_no_way_to_the_inside_where_anybody_may_have_given_it() {
    let with = |change: &dyn Fn(&mut KernelState)| {
        let mut state = state(&default_via(3, ""), "");
        state.links.push(link(8, "more"));
        state.addresses.push(
            serde_json::from_str(r#"{"ifindex":8,"local":"10.8.0.2","prefix":24}"#)
                .expect("an address"),
        );
        change(&mut state);
        shown(&classify(&state, &Rules::default()))
    };
    assert_eq!(with(&|_| ()), "wan | lan more");
    assert_eq!(with(&|state| state.addresses[5].leased = true), "wan | lan |  | more");
    assert_eq!(with(&|state| state.links[5].point_to_point = true), "wan | lan |  | more");
    let public = "203.0.113.9".parse().expect("an address");
    assert_eq!(with(&|state| state.addresses[5].local = public), "wan | lan |  | more");
    // A delegated prefix is given for a time, and so are addresses of our own advertisements.
    let delegated = r#"{"ifindex":2,"local":"2001:db8::1","prefix":64,"leased":true}"#;
    let delegated = |state: &mut KernelState| {
        state.addresses.push(serde_json::from_str(delegated).expect("an address"));
    };
    assert_eq!(with(&delegated), "wan | lan more");
}

#[test]
fn what_shares_a_cable_is_where_that_leads() {
    for (parent, kind, expected) in [
        (3, "macvlan", "vip wan | lan"),
        (3, "ipvlan", "vip wan | lan"),
        (2, "macvlan", "wan | lan vip"),
        // A VLAN is a cable of its own.
        (3, "vlan", "wan | lan vip"),
    ] {
        let mut state = state(&default_via(3, ""), "");
        let mut link = link(8, "vip");
        (link.parent, link.kind) = (Some(parent), Some(kind.to_owned()));
        state.links.push(link);
        let mut address = state.addresses[1].clone();
        address.ifindex = 8;
        state.addresses.push(address);
        assert_eq!(shown(&classify(&state, &Rules::default())), expected, "{kind} on {parent}");
    }
}
