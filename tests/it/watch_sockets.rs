//! `netcue watch` as systemd has it: sockets that it holds, and a service that is started when
//! something comes.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, setsockopt, socket, sockopt,
};

use crate::call::NETCUE;
use crate::scene::{PATIENCE, Scene, wait_until};
use crate::watch::{QUICK, Watch, has_rules, told};

/// What systemd does not expect.
const BAD: PollFlags = PollFlags::POLLERR.union(PollFlags::POLLHUP);

/// What systemd does for netcue-watch.socket: it holds two sockets, starts the service while
/// something is in one of them, and gives up on one that is in error.
pub(crate) struct SocketUnit {
    sockets: Arc<[OwnedFd; 2]>,
    stop: Arc<AtomicBool>,
    starts: Arc<AtomicUsize>,
    systemd: Option<std::thread::JoinHandle<()>>,
}

impl SocketUnit {
    pub(crate) fn listening(buffer: usize) -> Self {
        let open = |protocol, groups| {
            let family = AddressFamily::Netlink;
            let fd =
                socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).expect("a socket");
            setsockopt(&fd, sockopt::RcvBuf, &buffer).expect("a buffer");
            bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups)).expect("bound");
            fd
        };
        let sockets = [
            open(SockProtocol::NetlinkRoute, 2_147_747_281),
            open(SockProtocol::NetlinkNetFilter, 64),
        ];
        let (sockets, stop, starts) = (Arc::new(sockets), Arc::default(), Arc::default());
        Self { sockets, stop, starts, systemd: None }
    }

    pub(crate) fn sockets(&self) -> &[OwnedFd; 2] {
        &self.sockets
    }

    /// Whether systemd would take one of them for failed.
    pub(crate) fn is_in_error(&self) -> bool {
        let mut fds = self.sockets.each_ref().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
        poll(&mut fds, 0_u16).expect("poll");
        fds.iter().filter_map(PollFd::revents).any(|came| came.intersects(BAD))
    }

    /// Starts the service once, as multi-user.target does.
    pub(crate) fn start(&self, scene: &Scene) {
        let status = service(scene.root(), &self.sockets).wait().expect("an end");
        assert!(status.success(), "{status}");
    }

    /// From here on the service is started when something comes.
    pub(crate) fn starts(&mut self, scene: &Scene) {
        let (sockets, stop) = (Arc::clone(&self.sockets), Arc::clone(&self.stop));
        let (root, starts) = (scene.root().to_owned(), Arc::clone(&self.starts));
        self.systemd = Some(std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let mut fds =
                    sockets.each_ref().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
                if poll(&mut fds, 20_u16).expect("poll") > 0 {
                    let came = fds.iter().filter_map(PollFd::revents);
                    assert!(
                        !came.into_iter().any(|came| came.intersects(BAD)),
                        "unexpected poll event"
                    );
                    starts.fetch_add(1, Ordering::SeqCst);
                    service(&root, &sockets).wait().expect("an end");
                }
            }
        }));
    }

    pub(crate) fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.systemd.take().expect("it was started").join().expect("no unit that failed");
    }
}

pub(crate) fn service(root: &Path, sockets: &[OwnedFd; 2]) -> Child {
    let handed_over =
        "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$@\"";
    let copy = |fd: &OwnedFd| fd.try_clone().expect("a copy");
    Command::new("sh")
        .args(["-c", handed_over, "sh", NETCUE, "--root"])
        .arg(root)
        .arg("watch")
        .env_clear()
        .stdin(Stdio::from(copy(&sockets[0])))
        .stdout(Stdio::from(copy(&sockets[1])))
        .spawn()
        .expect("sh")
}

