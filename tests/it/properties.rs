//! What holds for every value, tried on thousands that nobody chose.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;
use netcue::config;
use netcue::event::{
    Action, Cause, Cidr, Details, Event, Fact, Facts, Family, InterfaceName, SourceName, Stamp,
    Text, Warning, hook_environment,
};
use netcue::journal::{self, Entry, Journal, Outcome, Reach, Record, StepEnd, StepOutcome};
use netcue::paths::Layout;
use netcue::plan::Wishes;
use netcue::queue::{InHand, Note, Queue, State};
use netcue::reason::Reason;
use netcue::sources::{self, Call};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use uuid::Uuid;

/// What fits is taken, so any text can be drawn from.
fn parsed<T>(words: impl Strategy<Value = String>) -> impl Strategy<Value = T>
where
    T: FromStr + Debug,
{
    words.prop_filter_map("passes its check", |word| word.parse().ok())
}

fn text() -> impl Strategy<Value = Text> {
    parsed("\\PC{0,40}|[ -~]{0,256}")
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn cidr() -> impl Strategy<Value = Cidr> {
    (address(), 0u8..=128).prop_map(|(address, prefix)| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        Cidr { address, prefix: prefix.min(longest) }
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![proptest::sample::select(&Action::KNOWN[..]), parsed("[a-z][a-z0-9-]{0,31}")]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        any::<bool>().prop_map(Fact::Bool),
        any::<u64>().prop_map(Fact::Number),
        text().prop_map(Fact::Text),
        vec(text(), 0..4).prop_map(Fact::List),
    ]
}

fn details() -> impl Strategy<Value = Details> {
    btree_map("[a-z0-9_]{1,32}", fact(), 0..8)
        .prop_map(|map: BTreeMap<String, Fact>| Details::try_from(map).expect("names that fit"))
}

prop_compose! {
    fn facts()(
        trigger in text(),
        action in of(action()),
        interface in of(interface()),
        family in of(prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)]),
        addresses in (of(address()), of(address()), of(address())),
        prefix in of(any::<u8>()),
        lists in (of(vec(cidr(), 0..4)), of(vec(address(), 0..4)), of(vec(address(), 0..4))),
        details in details(),
        facts_complete in any::<bool>(),
        warnings in vec((text(), text()), 0..4),
        later in btree_map("x_[a-z]{1,8}", any::<i64>().prop_map(serde_json::Value::from), 0..3),
    ) -> Facts {
        Facts {
            trigger, action, interface, family, prefix, details, facts_complete, later,
            local: addresses.0,
            remote: addresses.1,
            gateway: addresses.2,
            addresses: lists.0,
            gateways: lists.1,
            dns: lists.2,
            warnings: warnings.into_iter().map(|(field, reason)| Warning { field, reason }).collect(),
        }
    }
}

fn interface() -> impl Strategy<Value = InterfaceName> {
    parsed("[!-~]{1,15}")
}

prop_compose! {
    fn event()(
        facts in facts(),
        source in parsed::<SourceName>("[a-z0-9][a-z0-9-]{0,31}"),
        ids in any::<[u128; 2]>(),
        second in -2_000_000_000i64..4_000_000_000,
        boottime_ns in any::<u64>(),
        boot in of(any::<u128>()),
        ifindex in of(any::<u32>()),
        depth in of(0u32..9),
    ) -> Event {
        let stamp = Stamp {
            id: Uuid::from_u128(ids[0]),
            time: Timestamp::from_second(second).expect("a time"),
            boottime_ns,
            boot_id: boot.map(Uuid::from_u128),
            ifindex,
            cause: depth.map(|depth| Cause {
                id: Uuid::from_u128(ids[1]),
                first: (depth > 1).then(|| Uuid::from_u128(ids[0])),
                depth,
            }),
        };
        Event::new(source, facts, stamp)
    }
}

