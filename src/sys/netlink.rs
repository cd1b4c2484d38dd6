//! A conversation with the kernel over netlink: one request, one complete answer.

use std::io;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u16 = 1;

/// The kernel never splits its answers into larger pieces than 32 KiB (`netlink_dump`).
const RECEIVE: usize = 64 << 10;
/// Room for a batch of thousands of rules, and for the answers to it.
const QUEUE: usize = 16 << 20;
/// An answer comes within the call that asks for it; this only bounds a kernel that forgot us.
const PATIENCE: Duration = Duration::from_secs(10);
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
    /// An answer did not have the form of netlink.
    #[error("the kernel's answer is not a netlink message")]
    Malformed,
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
        setsockopt(
            &socket,
            sockopt::ReceiveTimeout,
            &TimeVal::new(PATIENCE.as_secs().cast_signed(), 0),
        )
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
        for _ in 0..ATTEMPTS {
            let sequence = self.next_sequence();
            self.send(&encode(request.clone(), NLM_F_REQUEST | NLM_F_DUMP, sequence))?;
            match self.collect(sequence, true) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
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
        self.collect(sequence, false).map(Option::unwrap_or_default)
    }

    /// Sends bytes as one datagram.
    pub fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        self.socket.send(bytes, 0)?;
        Ok(())
    }

    /// Reads an answer; none if the state changed while the kernel was giving it.
    fn collect(
        &mut self,
        sequence: u32,
        dump: bool,
    ) -> Result<Option<Vec<Received>>, NetlinkError> {
        let mut answer = Vec::new();
        let mut consistent = true;
        loop {
            self.receive(0)?;
            for message in Messages(&self.buffer) {
                let message = message?;
                if message.sequence != sequence {
                    continue;
                }
                consistent &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_ERROR | NLMSG_DONE => {
                        let refusal = message.refusal()?;
                        if refusal.errno != 0 {
                            return Err(NetlinkError::Refused(refusal));
                        }
                        return Ok(consistent.then_some(answer));
                    }
                    kind => answer.push(Received { kind, payload: message.payload.to_vec() }),
                }
            }
            if !dump && !answer.is_empty() {
                return Ok(Some(answer));
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

/// One message within a datagram.
struct Framed<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

impl Framed<'_> {
    fn refusal(&self) -> Result<Refusal, NetlinkError> {
        let code = self.payload.first_chunk().ok_or(NetlinkError::Malformed)?;
        let errno = i32::from_ne_bytes(*code).saturating_neg();
        // Attributes follow the code, and the header that an error message repeats.
        let skip = if self.kind == NLMSG_ERROR { 4 + HEADER } else { 4 };
        let attributes =
            if self.flags & NLM_F_ACK_TLVS == 0 { None } else { self.payload.get(skip..) };
        let message = attributes
            .and_then(|attributes| attribute(attributes, NLMSGERR_ATTR_MSG))
            .map(|text| String::from_utf8_lossy(text).trim_end_matches('\0').to_owned());
        Ok(Refusal { sequence: self.sequence, errno, message })
    }
}

/// Goes through the messages of a datagram.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Framed<'a>, NetlinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let rest = self.0;
        self.0 = &[];
        let message = first_message(rest);
        if let Some((_, length)) = message {
            self.0 = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(message.map(|(message, _)| message).ok_or(NetlinkError::Malformed))
    }
}

fn first_message(bytes: &[u8]) -> Option<(Framed<'_>, usize)> {
    let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let message = Framed {
        kind: u16_at(bytes, 4)?,
        flags: u16_at(bytes, 6)?,
        sequence: u32_at(bytes, 8)?,
        payload: bytes.get(HEADER..length)?,
    };
    Some((message, length))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

/// Goes through attributes as (type without flags, nested, value); stops where they end or break.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, bool, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)?;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & 0x3fff, kind & 0x8000 != 0, value))
    })
}

/// The value of the first attribute of a type.
#[must_use]
pub fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(kind, _, value)| (kind == wanted).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_messages_are_refused_and_never_read_beyond_their_end() {
        for bytes in [&[1u8, 2, 3][..], &[8, 0, 0, 0, 0, 0, 0, 0], &[0; 16], &[255; 40]] {
            assert!(Messages(bytes).all(|message| message.is_err()), "{bytes:?}");
        }
    }

    #[test]
    fn broken_attributes_end_the_list() {
        assert_eq!(attributes(&[5, 0, 1, 0, 9, 0, 0, 0, 200, 0, 2, 0, 1]).count(), 1);
        assert_eq!(attributes(&[0, 0, 0, 0]).count(), 0);
        assert_eq!(attribute(&[5, 0, 1, 0x80, 9, 0, 0, 0], 1), Some(&[9u8][..]));
    }
}
