//! Listening to what the kernel tells everybody: changes of the network, and of `nf_tables`.
//!
//! The sockets may be systemd's, which holds them while nobody reads. What is set on them stays
//! set: an overflow is not reported (`NETLINK_NO_ENOBUFS`), since systemd takes that for the
//! end of the socket and listens no more. That messages are lost does not matter to who reads
//! the kernel's state after them. Filters keep away what nobody has to be woken for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::time::{Duration, Instant};

use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{NetlinkAddr, getsockname, setsockopt, sockopt};

use super::framing::{Framed, Messages, attribute};
use super::{NetlinkError, at_best};
use crate::sys::clock::timeout_until;

/// Links, addresses, routes and rules of both families, and nexthops: a bit for each of
/// `RTNLGRP_LINK` (1), `IPV4_IFADDR` (5), `IPV4_ROUTE` (7), `IPV4_RULE` (8), `IPV6_IFADDR` (9),
/// `IPV6_ROUTE` (11), `IPV6_RULE` (19) and `NEXTHOP` (32).
pub const ROUTE_GROUPS: u32 = 0x8004_05d1;
/// `NFNLGRP_NFTABLES` (7).
pub const RULE_GROUPS: u32 = 1 << 6;

/// Room for what comes while nobody reads: some ten thousand messages.
const QUEUE: usize = 8 << 20;
/// Larger than any message to everybody.
const LARGEST: usize = 64 << 10;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
/// `NFNL_SUBSYS_NFTABLES` and `NFT_MSG_NEWGEN`.
const NEW_GENERATION: u16 = 10 << 8 | 15;
/// Bytes of `struct nfgenmsg`.
const NFGENMSG: usize = 4;
const GEN_PROC_PID: u16 = 2;
const GEN_PROC_NAME: u16 = 3;
/// `IFF_UP` and `IFF_LOWER_UP`.
const WORKS: u32 = 1 | 1 << 16;
/// As the kernel cuts our name off for `NFTA_GEN_PROC_NAME`.
const OURS: &str = "netcue";

/// Something that the kernel told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// An interface, and whether it is up and has a carrier.
    Link(u32, bool),
    /// Somebody changed `nf_tables`: the process's name and number.
    Rules(String, u32),
    /// Anything else about the network.
    Other,
}

/// The two sockets.
#[derive(Debug)]
pub struct Listener {
    routes: Socket,
    rules: Socket,
    /// Whether systemd holds them, and starts us again.
    pub is_handed_over: bool,
    buffer: Vec<u8>,
}

impl Listener {
    /// Takes the sockets that systemd handed over (`sd_listen_fds(3)`), or opens them.
    ///
    /// # Errors
    /// When they can't be had, as without `CAP_NET_ADMIN`.
    pub fn new() -> Result<Self, NetlinkError> {
        let handed_over = Self::handed_over();
        let is_handed_over = handed_over.is_some();
        let (routes, rules) = match handed_over {
            Some(both) => both,
            None => (open(NETLINK_ROUTE, ROUTE_GROUPS)?, open(NETLINK_NETFILTER, RULE_GROUPS)?),
        };
        for socket in [&routes, &rules] {
            socket.set_non_blocking(true)?;
            socket.set_no_enobufs(true)?;
            at_best(setsockopt(socket, sockopt::RcvBufForce, &QUEUE));
        }
        // Without them there is more to read, and nothing is wrong.
        at_best(filter(&routes, &routes_that_matter()));
        at_best(filter(&rules, &generations_of_others()));
        Ok(Self { routes, rules, is_handed_over, buffer: Vec::with_capacity(LARGEST) })
    }

    /// They are told apart by their groups: the order is that of the unit's lines.
    fn handed_over() -> Option<(Socket, Socket)> {
        const FIRST: libc::c_int = 3;
        let variable = |name| std::env::var(name).ok()?.parse::<u32>().ok();
        if variable("LISTEN_PID") != Some(std::process::id()) || variable("LISTEN_FDS") != Some(2) {
            return None;
        }
        let [one, other] = [FIRST, FIRST + 1].map(|number| {
            #[expect(unsafe_code, reason = "a descriptor that comes as a number has no safe form")]
            // SAFETY: systemd says that these descriptors are ours, and this is called once.
            unsafe {
                Socket::from_raw_fd(number)
            }
        });
        let groups = |socket: &Socket| {
            getsockname::<NetlinkAddr>(socket.as_raw_fd()).ok().map(|address| address.groups())
        };
        match (groups(&one)?, groups(&other)?) {
            (_, RULE_GROUPS) => Some((one, other)),
            (RULE_GROUPS, _) => Some((other, one)),
            _ => None,
        }
    }

    /// Sleeps until something comes or `until` has come. Tells whether something came.
    #[must_use]
    pub fn sleep_until(&self, until: Option<Instant>) -> bool {
        let mut fds = [&self.routes, &self.rules]
            .map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        let came = poll(&mut fds, timeout_until(until));
        came.is_ok_and(|number| number > 0)
    }

    /// Reads all there is until nothing has come for `quiet`, and at most until `limit` is over.
    pub fn drain(&mut self, quiet: Duration, limit: Duration, mut tell: impl FnMut(News)) {
        let end = Instant::now() + limit;
        loop {
            self.read_all(&mut tell);
            let until = end.min(Instant::now() + quiet);
            if Instant::now() >= end || !self.sleep_until(Some(until)) {
                return;
            }
        }
    }

