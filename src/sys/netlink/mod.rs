//! A conversation with the kernel over netlink: one request, one complete answer.

mod framing;
pub mod listener;

pub use framing::{attribute, attributes};
pub(super) use framing::{ip_address, u32_at};

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use framing::{Messages, NLMSG_DONE, NLMSG_ERROR};

/// The kernel never splits its answers into larger pieces than 32 KiB (`netlink_dump`).
const RECEIVE: usize = 64 << 10;
/// Room for a batch of thousands of rules, and for the answers to it.
const QUEUE: usize = 16 << 20;
/// An answer comes within the call that asks for it; this only bounds a kernel that forgot us.
const PATIENCE_S: i64 = 10;
/// How often a dump is asked for again because the state changed under it.
const ATTEMPTS: usize = 16;

/// Why a conversation failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket refused.
    #[error("netlink: {0}")]
    Socket(#[from] io::Error),
    /// The kernel refused a request.
    #[error("{}", Refusal::text(.0))]
    Refused(Refusal),
    /// The state changed during every attempt to read it.
    #[error("the kernel's state changed during each of {ATTEMPTS} attempts to read it")]
    Restless,
    /// The kernel said neither that it did what it was asked for, nor that it refused.
    #[error("the kernel gave no answer")]
    Unanswered,
    /// An answer did not have the form of netlink.
    #[error("the kernel's answer is not a netlink message")]
    Malformed,
}

impl NetlinkError {
    /// Whether the program was not allowed to do what it asked for.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self.errno(), Some(libc::EPERM | libc::EACCES))
    }

    /// Whether the kernel does not know the protocol or what it was asked for.
    #[must_use]
    pub fn is_unknown_to_kernel(&self) -> bool {
        matches!(
            self.errno(),
            Some(
                libc::EPROTONOSUPPORT
                    | libc::EAFNOSUPPORT
                    | libc::EOPNOTSUPP
                    | libc::EINVAL
                    | libc::ENOENT
            )
        )
    }

    fn errno(&self) -> Option<i32> {
        match self {
            Self::Socket(error) => error.raw_os_error(),
            Self::Refused(refusal) => Some(refusal.errno),
            Self::Restless | Self::Unanswered | Self::Malformed => None,
        }
    }
}

/// An error message of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the request it belongs to.
    pub sequence: u32,
    /// `errno`, or 0 for an acknowledgement.
    pub errno: i32,
    /// What the kernel says about it, where it says anything.
    pub message: Option<String>,
}

impl Refusal {
    /// The error in words.
    #[must_use]
    pub fn text(&self) -> String {
        let error = io::Error::from_raw_os_error(self.errno);
        match &self.message {
            Some(message) => format!("{message} ({error})"),
            None => error.to_string(),
        }
    }
}

/// A message of the kernel that is neither an error nor the end of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message type.
    pub kind: u16,
    /// What follows the netlink header.
    pub payload: Vec<u8>,
}