#[test]
fn sockets_that_systemd_holds_hear_everything_and_survive_an_overflow() {
    let scene = Scene::new();
    scene.gateway().config(QUICK);
    let mut unit = SocketUnit::listening(32 << 10);
    unit.start(&scene);
    wait_until("the first rules", || has_rules(&scene));
    unit.starts(&scene);
    scene.ip("addr add 192.168.20.1/24 dev lan");
    wait_until("the address", || scene.rules().contains("192.168.20.0/24"));
    wait_until("the event", || !told(&scene, "address").is_empty());
    scene.nft("flush ruleset");
    wait_until("the rules", || has_rules(&scene));
    // More than the socket holds, while nobody reads: systemd is busy elsewhere.
    unit.stop.store(true, Ordering::SeqCst);
    unit.systemd.take().expect("it was started").join().expect("no unit that failed");
    let lines = |verb| {
        (0..4000).map(move |n| format!("route {verb} 10.{}.{}.0/24 dev lan\n", n / 250, n % 250))
    };
    scene.put("batch", &lines("add").chain(lines("del")).collect::<String>());
    scene.ip(&format!("-batch {}", scene.path("batch").display()));
    scene.ip("addr add 192.168.30.1/24 dev lan");
    unit.stop.store(false, Ordering::SeqCst);
    unit.starts(&scene);
    wait_until("what came after it", || scene.rules().contains("192.168.30.0/24"));
    scene.ip("addr del 192.168.30.1/24 dev lan");
    wait_until("and what comes later", || !scene.rules().contains("192.168.30.0/24"));
    unit.stop();
}

#[test]
fn our_own_commits_wake_nobody() {
    let scene = Scene::new();
    scene.gateway().config(QUICK);
    let mut unit = SocketUnit::listening(1 << 20);
    unit.start(&scene);
    wait_until("the first rules", || has_rules(&scene));
    unit.start(&scene);
    unit.starts(&scene);
    scene.config(&format!("{QUICK}[rules]\nmasquerade = false\n"));
    scene.netcue(["rules", "apply"]).any_stderr().run();
    assert!(!scene.rules().contains("masquerade"));
    // What wakes it comes after that, and by then it would have been woken.
    scene.ip("link add seen type bridge");
    wait_until("it to be woken", || unit.starts.load(Ordering::SeqCst) > 0);
    wait_until("the event", || !told(&scene, "link").is_empty());
    assert_eq!(unit.starts.load(Ordering::SeqCst), 1);
    unit.stop();
}

/// What a supervisor hears on a socket of its own.
struct Supervisor(UnixDatagram);

impl Supervisor {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self(socket)
    }

    /// The next that it is told.
    fn hears(&self) -> String {
        let mut buffer = [0; 64];
        let length = self.0.recv(&mut buffer).expect("a message");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

#[test]
fn who_starts_it_is_told_that_it_is_ready_and_lives() {
    let scene = Scene::new();
    scene.gateway().config(QUICK);
    let path = scene.path("notify");
    let (supervisor, at) = (Supervisor::at(&path), path.display().to_string());
    let mut watch = Watch::with(&scene, &[("NOTIFY_SOCKET", &at), ("WATCHDOG_USEC", "200000")]);
    assert_eq!(supervisor.hears(), "READY=1");
    // It has looked by then.
    assert!(scene.path("run/netcue/watch.json").exists());
    for _ in 0..3 {
        assert_eq!(supervisor.hears(), "WATCHDOG=1");
    }
    // Also while news come all the time.
    for n in 0..100 {
        scene.ip(&format!("addr add 192.168.20.{}/32 dev lan", n + 1));
    }
    assert_eq!(supervisor.hears(), "WATCHDOG=1");
    watch.kill();
    // Signs of life that were asked of another process are not given.
    std::fs::remove_file(&path).expect("the socket");
    let supervisor = Supervisor::at(&path);
    let variables =
        [("NOTIFY_SOCKET", at.as_str()), ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")];
    let _watch = Watch::with(&scene, &variables);
    assert_eq!(supervisor.hears(), "READY=1");
    scene.ip("link add seen type bridge");
    wait_until("an event", || !told(&scene, "link").is_empty());
    supervisor.0.set_nonblocking(true).expect("a socket");
    assert!(supervisor.0.recv(&mut [0; 64]).is_err(), "it is told nothing more");
}
