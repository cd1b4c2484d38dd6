//! Rules of others: what ours accept, theirs can still drop.

use super::{Examined, Finding, Kernel};
use crate::sys::foreign::{Backend, Chain, Effect};
use crate::sys::processes;

pub(super) const OURS: (&str, &str) = ("inet", "netcue");

pub(super) fn others(examined: &Examined) -> Vec<Finding> {
    let Ok(kernel) = &examined.kernel else { return Vec::new() };
    let mut findings = Vec::new();
    let backends = [
        (&examined.chains, "run this as root"),
        (&examined.legacy, "run this as root; \"iptables-legacy -S FORWARD\" shows its rules"),
    ];
    for (chains, to_do) in backends {
        match chains {
            Ok(chains) => {
                let judged = chains.iter().filter(|chain| is_in_the_way(chain, *kernel));
                findings.extend(judged.filter_map(|chain| judge(chain, chains)));
            }
            Err(why) => findings.push(Finding::unknown(why, to_do)),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("no rules of others drop what ours accept"));
    }
    findings
}

/// Whether packets between inside and outside pass this chain, and it isn't ours.
fn is_in_the_way(chain: &Chain, kernel: Kernel) -> bool {
    let passes = match chain.family {
        "ip" => kernel.passes4,
        "ip6" => kernel.passes6,
        _ => kernel.passes4 || kernel.passes6,
    };
    passes && chain.forwards && (chain.family, chain.table.as_str()) != OURS
}

/// A program whose tables are known, and how it is told to let packets pass.
struct Manager {
    name: &'static str,
    /// How the names of its chains begin, in a table that others use too.
    chains: &'static [&'static str],
    /// The name of a table of its own.
    table: Option<&'static str>,
    to_do: &'static str,
    /// How the names of the chains begin that have its administrator's own rules.
    own_rules: &'static [&'static str],
}

const MANAGERS: [Manager; 3] = [
    Manager {
        name: "Docker",
        chains: &["DOCKER"],
        table: None,
        to_do: "let it pass what is yours: iptables -I DOCKER-USER -i INSIDE -o OUTSIDE -j ACCEPT, \
                and the same for answers: iptables -I DOCKER-USER -m conntrack --ctstate \
                RELATED,ESTABLISHED -j ACCEPT",
        own_rules: &["DOCKER-USER"],
    },
    Manager {
        name: "ufw",
        chains: &["ufw-", "ufw6-"],
        table: None,
        to_do: "ufw route allow in on INSIDE out on OUTSIDE, or DEFAULT_FORWARD_POLICY=\"ACCEPT\" \
                in /etc/default/ufw",
        own_rules: &["ufw-user-forward", "ufw6-user-forward"],
    },
    Manager {
        name: "firewalld",
        chains: &[],
        table: Some("firewalld"),
        to_do: "firewall-cmd --permanent --new-policy inside-out, with the zone of the inside as \
                ingress and that of the outside as egress, and --set-target ACCEPT",
        own_rules: &["filter_FWD_policy_"],
    },
];

fn manager(chain: &Chain, all: &[Chain]) -> Option<&'static Manager> {
    let mut beside = all.iter().filter(|o| o.family == chain.family && o.table == chain.table);
    let by_chain = |other: &Chain| {
        let is_its = |manager: &&Manager| manager.chains.iter().any(|c| other.name.starts_with(c));
        MANAGERS.iter().find(is_its)
    };
    let by_table = || MANAGERS.iter().find(|manager| manager.table == Some(chain.table.as_str()));
    beside.find_map(by_chain).or_else(by_table)
}

/// A chain as people find it, and what lists it.
fn named(chain: &Chain) -> (String, String) {
    let Chain { family, table, name, .. } = chain;
    match chain.backend {
        Backend::NfTables => (
            format!("table {family} {table}, chain {name}"),
            format!("nft list chain {family} {table} {name}"),
        ),
        Backend::Legacy => {
            let tool = if *family == "ip6" { "ip6tables-legacy" } else { "iptables-legacy" };
            (format!("{tool}, table {table}, chain {name}"), format!("{tool} -t {table} -S {name}"))
        }
    }
}

