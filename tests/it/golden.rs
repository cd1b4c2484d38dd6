//! Golden rulesets: what the rules of a recorded network are, and that nft(8) makes the same of
//! their text as we commit.

use std::fs;
use std::path::{Path, PathBuf};

use netcue::config::Rules;
use netcue::engine::{self, KernelState, Session, classify, replacement, ruleset};

use crate::engine::{Engine, as_nft_loads, differences, generation, listed, nft};
use crate::places::{gateway, in_namespace};

#[test]
fn what_we_commit_is_what_nft_would() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        let report = engine.regenerate();
        let wanted = ruleset(&report.classes, &engine.rules);
        assert_eq!(listed(), as_nft_loads(&wanted));
        assert!(listed().contains("masquerade"), "{}", listed());
    });
}

#[test]
fn every_golden_ruleset_is_what_nft_would_load() {
    for case in golden_cases() {
        let (classes, rules) = golden(&case);
        let wanted = ruleset(&classes, &rules);
        let ours = in_namespace(|| {
            let mut session = Session::open().expect("nf_tables");
            let (generation, _) = session.table(engine::TABLE).expect("a table");
            session.commit(&replacement(&wanted), generation).expect("a transaction");
            assert_eq!(differences(&wanted), Vec::<String>::new(), "{case:?}");
            listed()
        });
        assert_eq!(ours, as_nft_loads(&wanted), "{case:?}");
    }
}

/// nft 1.1 notes with each set where the type of its keys comes from; nft 1.0 does so where it is
/// asked to. Such a reload of the rules in force is no reason to change them.
#[test]
fn what_nft_notes_of_a_set_for_itself_is_no_difference() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        let report = engine.regenerate();
        let wanted = ruleset(&report.classes, &engine.rules);
        let mut script = engine::script(&wanted);
        for (kind, expression) in
            [("ifname", "iifname"), ("ipv4_addr", "ip saddr"), ("ipv6_addr", "ip6 saddr")]
        {
            script = script.replace(&format!("type {kind}"), &format!("typeof {expression}"));
        }
        nft(&script);
        assert!(listed().contains("typeof iifname"), "{}", listed());
        assert_eq!(differences(&wanted), Vec::<String>::new());
        let before = generation();
        engine.regenerate();
        assert_eq!(generation(), before);
        // What people read is still compared.
        nft(&script.replace("comment \"", "comment \"not "));
        let told = differences(&wanted);
        assert!(told.iter().any(|line| line.starts_with("set outside4 ")), "{told:?}");
    });
}

fn golden_cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder).expect("cases").map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    cases
}

fn golden(case: &Path) -> (engine::Classes, Rules) {
    let read = |name| fs::read_to_string(case.join(name));
    let state: KernelState =
        serde_json::from_str(&read("state.json").expect("a state")).expect("a state");
    let rules = read("netcue.conf").map_or_else(
        |_| Rules::default(),
        |text| netcue::config::parse(&text, case).expect("a configuration").rules,
    );
    (classify(&state, &rules), rules)
}

#[test]
fn golden_rulesets_are_as_they_were() {
    for case in golden_cases() {
        let (classes, rules) = golden(&case);
        let text = engine::text(&ruleset(&classes, &rules));
        let expected = case.join("expected.nft");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &text).expect("written");
        }
        assert_eq!(text, fs::read_to_string(&expected).expect("expected.nft"), "{case:?}");
    }
}
