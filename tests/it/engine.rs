//! The engine against the kernel and nft(8).

use std::fs;
use std::path::{Path, PathBuf};

use netcue::config::Rules;
use netcue::engine::{
    self, Applied, KernelState, Report, Ruleset, Session, Side, classify, regenerate, replacement,
    ruleset,
};
use netcue::event::{Family, InterfaceName};

use crate::places::{gateway, in_namespace, run};

/// Loads a script, line by line as `nft -f` reads it.
pub(crate) fn nft(script: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("script");
    fs::write(&file, script).expect("a script");
    run(&format!("nft -f {}", file.display()));
}

/// `nft list table inet netcue`, without what packets do to its counters.
pub(crate) fn listed() -> String {
    run("nft --stateless list table inet netcue")
}

pub(crate) fn generation() -> u32 {
    Session::open().expect("nf_tables").generation().expect("a generation")
}

pub(crate) struct Engine {
    folder: tempfile::TempDir,
    session: Session,
    pub(crate) rules: Rules,
}

impl Engine {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            session: engine::open().expect("nf_tables"),
            rules: Rules::default(),
        }
    }

    fn memory(&self) -> PathBuf {
        self.folder.path().join("run/rules.json")
    }

    pub(crate) fn regenerate(&mut self) -> Report {
        let memory = self.memory();
        regenerate(&self.rules, &memory, &mut self.session).expect("rules")
    }

    fn changed(&mut self) -> Vec<String> {
        match self.regenerate().result {
            Applied::Changed { because, .. } => because,
            Applied::Unchanged => panic!("nothing changed"),
        }
    }
}

/// What nft lists after loading the rules into an empty namespace; what it loads must be
/// what we would commit, to the last attribute.
pub(crate) fn as_nft_loads(wanted: &Ruleset) -> String {
    in_namespace(|| {
        nft(&engine::script(wanted));
        assert_eq!(differences(wanted), Vec::<String>::new());
        listed()
    })
}

pub(crate) fn differences(wanted: &Ruleset) -> Vec<String> {
    let mut session = engine::open().expect("nf_tables");
    let (_, live) = session.table(engine::TABLE).expect("a table");
    engine::differences(wanted, &live)
}

#[test]
fn a_second_run_makes_no_transaction() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.changed();
        let before = generation();
        assert_eq!(engine.regenerate().result, Applied::Unchanged);
        fs::remove_file(engine.memory()).expect("a memory");
        assert_eq!(engine.regenerate().result, Applied::Unchanged, "without a memory");
        assert_eq!(generation(), before);
    });
}

#[test]
fn flushed_rules_are_put_back() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.regenerate();
        let before = listed();
        run("nft flush ruleset");
        assert_eq!(engine.changed(), ["there is no table inet netcue"]);
        assert_eq!(listed(), before);
    });
}

#[test]
fn other_tables_are_left_alone() {
    in_namespace(|| {
        gateway();
        nft("add table inet other\nadd chain inet other c\n\
             add rule inet other c tcp dport 22 accept\n\
             add table ip netcue\nadd chain ip netcue c\n\
             add rule ip netcue c tcp dport 23 accept\n");
        let others = || run("nft list table inet other") + &run("nft list table ip netcue");
        let before = others();
        let mut engine = Engine::new();
        engine.changed();
        run("ip link del wan");
        engine.changed();
        assert_eq!(others(), before);
    });
}