fn judge(chain: &Chain, all: &[Chain]) -> Option<Finding> {
    let (name, list) = named(chain);
    let drops_rest = chain.policy_drops
        || chain.rules.iter().any(|rule| !rule.conditional && rule.effect == Effect::Drops);
    let may_accept =
        chain.rules.iter().any(|rule| matches!(rule.effect, Effect::Accepts | Effect::HandsOn));
    let look = match chain.owner {
        // Whoever else changes such a table is refused by the kernel.
        Some(port) => format!(
            "only {} may change that table: tell it to accept what passes between inside and \
             outside; \"{list}\" shows what it does",
            processes::by_port(port)
        ),
        None => format!(
            "see \"{list}\": what passes between inside and outside has to be accepted there too"
        ),
    };
    if !drops_rest {
        let drops_some = chain.rules.iter().any(|rule| rule.effect == Effect::Drops);
        return drops_some.then(|| Finding::unknown(format!("{name} drops some packets"), look));
    }
    if let Some(manager) = manager(chain, all) {
        let has_own = all.iter().any(|other| {
            (other.family, &other.table) == (chain.family, &chain.table)
                && manager.own_rules.iter().any(|begin| other.name.starts_with(begin))
                && other.rules.iter().any(|rule| rule.effect == Effect::Accepts)
        });
        let what = format!("{} ({name}) drops forwarded packets", manager.name);
        return Some(if has_own {
            let what = format!("{what} but those your own rules let pass");
            Finding::unknown(what, look)
        } else {
            Finding::attention(what, manager.to_do)
        });
    }
    Some(if may_accept {
        let what = format!("{name} drops what none of its rules accepts");
        Finding::unknown(what, look)
    } else {
        let what = format!("{name} drops every forwarded packet");
        Finding::attention(what, look).mended_by(list)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::checks::State;
    use crate::sys::foreign::Rule;

    fn chain(name: &str, policy_drops: bool, rules: &[(bool, Effect)]) -> Chain {
        let rule = |(conditional, effect): &(bool, Effect)| Rule {
            conditional: *conditional,
            effect: *effect,
        };
        Chain {
            backend: Backend::NfTables,
            family: "ip",
            table: "filter".to_owned(),
            name: name.to_owned(),
            forwards: name == "FORWARD",
            policy_drops,
            owner: None,
            rules: rules.iter().map(rule).collect(),
        }
    }

    fn verdict(chains: &[Chain]) -> Option<(State, String)> {
        judge(&chains[0], chains).map(|finding| (finding.state, finding.what))
    }

    #[test]
    fn what_is_known_to_drop_needs_attention_and_what_may_is_not_known() {
        let forward = |drops, rules: &[(bool, Effect)]| chain("FORWARD", drops, rules);
        let on = (false, Effect::HandsOn);
        let docker = |rules: &[(bool, Effect)]| chain("DOCKER-USER", false, rules);
        for (chains, expected) in [
            (vec![forward(false, &[])], None),
            (vec![forward(false, &[(true, Effect::Accepts)])], None),
            (vec![forward(true, &[])], Some(State::Attention)),
            (vec![forward(false, &[(false, Effect::Drops)])], Some(State::Attention)),
            (vec![forward(false, &[(true, Effect::Drops)])], Some(State::Unknown)),
            (vec![forward(true, &[(true, Effect::Accepts)])], Some(State::Unknown)),
            (vec![forward(true, &[on]), docker(&[])], Some(State::Attention)),
            (vec![forward(true, &[on]), docker(&[(true, Effect::Accepts)])], Some(State::Unknown)),
            (
                vec![forward(true, &[on]), chain("ufw-user-forward", false, &[])],
                Some(State::Attention),
            ),
        ] {
            assert_eq!(verdict(&chains).map(|(state, _)| state), expected, "{chains:?}");
        }
    }
}
