//! Network namespaces to test in: each is a machine with interfaces of its own.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace; it ends with the last thread and the last interface in it.
pub(crate) struct Place(File);

impl Place {
    /// An empty one, with its loopback up.
    pub(crate) fn new() -> Self {
        let file = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
            run("ip link set lo up");
            File::open("/proc/thread-self/ns/net").expect("the namespace")
        });
        Self(file.join().expect("a namespace"))
    }

    /// Runs `work` there, in a thread of its own.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).expect("the namespace");
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// A path by which `ip` finds it.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Runs `test` in a thread with a network namespace of its own.
pub(crate) fn in_namespace<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    Place::new().enter(test)
}

pub(crate) fn run(command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let output = Command::new(words[0]).args(&words[1..]).output().expect(words[0]);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A gateway: `wan` with a default route, `lan` inside; both stay up without their peers.
pub(crate) fn gateway() {
    for (name, address) in [("wan", "198.51.100.2/24"), ("lan", "192.168.7.1/24")] {
        run(&format!("ip link add {name} type veth peer name {name}-far"));
        run(&format!("ip link set {name} up"));
        run(&format!("ip link set {name}-far up"));
        run(&format!("ip address add {address} dev {name}"));
    }
    run("ip route add default via 198.51.100.1 dev wan");
}
