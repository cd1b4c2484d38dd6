//! Archives for tar(1): a few small files in one folder.

use std::io::{self, Read};

/// What every archive ends with.
const END: [u8; 1024] = [0; 1024];

/// Puts files together. Each is readable by all, owned by root, and last changed at `time`,
/// in seconds since 1970.
///
/// # Errors
/// When a name is no relative path.
pub(crate) fn write(files: &[(String, String)], time: u64) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(time);
        header.set_username("root")?;
        header.set_groupname("root")?;
        archive.append_data(&mut header, name, content.as_bytes())?;
    }
    archive.into_inner()
}

/// The regular files of an archive, by their names without folders; folders, links and the
/// like are passed over.
///
/// # Errors
/// When it is no archive, or a damaged one.
pub(crate) fn read(archive: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let damaged = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    if !archive.ends_with(&END) {
        return Err(damaged("no tar archive, or only the beginning of one"));
    }
    let mut files = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        // A sparse file may claim to be of any size.
        if entry.size() > archive.len() as u64 {
            return Err(damaged("a file in it is larger than the archive"));
        }
        let path = entry.path()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push((name, content));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_not() {
        let files = [("one", "1"), ("none", ""), ("block", &"7".repeat(512))]
            .map(|(name, content)| (name.to_owned(), content.to_owned()));
        let in_folder = files.clone().map(|(name, content)| (format!("a/{name}"), content));
        let archive = write(&in_folder, 1_700_000_000).unwrap();
        let expected = files.map(|(name, content)| (name, content.into_bytes()));
        assert_eq!(read(&archive).unwrap(), expected);
        for end in 0..archive.len() {
            assert!(read(&archive[..end]).is_err(), "{end}");
        }
        for at in 0..148 {
            let mut damaged = archive.clone();
            damaged[at] = damaged[at].wrapping_add(1);
            assert!(read(&damaged).is_err(), "{at}");
        }
    }
}
