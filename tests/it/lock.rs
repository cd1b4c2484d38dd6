//! The queue's lock as another process sees it.

use std::fs::{File, OpenOptions};
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The lock in a test's own hands, until it is dropped.
pub(crate) struct Held {
    _file: File,
}

impl Held {
    pub(crate) fn lock(path: &Path) -> Self {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.expect("the lock");
        fcntl(&file, FcntlArg::F_OFD_SETLK(&whole())).expect("locked");
        Self { _file: file }
    }
}

/// Whether nobody holds it right now; asking takes nothing from anybody.
pub(crate) fn is_free(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return true };
    let mut lock = whole();
    fcntl(&file, FcntlArg::F_OFD_GETLK(&mut lock)).expect("asked");
    i32::from(lock.l_type) == libc::F_UNLCK
}

fn whole() -> libc::flock {
    libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).expect("a kind"),
        l_whence: i16::try_from(libc::SEEK_SET).expect("a place"),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}