proptest! {
    #[test]
    fn an_event_comes_back_from_the_queue_as_it_was(event in event()) {
        let json = event.to_json();
        prop_assert!(!json.contains('\n'));
        prop_assert_eq!(Event::from_json(json.as_bytes()).expect("what we wrote"), event);
    }

    #[test]
    fn facts_emitted_as_json_are_the_facts_that_were_meant(event in event()) {
        // The stamp of another event is left out, whatever it says.
        let facts = Facts::from_json(event.to_json().as_bytes()).expect("what we wrote");
        prop_assert_eq!(facts, event.facts);
    }

    #[test]
    fn numbers_of_a_later_version_are_passed_on_as_they_came(number in any::<f64>()) {
        prop_assume!(number.is_finite());
        let facts = Facts::from_json(format!("{{\"x\":{number:e}}}").as_bytes()).expect("JSON");
        let again = serde_json::to_vec(&facts).expect("JSON");
        prop_assert_eq!(facts.later["x"].as_f64(), Some(number));
        prop_assert_eq!(Facts::from_json(&again).expect("what we wrote"), facts);
    }

    #[test]
    fn an_environment_has_one_line_per_variable(event in event()) {
        let mut names = Vec::new();
        for (name, value) in hook_environment(&event) {
            prop_assert!(!value.chars().any(char::is_control), "{}={:?}", name, value);
            prop_assert!(name.starts_with("NETCUE_") && !name.contains('='));
            names.push(name);
        }
        let all = names.len();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), all, "no name twice");
    }

    #[test]
    fn names_of_networks_and_interfaces_come_back_as_they_were(cidr in cidr(), name in interface()) {
        prop_assert_eq!(cidr.to_string().parse::<Cidr>().expect("what we wrote"), cidr);
        prop_assert_eq!(name.to_string().parse::<InterfaceName>().expect("what we wrote"), name);
    }

    #[test]
    fn no_interface_is_called_what_a_command_or_a_file_system_would_read_otherwise(
        word in "\\PC{0,20}|[ -~]{0,16}|-[a-z]{1,5}|(\\.\\./)+[a-z]",
    ) {
        if let Ok(name) = word.parse::<InterfaceName>() {
            let name = name.as_str();
            prop_assert!((1..=15).contains(&name.len()));
            prop_assert!(!name.starts_with('-') && ![".", ".."].contains(&name));
            prop_assert!(name.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert!(!name.contains(['/', '\\', '$', '`', '"', '\'', ';', '&', '|', '*', '?']));
        }
    }

    #[test]
    fn a_note_comes_back_and_a_spoilt_one_is_none(
        ticket in "[0-9]{20}-[0-9a-f-]{36}\\.json",
        id in any::<u128>(),
        deaths in any::<u32>(),
        stops in any::<u32>(),
        stopped in any::<bool>(),
        cut in 1usize..40,
    ) {
        let state = if stopped { State::Stopped } else { State::Begun };
        let in_hand = InHand { ticket, event_id: Uuid::from_u128(id), deaths, stops, state };
        let note = Note { holder: None, in_hand: Some(in_hand.clone()) };
        let bytes = note.to_bytes();
        prop_assert_eq!(&Note::from_bytes(&bytes), &note);
        prop_assert_eq!(Note::from_bytes(&bytes[..bytes.len() - cut]), Note::default());
        // However often it died or was stopped before.
        let next = in_hand.again();
        prop_assert!(next.deaths >= deaths && next.stops >= stops && next.state == State::Begun);
    }

    #[test]
    fn a_header_settles_at_once_or_says_in_which_line_it_is_wrong(
        words in vec("(source|action|interface|timeout|user|coalesce|wait|joined|x)=[*?a-z0-9,=-]{0,12}", 0..6),
        interface in interface(),
    ) {
        let head = format!("#!/bin/sh\n\n# netcue: {}\necho\n# netcue: nonsense\n", words.join(" "));
        match Wishes::from_head(&head) {
            Ok(wishes) => {
                let mut facts = Facts::of(Text::default(), Some(Action::Up));
                facts.interface = Some(interface);
                let stamp = Stamp {
                    id: Uuid::nil(), time: Timestamp::UNIX_EPOCH, boottime_ns: 0, boot_id: None,
                    ifindex: None, cause: None,
                };
                let event = Event::new(SourceName::fixed("ppp"), facts, stamp);
                let unwanted = wishes.unwanted(&event);
                let is_picky = words.iter().any(|word| {
                    ["source=", "action=", "interface="].iter().any(|key| word.starts_with(key))
                });
                prop_assert!(is_picky || unwanted.is_none());
            }
            Err(bad) => prop_assert_eq!(bad.line, 3, "{}", bad),
        }
    }

    #[test]
    fn whatever_a_caller_says_is_an_event_that_can_be_kept_or_a_refusal(
        words in vec("\\PC{0,20}|[ -~]{0,20}|ppp0|eth0|start|stop|[0-9.]{7,15}", 0..8),
        values in vec("[\\x01-\\u{ff}]{0,40}|[0-9.]{7,15}", 24),
        stdin in "<[a-z<>/='&;! ]{0,80}|\\PC{0,80}",
    ) {
        let names = [
            "PEERNAME", "ACNAME", "DNS1", "ADDRESS", "DIALD_LINK", "RUNLEVEL", "IFACE", "IF_ADDRESS",
            "IP4_ADDRESS_0", "interface", "new_ip_address", "new_routers", "reason", "ip", "router",
            "dev", "script_type", "TUNDEV", "INTERNAL_IP4_ADDRESS", "PLUTO_ME", "INTERFACE", "DEVICE",
            "IFINDEX", "IP_ADDRS",
        ];
        let stdin = stdin.into_bytes();
        let env: Vec<_> = names.into_iter().map(Into::into).zip(values.into_iter().map(Into::into)).collect();
        let words: Vec<_> = words.into_iter().map(Into::into).collect();
        let call = Call { words: &words, env: &env, stdin: &stdin };
        for source in sources::ALL {
            for trigger in source.triggers {
                match sources::read(source, trigger, &call) {
                    Ok(reading) => {
                        let json = serde_json::to_vec(&reading.facts).expect("JSON");
                        prop_assert_eq!(Facts::from_json(&json).expect("what we wrote"), reading.facts);
                    }
                    Err(refusal) => {
                        prop_assert!(!refusal.to_string().chars().any(char::is_control));
                    }
                }
            }
        }
    }
}

