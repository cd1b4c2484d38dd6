//! What a program says, read from a pipe and kept up to a limit.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

/// Bytes read with one call. Most hooks say nothing, and a larger buffer would have to be
/// emptied for each of them.
const AT_ONCE: usize = 4096;

/// What a program said: the head and the tail of it, and how much is missing between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    limit: usize,
    /// Bytes that were read and not kept.
    dropped: u64,
}

impl Output {
    /// Nothing said yet; at most so many bytes will be kept.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Reads what is there. Tells whether more may come.
    pub(super) fn drain(&mut self, pipe: &OwnedFd) -> bool {
        let mut buffer = [0; AT_ONCE];
        // Bounded, so that a flood can't keep us from looking at the clock.
        for _ in 0..256 {
            match nix::unistd::read(pipe, &mut buffer) {
                Ok(0) => return false,
                Ok(length) => self.take(buffer.get(..length).unwrap_or_default()),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return true,
                Err(_) => return false,
            }
        }
        true
    }

    fn take(&mut self, bytes: &[u8]) {
        let half = self.limit / 2;
        let room = half.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(self.limit - half);
        self.tail.drain(..excess);
        self.dropped += u64::try_from(excess).unwrap_or(u64::MAX);
    }

    /// The text of it; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        let mut head = self.head.clone();
        let (first, second) = self.tail.as_slices();
        if self.dropped > 0 {
            let tail = [first, second].concat();
            return format!(
                "{}\n[… {} bytes left out …]\n{}",
                String::from_utf8_lossy(&head),
                self.dropped,
                String::from_utf8_lossy(&tail)
            );
        }
        head.extend_from_slice(first);
        head.extend_from_slice(second);
        String::from_utf8_lossy(&head).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_keeps_head_and_tail() {
        let mut output = Output::new(8);
        for chunk in ["abc", "defghij", "klmnopq"] {
            output.take(chunk.as_bytes());
        }
        assert_eq!(output.dropped, 9);
        assert_eq!(output.text(), "abcd\n[… 9 bytes left out …]\nnopq");
    }
}