    fn read_all(&mut self, tell: &mut impl FnMut(News)) {
        for socket in [&self.routes, &self.rules] {
            // One that is always ready must not keep us from looking at the state.
            for _ in 0..MOST_AT_ONCE {
                self.buffer.clear();
                let received = socket.recv_from(&mut self.buffer, libc::MSG_DONTWAIT);
                match received {
                    // Any process may send to a socket; only the kernel's port is 0.
                    Ok((_, from)) if from.port_number() != 0 => {}
                    Ok(_) => {
                        for message in Messages(&self.buffer).flatten() {
                            tell(news(&message));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        }
    }
}

/// Messages of one socket that are read before time is looked at.
const MOST_AT_ONCE: usize = 65_536;

fn open(protocol: isize, groups: u32) -> Result<Socket, NetlinkError> {
    let mut socket = Socket::new(protocol)?;
    socket.bind(&SocketAddr::new(0, groups))?;
    Ok(socket)
}

fn news(message: &Framed<'_>) -> News {
    let word = |at: usize| {
        let bytes = message.payload.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map(|bytes| u32::from_ne_bytes(*bytes))
    };
    match message.kind {
        // Of a bridge's port there is a second message, which is about the bridge.
        RTM_NEWLINK | RTM_DELLINK if message.payload.first() == Some(&0) => {
            let (Some(index), Some(flags)) = (word(4), word(8)) else { return News::Other };
            News::Link(index, message.kind == RTM_NEWLINK && flags & WORKS == WORKS)
        }
        NEW_GENERATION => {
            let attributes = message.payload.get(NFGENMSG..).unwrap_or_default();
            let pid = attribute(attributes, GEN_PROC_PID).and_then(|bytes| bytes.first_chunk());
            let name = attribute(attributes, GEN_PROC_NAME).unwrap_or_default();
            let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
            let pid = pid.map_or(0, |bytes| u32::from_be_bytes(*bytes));
            if name == OURS { News::Other } else { News::Rules(name, pid) }
        }
        _ => News::Other,
    }
}

/// Who listens in this network namespace, by /proc/net/netlink: whether there is a socket for
/// the network's changes and one for those of `nf_tables`.
#[must_use]
pub fn is_anybody_listening() -> bool {
    let table = std::fs::read_to_string("/proc/net/netlink").unwrap_or_default();
    let listens = |protocol: isize, groups: u32| {
        table.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let is_of = fields.next() == Some(&protocol.to_string());
            is_of
                && fields.nth(1).and_then(|mask| u32::from_str_radix(mask, 16).ok()) == Some(groups)
        })
    };
    listens(NETLINK_ROUTE, ROUTE_GROUPS) && listens(NETLINK_NETFILTER, RULE_GROUPS)
}

/// One instruction of a classic BPF program: operation, jumps if true and if false, constant.
type Instruction = (u16, u8, u8, u32);

/// Loads of a word, half a word and a byte at a place of the message; a comparison; the end.
const LOAD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const IS_EQUAL: u16 = 0x15;
const END: u16 = 0x06;
const TAKE: u32 = u32::MAX;

/// A number of the host's byte order, as a load finds it, which takes it for the network's.
fn as_loaded(number: u16) -> u32 {
    u32::from(u16::from_be_bytes(number.to_ne_bytes()))
}

/// Leaves out routes of table `local`, which come and go with addresses, and broadcast,
/// multicast and others that are not unicast and not default: `rtm_table` is at 20, `rtm_type`
/// at 23.
fn routes_that_matter() -> Vec<Instruction> {
    const TABLE_LOCAL: u32 = 255;
    const UNICAST: u32 = 1;
    vec![
        (LOAD_HALF, 0, 0, 4),
        (IS_EQUAL, 1, 0, as_loaded(RTM_NEWROUTE)),
        (IS_EQUAL, 0, 4, as_loaded(RTM_DELROUTE)),
        (LOAD_BYTE, 0, 0, 20),
        (IS_EQUAL, 3, 0, TABLE_LOCAL),
        (LOAD_BYTE, 0, 0, 23),
        (IS_EQUAL, 0, 1, UNICAST),
        (END, 0, 0, TAKE),
        (END, 0, 0, 0),
    ]
}

/// Leaves in the ends of transactions only, and not those of netcue's own: the process's name is
/// at 40, behind the header, `struct nfgenmsg`, and two attributes of eight bytes.
fn generations_of_others() -> Vec<Instruction> {
    vec![
        (LOAD_HALF, 0, 0, 4),
        (IS_EQUAL, 0, 7, as_loaded(NEW_GENERATION)),
        (LOAD, 0, 0, 40),
        (IS_EQUAL, 0, 4, u32::from_be_bytes(*b"netc")),
        (LOAD_HALF, 0, 0, 44),
        (IS_EQUAL, 0, 2, u32::from(u16::from_be_bytes(*b"ue"))),
        (LOAD_BYTE, 0, 0, 46),
        (IS_EQUAL, 1, 0, 0),
        (END, 0, 0, TAKE),
        (END, 0, 0, 0),
    ]
}

/// Sets a filter on a socket, in the place of one that is there.
fn filter(socket: &Socket, program: &[Instruction]) -> io::Result<()> {
    let mut program: Vec<libc::sock_filter> =
        program.iter().map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k }).collect();
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let described = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of_val(&described)).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "nix has no SO_ATTACH_FILTER")]
    // SAFETY: the kernel copies the program, whose length is the one given, within the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const described).cast(),
            size,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