#[test]
fn what_others_put_into_our_table_is_taken_out() {
    for foreign in [
        "add rule inet netcue forward accept",
        "insert rule inet netcue postrouting counter",
        "add chain inet netcue more",
        "add set inet netcue more { type ipv4_addr; }",
        "add counter inet netcue more",
        "add quota inet netcue more { over 1 bytes }",
        "add element inet netcue internal4 { 203.0.113.0/24 }",
        "delete element inet netcue outside4 { \"wan\" }",
        "flush chain inet netcue prerouting",
        "add chain inet netcue forward { policy drop; }",
        "add table inet netcue { flags dormant; }",
    ] {
        in_namespace(|| {
            gateway();
            let mut engine = Engine::new();
            engine.regenerate();
            let before = listed();
            nft(&format!("{foreign}\n"));
            assert_ne!(engine.changed(), Vec::<String>::new(), "{foreign}");
            // A chain that had to be made anew comes last.
            let parts = |text: &str| {
                let mut parts: Vec<String> = text
                    .split("\n\t}\n")
                    .map(|part| part.trim().trim_end_matches('}').to_owned())
                    .collect();
                parts.sort();
                parts
            };
            assert_eq!(parts(&listed()), parts(&before), "{foreign}");
        });
    }
}

#[test]
fn a_rule_that_does_something_else_is_noticed() {
    for (chain, known, other) in [
        ("forward", "established", "ct state established,new accept"),
        ("forward", "established", "ct state established,related drop"),
        (
            "postrouting",
            "masquerade",
            "oifname != @untranslated ip saddr @translated4 rt ipsec missing masquerade random",
        ),
        (
            "postrouting",
            "masquerade",
            "oifname @untranslated ip saddr @translated4 rt ipsec missing masquerade",
        ),
        (
            "postrouting",
            "masquerade",
            "oifname != @untranslated ip saddr @translated4 rt ipsec exists masquerade",
        ),
        (
            "prerouting",
            "from outside",
            "iifname @outside4 ip daddr @only_internal4 counter name \"forged\" drop",
        ),
        (
            "prerouting",
            "from outside",
            "iifname @outside4 ip saddr @internal4 counter name \"forged\" drop",
        ),
        (
            "prerouting",
            "from outside",
            "iifname @outside4 ip saddr @only_internal4 counter name \"refused\" drop",
        ),
        (
            "forward",
            "nobody outside",
            "meta nfproto ipv6 iifname @outside4 ct state invalid,new,untracked \
             counter name \"refused\" drop",
        ),
        (
            "forward",
            "would go on so",
            "oifname != @untranslated ip saddr @translated4 rt ipsec missing ct direction reply \
             ct status & (confirmed | snat) == confirmed counter name \"untranslated\" drop",
        ),
    ] {
        in_namespace(|| {
            gateway();
            let mut engine = Engine::new();
            engine.regenerate();
            let before = listed();
            let all = run(&format!("nft -a list chain inet netcue {chain}"));
            let rule = all.lines().find(|line| line.contains(known)).expect("the rule");
            let comment = rule.split('"').nth(1).expect("a comment");
            let handle = rule.rsplit(' ').next().expect("a handle");
            nft(&format!(
                "replace rule inet netcue {chain} handle {handle} {other} comment \"{comment}\"\n"
            ));
            assert_ne!(listed(), before, "{other}");
            assert_eq!(engine.changed().len(), 1, "{other}");
            assert_eq!(listed(), before, "{other}");
        });
    }
}

/// The numbers that the kernel has given to the table, its sets and its chains.
fn handles() -> Vec<String> {
    let listed = run("nft --handle list table inet netcue");
    let heads = listed.lines().filter(|line| line.contains(" { # handle "));
    heads.map(str::to_owned).collect()
}

#[test]
fn table_chains_sets_and_counts_stay_while_what_they_hold_changes() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.regenerate();
        let before = handles();
        assert!(before.len() > 15, "{before:?}");
        for change in [
            "ip address add 10.9.0.1/16 dev lan",
            "ip route add 10.20.0.0/16 via 192.168.7.9 dev lan",
            "ip link add br9 type bridge",
            "ip link set br9 up",
            "ip route add default dev br9 metric 9",
            "ip address del 10.9.0.1/16 dev lan",
            "ip link del wan",
        ] {
            run(change);
            let report = engine.regenerate();
            assert_eq!(handles(), before, "{change}");
            let wanted = ruleset(&report.classes, &engine.rules);
            assert_eq!(listed(), as_nft_loads(&wanted), "{change}");
        }
    });
}

