//! The chains and rules that other programs have in `nf_tables`: no more of them than
//! tells whether they let forwarded packets pass.

use netlink_packet_netfilter::nftables::{
    ChainMessage, NfTablesMessage, RuleMessage, TableMessage,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::libc;

use super::netlink::{Conversation, NetlinkError, Received, attribute, attributes};

/// Bytes of `struct nfgenmsg`, which precedes the attributes.
const NFGENMSG: usize = 4;
/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE` and `NFTA_RULE_TABLE`.
const TABLE: u16 = 1;
/// `NFTA_TABLE_OWNER`.
const TABLE_OWNER: u16 = 7;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
/// `NF_INET_FORWARD`.
const FORWARD: u32 = 2;
/// `NF_DROP` and `NF_ACCEPT`; jump and goto are negative.
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const LIST_ELEMENT: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const IMMEDIATE_REGISTER: u16 = 1;
const IMMEDIATE_DATA: u16 = 2;
/// `NFTA_DATA_VERDICT`.
const VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
/// `NFTA_TARGET_NAME`: a target of iptables.
const TARGET_NAME: u16 = 1;

/// Which part of the kernel keeps a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// `nf_tables`, also for today's iptables.
    NfTables,
    /// The older one of iptables-legacy.
    Legacy,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Who keeps it.
    pub backend: Backend,
    /// `ip`, `ip6` or `inet`.
    pub family: &'static str,
    /// The table it is in.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Whether every forwarded packet passes it.
    pub forwards: bool,
    /// The netlink port of the one socket that may change its table, where there is one.
    pub owner: Option<u32>,
    /// Whether what none of its rules decides is dropped.
    pub policy_drops: bool,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whether it has a condition.
    pub conditional: bool,
    /// What it does to a packet.
    pub effect: Effect,
}

/// What a rule does to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Drops or rejects it.
    Drops,
    /// Accepts it.
    Accepts,
    /// Hands it to another chain, or to what can't be judged here.
    HandsOn,
    /// Nothing, such as counting.
    Nothing,
}

/// Every chain of the families that see routed packets, with its rules.
///
/// # Errors
/// When the kernel can't or won't say.
pub fn chains() -> Result<Vec<Chain>, NetlinkError> {
    let mut conversation = Conversation::open(NETLINK_NETFILTER)?;
    let get = NfTablesMessage::GetChain(ChainMessage { attributes: Vec::new() });
    let mut chains: Vec<Chain> =
        conversation.dump(&of_all_families(get))?.iter().filter_map(chain).collect();
    let get = NfTablesMessage::GetTable(TableMessage { attributes: Vec::new() });
    for received in conversation.dump(&of_all_families(get))? {
        let Some((family, bytes)) = family_and_attributes(&received) else { continue };
        let (name, owner) = (text(bytes, TABLE), number(bytes, TABLE_OWNER));
        for chain in chains.iter_mut().filter(|it| it.family == family && it.table == name) {
            chain.owner = owner;
        }
    }
    let get = NfTablesMessage::GetRule(RuleMessage { attributes: Vec::new() });
    for received in conversation.dump(&of_all_families(get))? {
        let Some((family, bytes)) = family_and_attributes(&received) else { continue };
        let (table, name) = (text(bytes, TABLE), text(bytes, RULE_CHAIN));
        let is_its = |chain: &&mut Chain| {
            chain.family == family && chain.table == table && chain.name == name
        };
        if let Some(chain) = chains.iter_mut().find(is_its) {
            chain.rules.push(rule(attribute(bytes, RULE_EXPRESSIONS).unwrap_or_default()));
        }
    }
    Ok(chains)
}

fn of_all_families(message: NfTablesMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, 0), message)
}

fn family_and_attributes(received: &Received) -> Option<(&'static str, &[u8])> {
    let family = match i32::from(*received.payload.first()?) {
        libc::NFPROTO_INET => "inet",
        libc::NFPROTO_IPV4 => "ip",
        libc::NFPROTO_IPV6 => "ip6",
        _ => return None,
    };
    Some((family, received.payload.get(NFGENMSG..)?))
}

fn chain(received: &Received) -> Option<Chain> {
    let (family, bytes) = family_and_attributes(received)?;
    let hook = attribute(bytes, CHAIN_HOOK).and_then(|hook| number(hook, HOOK_NUMBER));
    Some(Chain {
        backend: Backend::NfTables,
        family,
        table: text(bytes, TABLE),
        name: text(bytes, CHAIN_NAME),
        forwards: hook == Some(FORWARD) && text(bytes, CHAIN_TYPE) == "filter",
        owner: None,
        policy_drops: number(bytes, CHAIN_POLICY) == Some(DROP),
        rules: Vec::new(),
    })
}

fn rule(expressions: &[u8]) -> Rule {
    let mut rule = Rule { conditional: false, effect: Effect::Nothing };
    for (kind, _, expression) in attributes(expressions) {
        if kind != LIST_ELEMENT {
            continue;
        }
        let data = attribute(expression, EXPRESSION_DATA).unwrap_or_default();
        match text(expression, EXPRESSION_NAME).as_str() {
            "immediate" => {
                // Register 0 is the verdict; another is a value for what follows.
                if number(data, IMMEDIATE_REGISTER) == Some(0) {
                    rule.effect = verdict(data);
                }
            }
            "reject" => rule.effect = Effect::Drops,
            "target" => rule.effect = target(&text(data, TARGET_NAME)),
            "counter" | "log" | "limit" | "notrack" => {}
            _ => rule.conditional = true,
        }
    }
    rule
}

fn verdict(data: &[u8]) -> Effect {
    let verdict = attribute(data, IMMEDIATE_DATA).and_then(|data| attribute(data, VERDICT));
    match verdict.and_then(|verdict| number(verdict, VERDICT_CODE)) {
        Some(DROP) => Effect::Drops,
        Some(ACCEPT) => Effect::Accepts,
        _ => Effect::HandsOn,
    }
}

/// What a target of iptables does to a packet.
pub(super) fn target(name: &str) -> Effect {
    match name {
        "REJECT" | "DROP" => Effect::Drops,
        "LOG" | "NFLOG" | "TCPMSS" => Effect::Nothing,
        _ => Effect::HandsOn,
    }
}

fn text(bytes: &[u8], kind: u16) -> String {
    let value = attribute(bytes, kind).unwrap_or_default();
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}

fn number(bytes: &[u8], kind: u16) -> Option<u32> {
    attribute(bytes, kind)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}
