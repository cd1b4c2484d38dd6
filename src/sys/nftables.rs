//! The conversation with `nf_tables`: generation, own table, transaction.

use std::collections::BTreeMap;

use netlink_packet_core::{DefaultNla, Emitable, NLM_F_ACK, NLM_F_REQUEST};
use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, GenMessage, NfTablesMessage, RuleAttribute, RuleMessage,
    SetAttribute, SetElementList, SetElementMessage, SetMessage, TableMessage,
};
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::libc;
use serde::Serialize;

use super::netlink::{Conversation, NetlinkError, Received, Refusal, attribute, encode};

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u16 = 10;
/// `NFNL_MSG_BATCH_BEGIN`, and its attribute `NFNL_BATCH_GENID`.
const BATCH_BEGIN: u8 = 16;
const BATCH_GENID: u16 = 1;
/// `ERESTART`: the generation named in `BATCH_BEGIN` is not the present one.
const ERESTART: i32 = 85;
/// Bytes of `struct nfgenmsg`, which precedes the attributes.
const NFGENMSG: usize = 4;

const NFTA_GEN_ID: u16 = 1;
/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`, `NFTA_SET_TABLE`.
const NFTA_TABLE: u16 = 1;
const NFTA_TABLE_OWNER: u16 = 7;
const NFTA_SET_NAME: u16 = 2;
const NFTA_OBJ_NAME: u16 = 2;
const NFTA_OBJ_DATA: u16 = 4;
const NFTA_COUNTER_BYTES: u16 = 1;
const NFTA_COUNTER_PACKETS: u16 = 2;

/// One message of a transaction.
#[derive(Debug, Clone)]
pub struct Step {
    /// The message.
    pub message: NfTablesMessage,
    /// Its flags besides `NLM_F_REQUEST`.
    pub flags: u16,
    /// What it is about, for errors: `rule 3 of chain forward`.
    pub about: String,
}

/// How a transaction ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All of it is in force.
    Yes,
    /// None of it is: somebody else's transaction came first.
    Stale,
}

/// Why a transaction could not be made; none of it is in force.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The conversation failed.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The kernel refused a message.
    #[error("{about}: {error}")]
    Refused {
        /// What it was about.
        about: String,
        /// The kernel's answer.
        error: NetlinkError,
    },
}

/// A table as the kernel has it: the attributes of each of its parts, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveTable {
    /// The table itself; none if there is no such table.
    pub table: Option<Vec<u8>>,
    /// Its chains.
    pub chains: Vec<Vec<u8>>,
    /// The rules of all chains, in order within each.
    pub rules: Vec<Vec<u8>>,
    /// Its objects: counters, and others that have a name.
    pub objects: Vec<Vec<u8>>,
    /// Its sets.
    pub sets: Vec<Vec<u8>>,
    /// For each set, the messages that list its elements.
    pub elements: BTreeMap<String, Vec<Vec<u8>>>,
}

impl LiveTable {
    /// The netlink port of the one socket that may change the table, where there is one.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        let port = attribute(self.table.as_ref()?, NFTA_TABLE_OWNER)?;
        port.first_chunk().map(|port| u32::from_be_bytes(*port))
    }
}

impl LiveTable {
    /// What each named counter has seen: packets and bytes.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Count> {
        let number = |data: &[u8], kind| {
            let value = attribute(data, kind).and_then(|value| value.first_chunk().copied());
            value.map_or(0, u64::from_be_bytes)
        };
        let of_counter = |object: &Vec<u8>| {
            let data = attribute(object, NFTA_OBJ_DATA)?;
            let count = Count {
                packets: number(data, NFTA_COUNTER_PACKETS),
                bytes: number(data, NFTA_COUNTER_BYTES),
            };
            Some((text(attribute(object, NFTA_OBJ_NAME)?), count))
        };
        self.objects.iter().filter_map(of_counter).collect()
    }
}

/// What a counter has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One socket, open from the first question to the end of the program.
///
/// After a transaction that deleted something, closing it takes 8 to 16 ms (an RCU
/// grace period): see [`Session::leave_close_to_a_child`].
#[derive(Debug)]
pub struct Session {
    conversation: Conversation,
    deleted: bool,
}

impl Session {
    /// Opens the socket.
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { conversation: Conversation::open(NETLINK_NETFILTER)?, deleted: false })
    }

    /// The number of the ruleset's present generation: every transaction of anybody raises it.
    pub fn generation(&mut self) -> Result<u32, NetlinkError> {
        let request = message(NfTablesMessage::GetGen(GenMessage { attributes: Vec::new() }));
        let answer = self.conversation.get(request)?;
        answer
            .iter()
            .find_map(|received| attribute(attributes(received)?, NFTA_GEN_ID)?.first_chunk())
            .map(|id| u32::from_be_bytes(*id))
            .ok_or(NetlinkError::Malformed)
    }

    /// Reads a table of family inet, with the generation it was read in.
    pub fn table(&mut self, name: &str) -> Result<(u32, LiveTable), NetlinkError> {
        for _ in 0..16 {
            let before = self.generation()?;
            match self.read(name) {
                Ok(table) if self.generation()? == before => return Ok((before, table)),
                Ok(_) => {}
                // A set of the table was deleted between listing it and reading it.
                Err(NetlinkError::Refused(refusal)) if refusal.errno == libc::ENOENT => {}
                Err(error) => return Err(error),
            }
        }
        Err(NetlinkError::Restless)
    }

    fn read(&mut self, name: &str) -> Result<LiveTable, NetlinkError> {
        let name = name.to_owned();
        let table = NfTablesMessage::GetTable(TableMessage { attributes: Vec::new() });
        let mut live = LiveTable { table: self.list(table, &name)?.pop(), ..LiveTable::default() };
        if live.table.is_none() {
            return Ok(live);
        }
        live.chains = self.list(
            NfTablesMessage::GetChain(ChainMessage {
                attributes: vec![ChainAttribute::Table(name.clone())],
            }),
            &name,
        )?;
        live.rules = self.list(
            NfTablesMessage::GetRule(RuleMessage {
                attributes: vec![RuleAttribute::Table(name.clone())],
            }),
            &name,
        )?;
        let of_table = DefaultNla::new(NFTA_TABLE, [name.as_bytes(), &[0]].concat());
        live.objects = self.list(NfTablesMessage::GetObject(vec![of_table]), &name)?;
        live.sets = self.list(
            NfTablesMessage::GetSet(SetMessage {
                attributes: vec![SetAttribute::Table(name.clone())],
            }),
            &name,
        )?;
        for set in &live.sets {
            let set = text(attribute(set, NFTA_SET_NAME).unwrap_or_default());
            let request = NfTablesMessage::GetSetElement(SetElementMessage {
                attributes: vec![
                    SetElementList::Table(name.clone()),
                    SetElementList::Set(set.clone()),
                ],
            });
            let elements = self.list(request, &name)?;
            live.elements.insert(set, elements);
        }
        Ok(live)
    }

    /// Asks for a list and keeps what belongs to the table; older kernels ignore the filter.
    fn list(
        &mut self,
        request: NfTablesMessage,
        table: &str,
    ) -> Result<Vec<Vec<u8>>, NetlinkError> {
        let answer = self.conversation.dump(&message(request))?;
        Ok(answer
            .iter()
            .filter(|received| received.payload.first() == Some(&inet()))
            .filter_map(attributes)
            .filter(|bytes| attribute(bytes, NFTA_TABLE).map(text).as_deref() == Some(table))
            .map(<[u8]>::to_vec)
            .collect())
    }

    /// Makes one transaction of all steps, provided that `generation` is still the present one.
    ///
    /// Its last step asks for an acknowledgement, which every kernel gives after the
    /// transaction was made or given up, behind the errors of the other steps. One of the
    /// batch's end would say the same in fewer words, but kernels before 6.10 give none.
    pub fn commit(&mut self, steps: &[Step], generation: u32) -> Result<Committed, CommitError> {
        let begin = ControlMessage::Other {
            message_type: BATCH_BEGIN,
            attributes: vec![DefaultNla::new(BATCH_GENID, generation.to_be_bytes().to_vec())],
        };
        let mut batch = encode(control(begin), NLM_F_REQUEST, self.conversation.next_sequence());
        let mut numbered = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            let sequence = self.conversation.next_sequence();
            numbered.insert(sequence, step.about.as_str());
            let ack = if index + 1 == steps.len() { NLM_F_ACK } else { 0 };
            batch.extend(encode(
                message(step.message.clone()),
                NLM_F_REQUEST | step.flags | ack,
                sequence,
            ));
            self.deleted |= matches!(
                step.message,
                NfTablesMessage::DeleteTable(_)
                    | NfTablesMessage::DeleteChain(_)
                    | NfTablesMessage::DeleteSet(_)
                    | NfTablesMessage::DeleteObject(_)
                    | NfTablesMessage::DeleteRule(_)
                    | NfTablesMessage::DeleteSetElement(_)
            );
        }
        batch.extend(encode(
            control(ControlMessage::BatchEnd),
            NLM_F_REQUEST,
            self.conversation.next_sequence(),
        ));
        self.conversation.send(&batch)?;
        verdict(self.conversation.verdicts()?, &numbered)
    }

    /// Closes the socket without waiting for the kernel to free what was deleted.
    ///
    /// Does nothing special where nothing was deleted. Otherwise a child inherits the
    /// socket and takes the wait. Call it with the lock released, as the last thing
    /// before the program ends, in a process with one thread.
    pub fn leave_close_to_a_child(self) {
        if self.deleted {
            super::handover::close_in_a_child(self.conversation.into_socket());
        }
    }
}

/// The attributes of a message of `nf_tables`.
fn attributes(received: &Received) -> Option<&[u8]> {
    received.payload.get(NFGENMSG..)
}

fn inet() -> u8 {
    NetfilterProtoFamily::Inet.into()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// What the answers to a batch mean, given what each of its steps is about.
fn verdict(
    answers: Vec<Refusal>,
    numbered: &BTreeMap<u32, &str>,
) -> Result<Committed, CommitError> {
    if answers.iter().any(|answer| answer.errno == ERESTART) {
        return Ok(Committed::Stale);
    }
    let last = numbered.keys().next_back();
    let answered = answers.iter().any(|answer| Some(&answer.sequence) == last);
    // One error is enough for none of the steps to be in force, whatever came after it.
    if let Some(refusal) = answers.into_iter().find(|answer| answer.errno != 0) {
        let about = numbered.get(&refusal.sequence).copied().unwrap_or("the transaction");
        return Err(CommitError::Refused {
            about: about.to_owned(),
            error: NetlinkError::Refused(refusal),
        });
    }
    if answered { Ok(Committed::Yes) } else { Err(NetlinkError::Unanswered.into()) }
}

fn control(message: ControlMessage) -> NetfilterMessage {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, SUBSYSTEM);
    NetfilterMessage::new(header, message)
}

fn message(message: NfTablesMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0), message)
}

/// The attributes of a message, as the kernel gets them.
#[must_use]
pub fn attribute_bytes(message: &NfTablesMessage) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(sequence: u32, errno: i32) -> Refusal {
        Refusal { sequence, errno, message: None }
    }

    fn numbered() -> BTreeMap<u32, &'static str> {
        BTreeMap::from([(2, "the table"), (3, "rule 1"), (4, "rule 2")])
    }

    #[test]
    fn a_transaction_is_made_where_its_last_step_is_acknowledged() {
        // All that kernels before 6.10 say: nothing about the batch's end, number 5.
        let made = verdict(vec![answer(4, 0)], &numbered());
        assert!(matches!(made, Ok(Committed::Yes)), "{made:?}");
    }

    #[test]
    fn a_transaction_without_an_answer_is_not_taken_for_made() {
        for answers in [vec![], vec![answer(3, 0)]] {
            let made = verdict(answers, &numbered());
            assert!(
                matches!(made, Err(CommitError::Netlink(NetlinkError::Unanswered))),
                "{made:?}"
            );
        }
    }

    #[test]
    fn an_error_counts_though_the_last_step_is_acknowledged() {
        let made = verdict(vec![answer(3, libc::ENOENT), answer(4, 0)], &numbered());
        assert!(
            matches!(&made, Err(CommitError::Refused { about, .. }) if about == "rule 1"),
            "{made:?}"
        );
        // The kernel names the batch's begin, number 1, when making all of it failed.
        let made = verdict(vec![answer(1, libc::ENOMEM), answer(4, 0)], &numbered());
        assert!(
            matches!(&made, Err(CommitError::Refused { about, .. }) if about == "the transaction"),
            "{made:?}"
        );
    }

    #[test]
    fn a_transaction_that_comes_too_late_is_not_refused() {
        let made = verdict(vec![answer(1, ERESTART)], &numbered());
        assert!(matches!(made, Ok(Committed::Stale)), "{made:?}");
    }
}