/// Chains and sets that the configuration asks for come, and go, beside those that stay.
#[test]
fn what_stands_stays_while_more_comes_and_goes() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.regenerate();
        let before = handles();
        let conf = "[rules]\nforward = [{ port = \"tcp/443\", to = \"192.168.7.2:8443\" }]\n";
        for text in [conf, "", conf, "[rules]\nmasquerade = false\n", ""] {
            engine.rules = netcue::config::parse(text, Path::new("c")).expect("rules").rules;
            engine.changed();
            let now = handles();
            let table = "table inet netcue {";
            assert_eq!(
                now.iter().find(|it| it.contains(table)),
                before.iter().find(|it| it.contains(table))
            );
            let set = "set internal4 {";
            assert_eq!(
                now.iter().find(|it| it.contains(set)),
                before.iter().find(|it| it.contains(set))
            );
            assert_eq!(engine.regenerate().result, Applied::Unchanged);
        }
    });
}

#[test]
fn what_was_counted_outlives_a_table_of_another_make() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.regenerate();
        nft("delete table inet netcue\n\
             add table inet netcue\n\
             add counter inet netcue refused { packets 213 bytes 9999 }\n");
        engine.changed();
        let counter = run("nft list counter inet netcue refused");
        assert!(counter.contains("packets 213 bytes 9999"), "{counter}");
    });
}

#[test]
fn a_stale_generation_changes_nothing() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.regenerate();
        let before = listed();
        let stale = generation();
        nft("table inet other { }");
        let empty = ruleset(&classify(&KernelState::default(), &engine.rules), &engine.rules);
        let outcome = engine.session.commit(&replacement(&empty), stale).expect("an answer");
        assert_eq!(outcome, netcue::sys::nftables::Committed::Stale);
        assert_eq!(listed(), before);
        assert_eq!(engine.regenerate().result, Applied::Unchanged);
    });
}

#[test]
fn a_refused_transaction_names_its_part_and_leaves_the_rules() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        let report = engine.regenerate();
        let before = listed();
        let mut steps = replacement(&ruleset(&report.classes, &engine.rules));
        steps.retain(|step| step.about != "set only_internal4");
        let refused = engine.session.commit(&steps, generation()).expect_err("a refusal");
        assert!(refused.to_string().contains("only_internal4"), "{refused}");
        steps.retain(|step| !step.about.contains("only_internal4"));
        let refused = engine.session.commit(&steps, generation()).expect_err("a refusal");
        assert!(refused.to_string().starts_with("rule 1 of chain prerouting"), "{refused}");
        assert_eq!(listed(), before);
    });
}

#[test]
fn a_side_is_remembered_while_the_interface_is_the_same() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        engine.changed();
        run("ip route del default");
        assert_eq!(engine.regenerate().result, Applied::Unchanged, "wan was outside");
        fs::remove_file(engine.memory()).expect("a memory");
        engine.changed();
        assert!(run("nft list set inet netcue undecided4").contains("\"wan\""));
        assert!(listed().contains("masquerade"), "a rule is there though its sets are empty");
    });
}

#[test]
fn default_routes_are_found_in_every_form() {
    in_namespace(|| {
        gateway();
        for name in ["up2", "up3", "up4", "up5"] {
            run(&format!("ip link add {name} type veth peer name {name}-far"));
            run(&format!("ip link set {name} up"));
            run(&format!("ip link set {name}-far up"));
        }
        run("ip address add 203.0.113.2/24 dev up2");
        run("ip address add 203.0.114.2/24 dev up3");
        run("ip address add 203.0.115.2/24 dev up4");
        run("ip address add 2001:db8:5::2/64 dev up5 nodad");
        run("ip route add default via 203.0.113.1 dev up2 table 1000");
        run("ip rule add fwmark 7 lookup 1000");
        run("ip route add default metric 9 nexthop via 203.0.114.1 dev up3 \
             nexthop via 198.51.100.1 dev wan");
        run("ip route add 0.0.0.0/1 via 203.0.115.1 dev up4");
        run("ip route add 128.0.0.0/1 via 203.0.115.1 dev up4");
        run("ip -6 route add default via 2001:db8:5::1 dev up5");
        let mut engine = Engine::new();
        let classes = engine.regenerate().classes;
        let names = |side| {
            let all = classes.on(side, Family::Ipv4).map(InterfaceName::as_str);
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(Side::Outside), "up2 up3 up4 up5 wan", "{classes:?}");
        assert_eq!(names(Side::Inside), "lan");
    });
}

