//! Archives in the format ustar (POSIX.1-1988) that any tar(1) takes: a few small regular
//! files with short names are all that is ever in them, so no crate is needed.

/// Bytes of a block.
const BLOCK: usize = 512;

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File<'a> {
    pub(super) name: String,
    pub(super) content: &'a [u8],
}

/// Puts files together; a name has at most 100 bytes. Each file is readable by all, owned
/// by root, and last changed at `time`, in seconds since 1970.
pub(super) fn write(files: &[(String, Vec<u8>)], time: u64) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        archive.extend(header(name, content.len(), time));
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive
}

fn header(name: &str, length: usize, time: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(BLOCK);
    let mut field = |text: &str, width: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(width, 0);
        header.extend(bytes);
    };
    field(name, 100);
    field("0000644", 8);
    field("0000000", 8);
    field("0000000", 8);
    field(&format!("{length:011o}"), 12);
    field(&format!("{time:011o}"), 12);
    field("        ", 8);
    field("0", 1);
    field("", 100);
    field("ustar", 6);
    field("00", 2);
    field("root", 32);
    field("root", 32);
    header.resize(BLOCK, 0);
    // The sum is that of a header with spaces in the place of the sum.
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    header
}

/// Why an archive can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the archive ends in the middle of a file")]
    Cut,
    #[error("no tar archive, or a damaged one")]
    Damaged,
}

/// The regular files of an archive; folders, links and the like are passed over.
pub(super) fn read(mut archive: &[u8]) -> Result<Vec<File<'_>>, Unreadable> {
    let mut files = Vec::new();
    loop {
        let (header, rest) = archive.split_at_checked(BLOCK).ok_or(Unreadable::Cut)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(files);
        }
        let sum: u32 = header
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        if octal(header, 148, 8) != Some(u64::from(sum)) {
            return Err(Unreadable::Damaged);
        }
        let length = octal(header, 124, 12).and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or(Unreadable::Damaged)?;
        let (content, _) = rest.split_at_checked(length).ok_or(Unreadable::Cut)?;
        let padded = length.checked_next_multiple_of(BLOCK).ok_or(Unreadable::Damaged)?;
        archive = rest.get(padded..).ok_or(Unreadable::Cut)?;
        if matches!(header.get(156), Some(b'0' | 0)) {
            let name = text(header, 0, 100).unwrap_or_default().to_owned();
            files.push(File { name, content });
        }
    }
}

fn text(header: &[u8], at: usize, width: usize) -> Option<&str> {
    let field = header.get(at..at + width)?;
    let field = field.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(field).ok()
}

fn octal(header: &[u8], at: usize, width: usize) -> Option<u64> {
    u64::from_str_radix(text(header, at, width)?.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_not() {
        let files = vec![
            ("a/one".to_owned(), b"1".to_vec()),
            ("a/none".to_owned(), Vec::new()),
            ("a/block".to_owned(), vec![7; BLOCK]),
        ];
        let archive = write(&files, 1_700_000_000);
        let read_back: Vec<_> = read(&archive).unwrap();
        let read_back: Vec<_> =
            read_back.into_iter().map(|file| (file.name, file.content.to_vec())).collect();
        assert_eq!(read_back, files);
        for end in 0..archive.len() - BLOCK {
            assert_eq!(read(&archive[..end]).map(|files| files.len()), Err(Unreadable::Cut));
        }
        // The byte behind the end of the sum is nobody's.
        for at in (0..BLOCK).filter(|at| *at != 155) {
            let mut damaged = archive.clone();
            damaged[at] = damaged[at].wrapping_add(1);
            assert!(read(&damaged).is_err(), "{at}");
        }
    }
}
