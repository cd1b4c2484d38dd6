//! Each statement as the expressions that nft(8) makes of it.

use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, Expressions, Immediate, Lookup, Meta, MetaKey, Operator, Payload,
    Register, Verdict, VerdictAttribute,
};

use super::super::names::SetName;
use super::super::ruleset::Statement;
use super::{padded, terminated};
use crate::event::Family;

/// All through one register: no statement needs two.
const REGISTER: Register = Register::Reg1;
/// `NFT_PAYLOAD_NETWORK_HEADER` and `NFT_PAYLOAD_TRANSPORT_HEADER`.
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
/// `NFT_LOOKUP_F_INV`.
const NOT_IN: u32 = 1;
/// `NFT_CT_STATE`, `NFT_CT_DIRECTION` and `NFT_CT_STATUS`.
const CT_STATE: u32 = 0;
const CT_DIRECTION: u32 = 1;
const CT_STATUS: u32 = 2;
/// `IP_CT_DIR_ORIGINAL`.
const ORIGINAL: u8 = 0;
/// `NF_CT_STATE_BIT` of each state.
const INVALID: u32 = 1;
const ESTABLISHED: u32 = 2;
const RELATED: u32 = 4;
const NEW: u32 = 8;
const UNTRACKED: u32 = 64;
/// `IPS_CONFIRMED`, `IPS_SRC_NAT` and `IPS_DST_NAT`.
const CONFIRMED: u32 = 8;
const SNAT: u32 = 16;
const DNAT: u32 = 32;
/// `IPPROTO_TCP`, and where its header keeps the flags.
const TCP: u8 = 6;
const TCP_FLAGS: u32 = 13;
const SYN: u8 = 2;
const RST: u8 = 4;
/// `NF_DROP` and `NF_ACCEPT`.
const DROP: u32 = 0;
const ACCEPT: u32 = 1;

/// The expressions of a rule's statements, in order.
pub(super) fn of(statements: &[Statement]) -> Vec<Expressions> {
    let mut family_known = None;
    let mut expressions = Vec::new();
    for statement in statements {
        // In a table for both families an address means something once the family is known.
        if let Statement::From(family, _) | Statement::To(family, _) | Statement::Of(family) =
            statement
        {
            if family_known.replace(*family) != Some(*family) {
                expressions.push(meta(MetaKey::Nfproto));
                expressions.push(compare(Operator::Equal, vec![protocol(*family)]));
            }
        }
        expressions.extend(of_statement(statement));
    }
    expressions
}

fn of_statement(statement: &Statement) -> Vec<Expressions> {
    match statement {
        // Said by what comes before every statement about a family.
        Statement::Of(_) => Vec::new(),
        Statement::ArrivesBy(set) => vec![meta(MetaKey::Iifname), lookup(*set, 0)],
        Statement::ArrivesNotBy(set) => vec![meta(MetaKey::Iifname), lookup(*set, NOT_IN)],
        Statement::LeavesBy(set) => vec![meta(MetaKey::Oifname), lookup(*set, 0)],
        Statement::LeavesNotBy(set) => vec![meta(MetaKey::Oifname), lookup(*set, NOT_IN)],
        Statement::StaysOn(name) => vec![
            meta(MetaKey::Iifname),
            compare(Operator::Equal, padded(name)),
            meta(MetaKey::Oifname),
            compare(Operator::Equal, padded(name)),
        ],
        Statement::From(family, set) => vec![source(*family), lookup(*set, 0)],
        Statement::To(family, set) => vec![destination(*family), lookup(*set, 0)],
        Statement::Known => any_bit(CT_STATE, ESTABLISHED | RELATED),
        Statement::Unknown => any_bit(CT_STATE, INVALID | NEW | UNTRACKED),
        Statement::Unseen => any_bit(CT_STATE, INVALID | UNTRACKED),
        Statement::BeganUntranslated => vec![
            ct(CT_DIRECTION),
            compare(Operator::Equal, vec![ORIGINAL]),
            ct(CT_STATUS),
            masked((CONFIRMED | SNAT).to_ne_bytes().to_vec()),
            compare(Operator::Equal, CONFIRMED.to_ne_bytes().to_vec()),
        ],
        Statement::PortForwarded => any_bit(CT_STATUS, DNAT),
        Statement::NotInIpsec => vec![
            // NFTA_RT_DREG, NFTA_RT_KEY = NFT_RT_XFRM.
            other("rt", vec![number(1, REGISTER.into()), number(2, 4)]),
            compare(Operator::Equal, vec![0]),
        ],
        Statement::TcpOpening => vec![
            meta(MetaKey::L4Proto),
            compare(Operator::Equal, vec![TCP]),
            payload(TRANSPORT_HEADER, TCP_FLAGS, 1),
            masked(vec![SYN | RST]),
            compare(Operator::Equal, vec![SYN]),
        ],
        Statement::ClampSegmentSize => clamp(),
        // NFTA_OBJREF_IMM_TYPE = NFT_OBJECT_COUNTER, NFTA_OBJREF_IMM_NAME.
        Statement::Count(counter) => vec![other(
            "objref",
            vec![number(1, 1), DefaultNla::new(2, terminated(counter.as_str()))],
        )],
        Statement::Masquerade => vec![other("masq", Vec::new())],
        Statement::Accept => vec![verdict(ACCEPT)],
        Statement::Drop => vec![verdict(DROP)],
    }
}

/// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
fn protocol(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 2,
        Family::Ipv6 => 10,
    }
}

/// Loads the source address from where the header of each family has it.
fn source(family: Family) -> Expressions {
    match family {
        Family::Ipv4 => payload(NETWORK_HEADER, 12, 4),
        Family::Ipv6 => payload(NETWORK_HEADER, 8, 16),
    }
}

/// Loads the destination address, which follows the source address.
fn destination(family: Family) -> Expressions {
    match family {
        Family::Ipv4 => payload(NETWORK_HEADER, 16, 4),
        Family::Ipv6 => payload(NETWORK_HEADER, 24, 16),
    }
}

fn any_bit(key: u32, bits: u32) -> Vec<Expressions> {
    vec![ct(key), masked(bits.to_ne_bytes().to_vec()), compare(Operator::NotEqual, vec![0; 4])]
}

fn ct(key: u32) -> Expressions {
    // NFTA_CT_DREG, NFTA_CT_KEY.
    other("ct", vec![number(1, REGISTER.into()), number(2, key)])
}

fn clamp() -> Vec<Expressions> {
    vec![
        // NFTA_RT_DREG, NFTA_RT_KEY = NFT_RT_TCPMSS.
        other("rt", vec![number(1, REGISTER.into()), number(2, 3)]),
        // NFTA_BYTEORDER_SREG, _DREG, _OP = NFT_BYTEORDER_HTON, _LEN, _SIZE.
        other(
            "byteorder",
            vec![
                number(1, REGISTER.into()),
                number(2, REGISTER.into()),
                number(3, 1),
                number(4, 2),
                number(5, 2),
            ],
        ),
        // NFTA_EXTHDR_TYPE = TCPOPT_MAXSEG, _OFFSET, _LEN, _OP = NFT_EXTHDR_OP_TCPOPT, _SREG.
        other(
            "exthdr",
            vec![
                DefaultNla::new(2, vec![2]),
                number(3, 2),
                number(4, 2),
                number(6, 1),
                number(7, REGISTER.into()),
            ],
        ),
    ]
}

fn meta(key: MetaKey) -> Expressions {
    Expressions::Meta(vec![Meta::DestinationRegister(REGISTER), Meta::Key(key)])
}

fn lookup(set: SetName, flags: u32) -> Expressions {
    let mut attributes =
        vec![Lookup::Set(set.as_str().to_owned()), Lookup::SourceRegister(REGISTER)];
    if flags != 0 {
        attributes.push(Lookup::Flags(flags));
    }
    Expressions::Lookup(attributes)
}

fn payload(base: u32, offset: u32, length: u32) -> Expressions {
    Expressions::Payload(vec![
        Payload::DestinationRegister(REGISTER),
        Payload::Base(base),
        Payload::Offset(offset),
        Payload::Len(length),
    ])
}

fn masked(mask: Vec<u8>) -> Expressions {
    let nothing = vec![0; mask.len()];
    // A mask has 1 or 4 bytes.
    let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
    Expressions::Bitwise(vec![
        Bitwise::SourceRegister(REGISTER),
        Bitwise::DestinationRegister(REGISTER),
        Bitwise::Length(length),
        Bitwise::Mask(DataAttribute::Value(mask)),
        Bitwise::Xor(DataAttribute::Value(nothing)),
    ])
}

fn compare(operator: Operator, value: Vec<u8>) -> Expressions {
    Expressions::Cmp(vec![
        Cmp::SourceRegister(REGISTER),
        Cmp::Op(operator),
        Cmp::Data(DataAttribute::Value(value)),
    ])
}

fn verdict(code: u32) -> Expressions {
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Verdict),
        Immediate::Data(DataAttribute::Verdict(vec![VerdictAttribute::Code(Verdict::Other(code))])),
    ])
}

fn other(name: &str, attributes: Vec<DefaultNla>) -> Expressions {
    Expressions::Other { expression_type: name.to_owned(), attributes }
}

fn number(kind: u16, value: u32) -> DefaultNla {
    DefaultNla::new(kind, value.to_be_bytes().to_vec())
}