#[test]
fn what_is_not_understood_is_left_out_and_noted() {
    in_namespace(|| {
        gateway();
        run("ip link add we\"rd type veth peer name plain");
        run("ip link set we\"rd up");
        run("ip address add 10.1.0.1/24 dev we\"rd");
        run("ip nexthop add id 77 via 198.51.100.1 dev wan");
        run("ip route add default nhid 77 metric 9");
        let mut engine = Engine::new();
        let notes = engine.regenerate().notes;
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("interface \"we\\\"rd\" is left out"), "{notes:?}");
        fs::write("/proc/sys/net/ipv4/nexthop_compat_mode", "0").expect("a switch");
        run("ip route del default via 198.51.100.1");
        fs::remove_file(engine.memory()).expect("a memory");
        let report = engine.regenerate();
        assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
        let outside = report.classes.on(Side::Outside, Family::Ipv4);
        assert_eq!(outside.map(InterfaceName::as_str).collect::<Vec<_>>(), ["wan"]);
    });
}

#[test]
fn many_interfaces_and_networks_are_no_trouble() {
    in_namespace(|| {
        gateway();
        let folder = tempfile::tempdir().expect("a folder");
        let batch = folder.path().join("batch");
        let mut lines = Vec::new();
        for n in 0..200 {
            lines.push(format!("link add m{n} link lan type macvlan mode bridge"));
            lines.push(format!("link set m{n} up"));
            lines.push(format!("address add 172.20.{n}.1/24 dev m{n}"));
        }
        for n in 0..3000 {
            lines.push(format!("route add 10.{}.{}.0/25 dev lan", n / 250, n % 250));
        }
        fs::write(&batch, lines.join("\n")).expect("a batch");
        run(&format!("ip -batch {}", batch.display()));
        let mut engine = Engine::new();
        let started = std::time::Instant::now();
        let report = engine.regenerate();
        println!("200 interfaces, 3000 networks: {:?}", started.elapsed());
        assert!(report.classes.internal4.ranges().len() > 3000);
        let started = std::time::Instant::now();
        assert_eq!(engine.regenerate().result, Applied::Unchanged);
        println!("the same, unchanged: {:?}", started.elapsed());
        let wanted = ruleset(&report.classes, &engine.rules);
        assert_eq!(listed(), as_nft_loads(&wanted));
    });
}

#[test]
fn a_memory_that_cannot_be_written_is_only_noted() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        let report =
            regenerate(&engine.rules, Path::new("/proc/none/rules.json"), &mut engine.session)
                .expect("rules");
        assert!(matches!(report.result, Applied::Changed { .. }));
        assert!(report.notes.iter().any(|note| note.contains("the next run compares everything")));
    });
}

#[test]
fn a_preview_changes_nothing() {
    in_namespace(|| {
        gateway();
        let mut engine = Engine::new();
        let memory = engine.memory();
        let before = generation();
        let preview =
            engine::preview(&engine.rules, &memory, &mut engine.session).expect("a preview");
        assert_eq!(preview.differences, ["there is no table inet netcue"]);
        assert!(preview.wanted.contains("masquerade"));
        assert_eq!(generation(), before);
        engine.regenerate();
        let preview =
            engine::preview(&engine.rules, &memory, &mut engine.session).expect("a preview");
        assert!(preview.differences.is_empty() && preview.lines.is_empty());
    });
}
