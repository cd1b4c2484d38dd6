//! Any bytes as the kernel's answer: framing, interfaces, addresses, routes, and a table
//! held against the rules wanted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use netcue::config::Rules;
use netcue::engine::{Ruleset, classify, differences, ruleset};
use netcue::sys::netlink::{Answer, Received, attribute, attributes};
use netcue::sys::nexthop::Nexthops;
use netcue::sys::nftables::LiveTable;
use netcue::sys::rtnetlink;
use netcue::sys::state::{KernelState, Link};

static WANTED: LazyLock<Ruleset> = LazyLock::new(|| {
    let link = |index, name: &str| Link {
        index,
        name: name.parse().expect("a name"),
        up: true,
        loopback: false,
        mtu: 1492,
        master: None,
        kind: None,
        vrf_table: None,
        point_to_point: false,
        parent: None,
    };
    let rules = Rules {
        external: Some(vec!["wan".parse().expect("a name")]),
        internal: Some(vec!["lan".parse().expect("a name")]),
        ..Rules::default()
    };
    let state =
        KernelState { links: vec![link(1, "wan"), link(2, "lan")], ..KernelState::default() };
    ruleset(&classify(&state, &rules), &rules)
});

fuzz_target!(|bytes: &[u8]| {
    let sequence =
        bytes.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |n| u32::from_ne_bytes(*n));
    for dump in [false, true] {
        let mut answer = Answer::to(sequence, dump);
        let mut messages = Vec::new();
        let whole = answer.take_in(bytes, &mut |kind, payload| {
            messages.push(Received { kind, payload: payload.to_vec() });
        });
        if !answer.is_consistent() {
            continue;
        }
        if let Err(error) = whole {
            assert!(!error.to_string().is_empty());
        }
        let mut state = KernelState::default();
        let mut nexthops = Nexthops::default();
        let mut live = LiveTable::default();
        for (number, message) in messages.iter().enumerate() {
            assert!(message.payload.len() <= bytes.len());
            nexthops.decode(message);
            rtnetlink::decode(&mut state, &nexthops, message.kind, &message.payload);
            let part = message.payload.get(4..).unwrap_or_default().to_vec();
            let total: usize = attributes(&part).map(|(_, _, value)| value.len() + 4).sum();
            assert!(total <= part.len());
            if let Some(value) = attribute(&part, 1) {
                live.elements
                    .insert(String::from_utf8_lossy(value).into_owned(), vec![part.clone()]);
            }
            match number % 4 {
                0 => live.table = Some(part),
                1 => live.chains.push(part),
                2 => live.rules.push(part),
                _ => live.sets.push(part),
            }
        }
        // A kernel that says nonsense never has the rules wanted.
        assert!(!differences(&WANTED, &live).is_empty());
        let rules = Rules::default();
        let classes = classify(&state, &rules);
        assert!(!netcue::engine::text(&ruleset(&classes, &rules)).is_empty());
    }
});
