//! Messages within a datagram and attributes within a message, read without trust.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{NetlinkError, Refusal};

const HEADER: usize = 16;
pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u16 = 1;

/// One message within a datagram.
pub(super) struct Framed<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

impl Framed<'_> {
    /// Reads an error message, or the end of a dump, which says how it went.
    pub(super) fn refusal(&self) -> Result<Refusal, NetlinkError> {
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
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

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

/// The number of four bytes that begins at `at`, in the machine's own order.
pub(in crate::sys) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
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

/// An address of either family, which the number of its bytes tells.
pub(in crate::sys) fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(|bytes| Ipv4Addr::from(bytes).into());
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into());
    v4().or_else(v6)
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
