//! Where netcue's own unit listens: it does the work, takes in what confined callers can't
//! write, and finishes what was killed with its caller.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};

use crate::call::{Call, NETCUE};
use crate::scene::{IP_UP, Scene, script, wait_until};

/// What systemd does for netcue-queue.socket: holds the socket, and starts the service for as
/// long as something is in it.
struct Unit {
    socket: Arc<UnixDatagram>,
    stop: Arc<AtomicBool>,
    systemd: Option<std::thread::JoinHandle<usize>>,
}

impl Unit {
    /// A socket that nobody reads yet.
    fn listening(scene: &Scene) -> Self {
        let folder = scene.path("run/netcue");
        std::fs::create_dir_all(&folder).expect("a folder");
        let socket = UnixDatagram::bind(folder.join("inbox")).expect("a socket");
        Self { socket: Arc::new(socket), stop: Arc::default(), systemd: None }
    }

    /// From here on the service is started when something comes.
    fn starts(&mut self, scene: &Scene) {
        let (socket, stop) = (Arc::clone(&self.socket), Arc::clone(&self.stop));
        let root = scene.root().to_owned();
        self.systemd = Some(std::thread::spawn(move || {
            let mut starts = 0;
            while !stop.load(Ordering::SeqCst) {
                let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
                if poll(&mut fds, 20_u16).expect("poll") > 0 {
                    starts += 1;
                    let status = service(&root, &socket).wait().expect("an end");
                    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
                }
            }
            starts
        }));
    }

    /// How often the service was started.
    fn stop(mut self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.systemd.take().expect("it was started").join().expect("no panic")
    }
}

/// Starts `netcue run --until-empty` with that socket, as systemd does.
fn service(root: &Path, socket: &UnixDatagram) -> Child {
    let handed_over = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    Command::new("sh")
        .args(["-c", handed_over, "sh", NETCUE, "--root"])
        .arg(root)
        .args(["run", "--until-empty"])
        .env_clear()
        .stdin(OwnedFd::from(socket.try_clone().expect("a copy")))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh")
}

/// The call through a shell that first makes these places read-only for itself.
fn confined(scene: &Scene, read_only: &[&str], call: &str) -> Call {
    let root = scene.root().display();
    let bind = |place: &&str| {
        let place = scene.path(place).display().to_string();
        format!("mount --bind {place} {place} && mount -o remount,ro,bind {place} && ")
    };
    let binds: Vec<String> = read_only.iter().map(bind).collect();
    Call::through("unshare", scene.root())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .words(["--mount", "sh", "-c"])
        .word(format!("{} exec {NETCUE} --root {root} {call}", binds.concat()))
}

#[test]
fn a_call_that_nobody_waits_for_leaves_all_its_work_to_the_unit() {
    let scene = Scene::telling_gateway();
    let mut unit = Unit::listening(&scene);
    let ran = scene.ip_up();
    assert_eq!(ran.summaries, Vec::<String>::new());
    scene.netcue(["emit", "--no-wait"]).stdout("ID queued\n").run();
    assert_eq!(scene.queue().len(), 2);
    assert_eq!(scene.processes(), [], "nothing runs in its place");
    assert_eq!(scene.text("ran"), "");
    unit.starts(&scene);
    wait_until("both to be handled", || scene.outcomes() == ["done", "done"]);
    assert_eq!(scene.text("ran"), "changed\nunchanged\n");
    wait_until("the unit to end", || scene.processes().is_empty());
    assert_eq!(unit.stop(), 1);
}

#[test]
fn who_needs_it_finished_is_kept_until_the_unit_has_done_it() {
    let scene = Scene::telling_gateway();
    let mut unit = Unit::listening(&scene);
    unit.starts(&scene);
    let ran = scene.from("wg-quick pre-up wg0");
    assert_eq!(scene.outcomes(), ["done"], "{ran:?}");
    assert_eq!(scene.text("ran"), "changed\n");
    unit.stop();
}

#[test]
fn a_person_who_asks_sees_the_work_done_in_place() {
    let scene = Scene::telling_gateway();
    let unit = Unit::listening(&scene);
    scene.netcue(["emit"]).stdout("ID handled\n").any_stderr().run();
    assert_eq!(scene.text("ran"), "changed\n");
    drop(unit);
}

