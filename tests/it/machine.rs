//! Laying something over folders: over this machine's own, for the thread alone that asks,
//! so that netcue can be called where it is installed and nothing of the machine is touched;
//! and over a scene's, so that they are full or read-only.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

/// The mounts as they were before any test changed them.
static ORIGINAL: OnceLock<File> = OnceLock::new();

/// Until it is dropped, the calling thread and what it starts see an /etc that keeps
/// nothing, and a /run, /var/log and /dev that are empty but for what has to be there.
pub(crate) struct Overlay {
    folder: tempfile::TempDir,
}

impl Overlay {
    pub(crate) fn new() -> Self {
        go_back();
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let none: Option<&str> = None;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(none, "/", none, private, none).expect("private mounts");
        let overlay = Self { folder: tempfile::tempdir().expect("a folder") };
        empty(overlay.folder.path());
        overlay.lay_over("/etc");
        for path in ["/run", "/var/log", "/dev", "/usr/lib/netcue", "/usr/local/lib/netcue"] {
            if Path::new(path).is_dir() {
                empty(Path::new(path));
            }
        }
        for (name, minor) in [("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)] {
            let mode = Mode::from_bits_truncate(0o666);
            let device = Path::new("/dev").join(name);
            mknod(&device, SFlag::S_IFCHR, mode, makedev(1, minor)).expect("a device");
            // Whatever the umask is, everybody may write to it.
            fs::set_permissions(&device, Permissions::from_mode(0o666)).expect("chmod");
        }
        overlay
    }

    /// What is written below a folder from now on is seen there, and kept nowhere.
    pub(crate) fn lay_over(&self, path: &str) {
        let mode = fs::metadata(path).expect(path).permissions();
        let [upper, work] = ["upper", "work"].map(|kind| {
            let folder = self.folder.path().join(path.replace('/', "-") + kind);
            fs::create_dir(&folder).expect("a folder");
            fs::set_permissions(&folder, mode.clone()).expect("chmod");
            folder.display().to_string()
        });
        let options = format!("lowerdir={path},upperdir={upper},workdir={work}");
        let options = Some(options.as_str());
        mount(Some("overlay"), path, Some("overlay"), MsFlags::empty(), options)
            .expect("an overlay");
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        go_back();
    }
}

/// Puts the thread back where the process started.
fn go_back() {
    let original =
        ORIGINAL.get_or_init(|| File::open("/proc/thread-self/ns/mnt").expect("a namespace"));
    // Threads share a working directory, and who shares one can't change its namespace.
    unshare(CloneFlags::CLONE_FS).expect("a working directory of its own");
    setns(original, CloneFlags::CLONE_NEWNS).expect("the namespace");
}

fn empty(path: &Path) {
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))
        .unwrap_or_else(|errno| panic!("{}: {errno}", path.display()));
}

/// Something mounted in the tests' own mount namespace, until it is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// A file system of `size` bytes without any room left.
    pub(crate) fn full(path: PathBuf) -> Self {
        fs::create_dir_all(&path).expect("a folder");
        let size = Some("size=4k,mode=0700");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), size).expect("a tmpfs");
        let mounted = Self(path);
        fs::write(mounted.0.join(".fill"), [b'x'; 4096]).expect("the last page");
        mounted
    }

    /// An empty file system of 256 KiB, with room until [`Mounted::fill`].
    pub(crate) fn small(path: PathBuf) -> Self {
        fs::create_dir_all(&path).expect("a folder");
        let size = Some("size=256k,mode=0700");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), size).expect("a tmpfs");
        Self(path)
    }

    /// Takes all room that is left.
    pub(crate) fn fill(&self) {
        let mut fill = File::create(self.0.join(".fill")).expect("a file");
        while fill.write_all(&[b'x'; 4096]).is_ok() {}
    }

    /// What is there already, but for reading only.
    pub(crate) fn read_only(path: PathBuf) -> Self {
        let none: Option<&str> = None;
        mount(Some(&path), &path, none, MsFlags::MS_BIND, none).expect("a bind mount");
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(none, &path, none, flags, none).expect("read-only");
        Self(path)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}
