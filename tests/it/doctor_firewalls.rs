//! What doctor says of firewalls beside ours: which of them are in the way, and which are not.

use crate::doctor::{finds, healthy, wonders};
use crate::scene::run;

#[test]
fn a_firewall_that_drops_everything() {
    let scene = healthy();
    scene.nft(
        "table inet mine {\nchain forward {\ntype filter hook forward priority 10; policy drop;\n}\n}",
    );
    finds(
        &scene,
        &[
            "firewalls table inet mine, chain forward drops every forwarded packet",
            "> see \"nft list chain inet mine forward\": what passes between inside and outside has \
             to be accepted there too",
        ],
    );
}

#[test]
fn a_firewall_that_may_drop_something() {
    let look = "> see \"nft list chain ip mine pass\": what passes between inside and outside has \
                to be accepted there too";
    for (policy, rule, what) in [
        ("drop", "iifname \"lan\" accept", "drops what none of its rules accepts"),
        ("accept", "ct state invalid drop", "drops some packets"),
    ] {
        let scene = healthy();
        scene.nft(&format!(
            "table ip mine {{\nchain pass {{\ntype filter hook forward priority 0; policy {policy}\n\
             {rule}\n}}\n}}"
        ));
        wonders(&scene, &[&format!("firewalls table ip mine, chain pass {what}"), look]);
    }
}

/// The kernel keeps those of iptables-legacy apart, and `nft` doesn't show them.
#[test]
fn rules_of_iptables_legacy() {
    let scene = healthy();
    run("iptables-legacy", ["-A", "FORWARD", "-i", "lan", "-j", "ACCEPT"]);
    scene.netcue(["doctor"]).any_stdout().run();
    run("iptables-legacy", ["-P", "FORWARD", "DROP"]);
    wonders(
        &scene,
        &[
            "firewalls iptables-legacy, table filter, chain FORWARD drops what none of its rules \
             accepts",
            "> see \"iptables-legacy -t filter -S FORWARD\": what passes between inside and \
             outside has to be accepted there too",
        ],
    );
    run("iptables-legacy", ["-F", "FORWARD"]);
    finds(
        &scene,
        &[
            "firewalls iptables-legacy, table filter, chain FORWARD drops every forwarded packet",
            "> see \"iptables-legacy -t filter -S FORWARD\": what passes between inside and \
             outside has to be accepted there too",
        ],
    );
}

#[test]
fn a_firewall_that_is_not_in_the_way() {
    let scene = healthy();
    scene.nft(
        "table ip6 six {\nchain forward {\ntype filter hook forward priority 0; policy drop\n}\n}\n\
         table ip in {\nchain input {\ntype filter hook input priority 0; policy drop\n}\n}\n\
         table ip nothing {\nchain forward {\ntype filter hook forward priority 0\n}\n}",
    );
    scene.netcue(["doctor"]).any_stdout().run();
}

/// As they look after `dockerd` 20, `ufw enable` and firewalld 1.3 have run, in short.
#[test]
fn the_firewalls_that_everybody_has_are_known_by_name() {
    for (rules, found) in [
        (
            "table ip filter {\nchain DOCKER-USER {\ncounter return\n}\nchain FORWARD {\n\
             type filter hook forward priority 0; policy drop\n\
             counter jump DOCKER-USER\noifname \"docker0\" accept\n}\n}",
            "firewalls Docker (table ip filter, chain FORWARD) drops forwarded packets",
        ),
        (
            "table ip filter {\nchain ufw-before-forward {\n}\nchain ufw-user-forward {\n}\n\
             chain FORWARD {\ntype filter hook forward priority 0; policy drop\n\
             counter jump ufw-before-forward\n}\n}",
            "firewalls ufw (table ip filter, chain FORWARD) drops forwarded packets",
        ),
        (
            "table inet firewalld {\nchain filter_FORWARD {\n\
             type filter hook forward priority 10; policy accept\n\
             ct state established,related accept\nreject with icmpx admin-prohibited\n}\n}",
            "firewalls firewalld (table inet firewalld, chain filter_FORWARD) drops forwarded \
             packets",
        ),
    ] {
        let scene = healthy();
        scene.nft(rules);
        let ran = scene.netcue(["doctor"]).status(1).any_stdout().run();
        let lines: Vec<String> = ran
            .stdout
            .lines()
            .filter(|line| line.contains("firewalls "))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines, [format!("attention {found}")], "{}", ran.stdout);
    }
}

/// Who has done what was advised is not told to do it again.
#[test]
fn a_firewall_that_has_been_told_is_not_told_again() {
    let scene = healthy();
    scene.nft(
        "table inet firewalld {\nchain filter_FWD_policy_inside-out {\naccept\n}\n\
         chain filter_FORWARD {\ntype filter hook forward priority 10; policy accept\n\
         ct state established,related accept\n\
         iifname \"lan\" oifname \"wan\" jump filter_FWD_policy_inside-out\n\
         reject with icmpx admin-prohibited\n}\n}",
    );
    wonders(
        &scene,
        &[
            "firewalls firewalld (table inet firewalld, chain filter_FORWARD) drops forwarded \
             packets but those your own rules let pass",
            "> see \"nft list chain inet firewalld filter_FORWARD\": what passes between inside and \
             outside has to be accepted there too",
        ],
    );
}