/// A record that a run could leave.
fn record() -> impl Strategy<Value = Record> {
    let ms = || (0u32..1_000_000).prop_map(|ms| f64::from(ms) / 8.0);
    let end = (ms(), ".{0,80}").prop_map(|(ms, output)| StepEnd {
        outcome: StepOutcome::Failed,
        status: Some(3),
        signal: None,
        ms,
        failed: Some(Reason::TimeLimit { seconds: 3 }),
        left_processes: true,
        output,
        changes: vec!["+ a".to_owned()],
    });
    let argv = || vec(".{0,20}", 0..4);
    prop_oneof![
        (event(), argv())
            .prop_map(|(event, argv)| Record::Accepted { event: Box::new(event), argv }),
        (".{0,40}", argv()).prop_map(|(text, argv)| Record::Refused {
            source: None,
            trigger: None,
            reason: Reason::Text { text },
            argv
        }),
        "[a-z0-9-]{1,9}".prop_map(|step| Record::StepBegin { step }),
        ("[a-z0-9-]{1,9}", end).prop_map(|(step, end)| Record::StepEnd { step, end }),
        ms().prop_map(|ms| Record::Outcome {
            outcome: Outcome::Done,
            waited_ms: None,
            ms,
            reason: None
        }),
        ".{0,40}".prop_map(|text| Record::Remark { text }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_journal_gives_back_every_whole_line_newest_first(
        records in vec((record(), of(any::<u128>())), 1..40),
        size in 4096u64..40_000,
        torn in of((0usize..40, "[^\n]{1,60}")),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = Layout::under(folder.path());
        let mut journal = Journal::of(&layout, &config::Journal { size, keep: 1000 });
        let mut written = Vec::new();
        for (number, (record, id)) in records.into_iter().enumerate() {
            // Somebody died in the middle of a line.
            if let Some((_, rest)) = torn.as_ref().filter(|(at, _)| *at == number) {
                let mut text = fs::read(layout.journal()).unwrap_or_default();
                text.extend(format!("{{\"{rest}").bytes());
                fs::create_dir_all(layout.journal().parent().expect("a folder")).expect("made");
                fs::write(layout.journal(), text).expect("written");
            }
            let entry = Entry { time: Timestamp::UNIX_EPOCH, event_id: id.map(Uuid::from_u128), record };
            journal.append(std::slice::from_ref(&entry)).expect("appended");
            written.push(entry);
        }
        let mut read = Vec::new();
        journal.read_back(|entry| { read.push(entry); true }).expect("read");
        read.reverse();
        prop_assert_eq!(&read, &written);
        // Whatever the order of its records, every story can be told.
        prop_assert!(journal::look_back(&journal, Reach::default(), 1000, |_| true).is_ok());
    }

    #[test]
    fn names_in_the_queue_have_the_order_of_boot_time(
        events in vec(event(), 2..12),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = Queue::of(&Layout::under(folder.path()));
        queue.prepare().expect("a queue");
        for event in &events {
            let draft = queue.draft_event(event).expect("written");
            let ticket = queue.put_in(draft).expect("deposited");
            prop_assert_eq!(ticket.event_id(), Some(event.id));
        }
        let mut expected: Vec<(u64, Uuid)> =
            events.iter().map(|event| (event.boottime_ns, event.id)).collect();
        expected.sort_unstable();
        expected.dedup();
        let waiting = queue.waiting().expect("a folder");
        let found: Vec<(u64, Uuid)> = waiting
            .iter()
            .map(|ticket| queue.read(ticket).expect("read").expect("there"))
            .map(|event| (event.boottime_ns, event.id))
            .collect();
        prop_assert_eq!(found, expected);
        for ticket in &waiting {
            queue.remove(ticket).expect("removed");
            prop_assert!(!queue.holds(ticket));
        }
    }
}
