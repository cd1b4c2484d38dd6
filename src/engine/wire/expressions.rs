//! Each statement as the expressions that nft(8) makes of it.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, Expressions, Immediate, Lookup, Meta, MetaKey, Operator, Payload,
    Register, Verdict, VerdictAttribute,
};

use super::super::names::SetName;
use super::super::ruleset::Statement;
use super::{padded, terminated};
use crate::config::{Ports, Target};
use crate::event::{Cidr, Family};

/// The register that statements go through.
pub(super) const REGISTER: Register = Register::Reg1;
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
/// `IPPROTO_ICMP` and `IPPROTO_ICMPV6`.
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Where TCP and UDP have the port that is meant.
const DESTINATION_PORT: u32 = 2;
/// `IPPROTO_TCP`, and where its header keeps the flags.
const TCP: u8 = 6;
const TCP_FLAGS: u32 = 13;
const SYN: u8 = 2;
const RST: u8 = 4;
/// `NFT_JUMP`, which is -3, `NF_DROP` and `NF_ACCEPT`.
const JUMP: u32 = 0xffff_fffd;
const DROP: u32 = 0;
const ACCEPT: u32 = 1;

/// The expressions of a rule's statements, in order.
pub(super) fn of(statements: &[Statement]) -> Vec<Expressions> {
    let mut family_known = None;
    let mut expressions = Vec::new();
    for statement in statements {
        // In a table for both families an address means something once the family is known.
        if let Some(family) = statement.family() {
            if family_known.replace(family) != Some(family) {
                expressions.push(meta(MetaKey::Nfproto));
                expressions.push(compare(Operator::Equal, vec![protocol(family)]));
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
        Statement::From(family, set) => vec![address(*family, End::Source), lookup(*set, 0)],
        Statement::To(family, set) => vec![address(*family, End::Destination), lookup(*set, 0)],
        Statement::FromNetwork(network) => in_network(network, End::Source),
        Statement::ToNetwork(network) => in_network(network, End::Destination),
        Statement::Icmp(family, first, last) => {
            let protocol = match family {
                Family::Ipv4 => ICMP,
                Family::Ipv6 => ICMPV6,
            };
            let mut expressions = of_protocol(protocol);
            expressions.push(payload(TRANSPORT_HEADER, 0, 1));
            expressions.extend(between(vec![*first], vec![*last]));
            expressions
        }
        Statement::Protocol(_, number) => of_protocol(*number),
        Statement::ToHost(target) => to_host(*target),
        Statement::ToPorts(ports) => to_ports(*ports),
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
        Statement::Forward(address, port) => forward(*address, *port),
        Statement::Jump(chain) => vec![verdict(vec![
            VerdictAttribute::Code(Verdict::Other(JUMP)),
            VerdictAttribute::Chain(chain.as_str().to_owned()),
        ])],
        Statement::Accept => vec![verdict(vec![VerdictAttribute::Code(Verdict::Other(ACCEPT))])],
        Statement::Drop => vec![verdict(vec![VerdictAttribute::Code(Verdict::Other(DROP))])],
    }
}

/// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
fn protocol(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 2,
        Family::Ipv6 => 10,
    }
}

/// Which of the two addresses of a packet.
#[derive(Clone, Copy)]
enum End {
    Source,
    Destination,
}

/// Where the header of each family has it.
fn offset(family: Family, end: End) -> u32 {
    match (family, end) {
        (Family::Ipv4, End::Source) => 12,
        (Family::Ipv4, End::Destination) => 16,
        (Family::Ipv6, End::Source) => 8,
        (Family::Ipv6, End::Destination) => 24,
    }
}

/// Loads an address.
fn address(family: Family, end: End) -> Expressions {
    let length = match family {
        Family::Ipv4 => 4,
        Family::Ipv6 => 16,
    };
    payload(NETWORK_HEADER, offset(family, end), length)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Where the prefix is whole bytes, only those are loaded, as nft(8) does it.
fn in_network(network: &Cidr, end: End) -> Vec<Expressions> {
    let address = octets(network.address);
    let offset = offset(Family::of(network.address), end);
    let bits = usize::from(network.prefix);
    if bits % 8 == 0 {
        let named: Vec<u8> = address.into_iter().take(bits / 8).collect();
        let length = u32::from(network.prefix / 8);
        return vec![payload(NETWORK_HEADER, offset, length), compare(Operator::Equal, named)];
    }
    let length = u32::try_from(address.len()).unwrap_or(u32::MAX);
    let named = |byte: usize| u32::try_from(bits.saturating_sub(8 * byte).min(8)).unwrap_or(8);
    let mask = (0..address.len()).map(|byte| !(0xff_u8.checked_shr(named(byte)).unwrap_or(0)));
    vec![
        payload(NETWORK_HEADER, offset, length),
        masked(mask.collect()),
        compare(Operator::Equal, address),
    ]
}

fn to_host(target: Target) -> Vec<Expressions> {
    let mut expressions = vec![address(target.family(), End::Destination)];
    let address = match target {
        Target::Ipv4(address, _) => address.octets().to_vec(),
        Target::Ipv6(address) => address.octets().to_vec(),
        Target::HostPart(address) => {
            expressions.push(masked(u128::from(u64::MAX).to_be_bytes().to_vec()));
            address.octets().to_vec()
        }
    };
    expressions.push(compare(Operator::Equal, address));
    expressions
}

fn of_protocol(number: u8) -> Vec<Expressions> {
    vec![meta(MetaKey::L4Proto), compare(Operator::Equal, vec![number])]
}

fn to_ports(ports: Ports) -> Vec<Expressions> {
    let mut expressions = of_protocol(ports.transport.number());
    expressions.push(payload(TRANSPORT_HEADER, DESTINATION_PORT, 2));
    let port = |port: u16| port.to_be_bytes().to_vec();
    expressions.extend(between(port(ports.first), port(ports.last)));
    expressions
}

/// What was loaded is one of these, in network order.
pub(super) fn between(first: Vec<u8>, last: Vec<u8>) -> Vec<Expressions> {
    if first == last {
        return vec![compare(Operator::Equal, first)];
    }
    vec![compare(Operator::GreatherThanEqual, first), compare(Operator::LessThanEqual, last)]
}

/// Through two registers, as it takes an address and a port.
fn forward(address: Ipv4Addr, port: Option<u16>) -> Vec<Expressions> {
    let load = |register, value| {
        Expressions::Immediate(vec![
            Immediate::DestinationRegister(register),
            Immediate::Data(DataAttribute::Value(value)),
        ])
    };
    let mut expressions = vec![load(REGISTER, address.octets().to_vec())];
    // NFTA_NAT_TYPE = NFT_NAT_DNAT, _FAMILY, _REG_ADDR_MIN and _MAX. The kernel would add the
    // last, and the flag NF_NAT_RANGE_MAP_IPS, by itself: said, it gives back what it was given.
    let mut nat = vec![
        number(1, 1),
        number(2, protocol(Family::Ipv4).into()),
        number(3, REGISTER.into()),
        number(4, REGISTER.into()),
    ];
    let mut flags = 1;
    if let Some(port) = port {
        expressions.push(load(Register::Reg2, port.to_be_bytes().to_vec()));
        // NFTA_NAT_REG_PROTO_MIN and _MAX, NF_NAT_RANGE_PROTO_SPECIFIED.
        nat.extend([number(5, Register::Reg2.into()), number(6, Register::Reg2.into())]);
        flags |= 2;
    }
    // NFTA_NAT_FLAGS.
    nat.push(number(7, flags));
    expressions.push(other("nat", nat));
    expressions
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
    // A mask has at most 16 bytes.
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

fn verdict(what: Vec<VerdictAttribute>) -> Expressions {
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Verdict),
        Immediate::Data(DataAttribute::Verdict(what)),
    ])
}

fn other(name: &str, attributes: Vec<DefaultNla>) -> Expressions {
    Expressions::Other { expression_type: name.to_owned(), attributes }
}

fn number(kind: u16, value: u32) -> DefaultNla {
    DefaultNla::new(kind, value.to_be_bytes().to_vec())
}