/// A socket, connected to the kernel.
#[derive(Debug)]
pub struct Conversation {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Conversation {
    /// Opens a conversation with `protocol`, one of [`netlink_sys::protocols`].
    pub fn open(protocol: isize) -> Result<Self, NetlinkError> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        // From here on the kernel lets nobody but itself speak to us.
        socket.connect(&SocketAddr::new(0, 0))?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_S, 0))
            .map_err(io::Error::from)?;
        // What follows makes answers better, and is not needed for them to be right.
        at_best(
            setsockopt(&socket, sockopt::RcvBufForce, &QUEUE)
                .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &QUEUE)),
        );
        at_best(
            setsockopt(&socket, sockopt::SndBufForce, &QUEUE)
                .or_else(|_| setsockopt(&socket, sockopt::SndBuf, &QUEUE)),
        );
        at_best(socket.set_cap_ack(true));
        at_best(socket.set_ext_ack(true));
        if protocol == netlink_sys::protocols::NETLINK_ROUTE {
            at_best(socket.set_netlink_get_strict_chk(true));
        }
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(RECEIVE) })
    }

    /// Ends the conversation; the socket stays open.
    #[must_use]
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// The number for the next message.
    pub fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Asks for a list and returns all of it, from one consistent reading of the kernel.
    pub fn dump<M>(&mut self, request: &M) -> Result<Vec<Received>, NetlinkError>
    where
        M: NetlinkSerializable + Clone,
    {
        self.dump_into(request, Vec::new, |all, kind, payload| {
            all.push(Received { kind, payload: payload.to_vec() });
        })
    }

    /// The same for what is taken in message by message, of which nothing else is kept. `take`
    /// gets what `begin` made, the message's type, and what follows its header. Where a reading
    /// turns out not to have been consistent, it begins anew.
    pub fn dump_into<M, T>(
        &mut self,
        request: &M,
        begin: impl Fn() -> T,
        mut take: impl FnMut(&mut T, u16, &[u8]),
    ) -> Result<T, NetlinkError>
    where
        M: NetlinkSerializable + Clone,
    {
        for _ in 0..ATTEMPTS {
            let sequence = self.next_sequence();
            self.send(&encode(request.clone(), NLM_F_REQUEST | NLM_F_DUMP, sequence))?;
            let mut taken = begin();
            match self.collect(sequence, true, &mut |kind, payload| take(&mut taken, kind, payload))
            {
                Ok(true) => return Ok(taken),
                Ok(false) => {}
                // Messages were lost: what is left of the answer is skipped by its number.
                Err(NetlinkError::Socket(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                }
                Err(error) => return Err(error),
            }
        }
        Err(NetlinkError::Restless)
    }

    /// Asks for one thing.
    pub fn get<M>(&mut self, request: M) -> Result<Vec<Received>, NetlinkError>
    where
        M: NetlinkSerializable,
    {
        let sequence = self.next_sequence();
        self.send(&encode(request, NLM_F_REQUEST, sequence))?;
        let mut messages = Vec::new();
        self.collect(sequence, false, &mut |kind, payload| {
            messages.push(Received { kind, payload: payload.to_vec() });
        })?;
        Ok(messages)
    }

    /// Asks for something to be done, and waits until it is.
    pub fn order<M>(&mut self, request: M) -> Result<(), NetlinkError>
    where
        M: NetlinkSerializable,
    {
        let sequence = self.next_sequence();
        self.send(&encode(request, NLM_F_REQUEST | NLM_F_ACK, sequence))?;
        self.collect(sequence, false, &mut |_, _| {}).map(drop)
    }

    /// Sends bytes as one datagram.
    pub fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        self.socket.send(bytes, 0)?;
        Ok(())
    }

    /// Reads an answer; tells whether the state stayed as it was while the kernel was giving it.
    fn collect(
        &mut self,
        sequence: u32,
        dump: bool,
        take: &mut dyn FnMut(u16, &[u8]),
    ) -> Result<bool, NetlinkError> {
        let mut answer = Answer::to(sequence, dump);
        loop {
            self.receive(0)?;
            if answer.take_in(&self.buffer, take)? {
                return Ok(answer.is_consistent());
            }
        }
    }

    /// Reads the errors and acknowledgements that a batch has left, without waiting for more.
    pub fn verdicts(&mut self) -> Result<Vec<Refusal>, NetlinkError> {
        let mut verdicts = Vec::new();
        loop {
            match self.receive(libc::MSG_DONTWAIT) {
                Ok(()) => {}
                Err(NetlinkError::Socket(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(verdicts);
                }
                Err(error) => return Err(error),
            }
            for message in Messages(&self.buffer) {
                let message = message?;
                if message.kind == NLMSG_ERROR {
                    verdicts.push(message.refusal()?);
                }
            }
        }
    }

    fn receive(&mut self, flags: libc::c_int) -> Result<(), NetlinkError> {
        loop {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer, flags | libc::MSG_TRUNC) {
                Ok(length) if length > self.buffer.len() => return Err(NetlinkError::Malformed),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// How far an answer has come in, datagram by datagram. Read without trust.
#[derive(Debug)]
pub struct Answer {
    sequence: u32,
    dump: bool,
    consistent: bool,
}

impl Answer {
    /// The answer to request `sequence`, of which nothing has come yet. A dump goes on until
    /// its end is announced, another answer is whole with its first datagram.
    #[must_use]
    pub fn to(sequence: u32, dump: bool) -> Self {
        Self { sequence, dump, consistent: true }
    }

    /// Takes in a datagram: `take` gets the type of each message that is neither an error nor
    /// the answer's end, and what follows its header. Tells whether the answer is whole.
    ///
    /// # Errors
    /// When the kernel refused the request, or the datagram has not the form of netlink.
    pub fn take_in(
        &mut self,
        datagram: &[u8],
        take: &mut dyn FnMut(u16, &[u8]),
    ) -> Result<bool, NetlinkError> {
        let mut any = false;
        for message in Messages(datagram) {
            let message = message?;
            if message.sequence != self.sequence {
                continue;
            }
            self.consistent &= message.flags & NLM_F_DUMP_INTR == 0;
            match message.kind {
                NLMSG_ERROR | NLMSG_DONE => {
                    let refusal = message.refusal()?;
                    if refusal.errno != 0 {
                        return Err(NetlinkError::Refused(refusal));
                    }
                    return Ok(true);
                }
                kind => {
                    any = true;
                    take(kind, message.payload);
                }
            }
        }
        Ok(!self.dump && any)
    }

    /// Whether the state stayed as it was while the kernel was giving the answer.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.consistent
    }
}

/// Takes note of nothing: an older kernel may lack the option.
fn at_best<E>(_: Result<(), E>) {}

/// The bytes of a message with its header.
#[must_use]
pub fn encode<M: NetlinkSerializable>(message: M, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