#[test]
fn where_the_socket_has_gone_or_nobody_holds_it_calls_do_the_work_as_before() {
    let scene = Scene::telling_gateway();
    drop(Unit::listening(&scene));
    assert!(scene.path("run/netcue/inbox").exists());
    assert_eq!(scene.ip_up().summaries.len(), 1);
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn an_event_whose_caller_may_write_nowhere_is_handed_over_and_handled() {
    for read_only in [["run", "var"].as_slice(), &["run"], &["var"]] {
        let scene = Scene::telling_gateway();
        std::fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
        let mut unit = Unit::listening(&scene);
        let call = confined(&scene, read_only, &format!("from {IP_UP}"));
        call.run();
        assert_eq!(scene.queue(), Vec::<String>::new());
        unit.starts(&scene);
        wait_until("it to be handled", || scene.outcomes() == ["done"]);
        scene.assert_handled();
        let accepted = scene.records("accepted");
        assert_eq!(accepted.len(), 1, "{accepted:#?}");
        assert_eq!(accepted[0]["event"]["interface"], "ppp0");
        assert!(accepted[0]["argv"].to_string().contains("203.0.113.5"));
        unit.stop();
    }
}

#[test]
fn who_is_confined_and_needs_it_finished_is_kept_until_it_is() {
    let scene = Scene::telling_gateway();
    std::fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
    let mut unit = Unit::listening(&scene);
    unit.starts(&scene);
    // The lock is there as soon as anything ran.
    scene.netcue(["run"]).run();
    confined(&scene, &["run", "var"], "from manual run").run();
    assert_eq!(scene.outcomes(), ["done"]);
    confined(&scene, &["run", "var"], "emit").stdout("ID handled\n").run();
    assert_eq!(scene.outcomes(), ["done", "done"]);
    unit.stop();
}

/// The call through a shell that first has folders of its own in these places; the first process,
/// as it sees it, has those of the scene.
fn apart(scene: &Scene, places: &[&str], call: &str) -> Call {
    let root = scene.root().display();
    let mounts: Vec<String> = places
        .iter()
        .map(|place| format!("mount -t tmpfs none {} && ", scene.path(place).display()))
        .collect();
    let call = format!("{} exec {NETCUE} --root {root} {call}", mounts.concat());
    Call::through("unshare", scene.root())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .words(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c"])
        .word(format!("unshare --mount sh -c '{call}'; exit $?"))
}

/// What it put into a queue of its own would be gone with it, and nobody would know.
#[test]
fn an_event_whose_callers_files_are_not_the_machines_is_handed_over_and_handled() {
    for places in [["run"].as_slice(), &["var/log"], &["run", "var"]] {
        let scene = Scene::telling_gateway();
        std::fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
        let mut unit = Unit::listening(&scene);
        apart(&scene, places, &format!("from {IP_UP}")).run();
        assert_eq!(scene.text("ran"), "", "nothing runs in its place");
        unit.starts(&scene);
        wait_until("it to be handled", || scene.outcomes() == ["done"]);
        let accepted = scene.records("accepted");
        assert_eq!(accepted.len(), 1, "{accepted:#?}");
        let said = if places.contains(&"run") && places.len() == 1 { "handled" } else { "queued" };
        apart(&scene, places, "emit").stdout(&format!("ID {said}\n")).run();
        wait_until("that too", || scene.outcomes() == ["done", "done"]);
        assert_eq!(scene.text("ran"), "changed\nunchanged\n", "each of them once");
        unit.stop();
    }
}

#[test]
fn what_a_confined_caller_says_wrong_or_in_vain_reaches_history_too() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
    let mut unit = Unit::listening(&scene);
    unit.starts(&scene);
    confined(&scene, &["run", "var"], "from ppp ip-sideways").status(65).any_stderr().run();
    confined(&scene, &["run", "var"], "from ppp auth-up ppp0 a b tty 1").run();
    wait_until("both to be on record", || {
        scene.records("refused").len() == 1 && scene.outcomes() == ["ignored"]
    });
    unit.stop();
}

#[test]
fn what_a_caller_without_the_right_to_change_the_network_asks_for_is_done_by_the_unit() {
    let scene = Scene::telling_gateway();
    let mut unit = Unit::listening(&scene);
    unit.starts(&scene);
    Call::through("setpriv", scene.root())
        .words(["--bounding-set", "-net_admin", "--inh-caps", "-net_admin", NETCUE, "--root"])
        .word(scene.root())
        .word("emit")
        .stdout("ID handled\n")
        .run();
    scene.assert_handled();
    assert_eq!(scene.outcomes(), ["done"]);
    unit.stop();
}

#[test]
fn the_unit_takes_over_within_a_second_what_is_killed_in_the_middle() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: action=manual");
    let mut unit = Unit::listening(&scene);
    let mut emit = scene.netcue(["emit"]).any_status().any_stdout().any_stderr();
    emit.command().process_group(0);
    let emit = emit.spawn();
    scene.begun(1);
    // As the path unit does, which sees that something is in the queue.
    unit.starts(&scene);
    assert!(netcue_wakes(&scene));
    wait_until("the unit to wait for its turn", || scene.processes().len() > 1);
    let group = nix::unistd::Pid::from_raw(emit.pid());
    let killed = Instant::now();
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).expect("killed");
    drop(emit.finish());
    scene.begun(2);
    let taken_over = killed.elapsed();
    assert!(taken_over < Duration::from_secs(3), "{taken_over:?} on a busy machine");
    scene.open();
    wait_until("it to be handled", || scene.outcomes() == ["done"]);
    unit.stop();
}

fn netcue_wakes(scene: &Scene) -> bool {
    let socket = UnixDatagram::unbound().expect("a socket");
    socket.send_to(&[], scene.path("run/netcue/inbox")).is_ok()
}

#[test]
fn a_unit_that_dies_over_what_was_handed_over_leaves_it_to_the_next() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
    scene.hook("20-kill", script("# netcue: source=ppp\n[ $NETCUE_ATTEMPT = 2 ] || kill -9 $PPID"));
    let unit = Unit::listening(&scene);
    confined(&scene, &["run", "var"], &format!("from {IP_UP}")).run();
    for _ in 0..3 {
        service(scene.root(), &unit.socket).wait().expect("an end");
    }
    assert_eq!(scene.outcomes(), ["done"]);
    assert_eq!(scene.records("accepted").len(), 1);
}

#[test]
fn while_a_hook_that_holds_nobody_runs_the_unit_stays_and_takes_what_comes() {
    let scene = Scene::new();
    scene.gated_hook("20-apart", "# netcue: wait=no action=up");
    let mut unit = Unit::listening(&scene);
    unit.starts(&scene);
    scene.ip_up();
    scene.begun(1);
    scene.ip_up();
    wait_until("both to be handled", || scene.outcomes() == ["done", "done"]);
    scene.begun(2);
    scene.open();
    wait_until("the unit to end", || scene.processes().is_empty());
    assert_eq!(unit.stop(), 1, "no circle of starts");
}
