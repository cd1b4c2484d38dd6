//! Machines on which something is full, read-only, missing or not allowed: each time what
//! can be done is done, and what can't is said with its name and what to do.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::Value;

use crate::call::{Call, NETCUE, Ran};
use crate::lock::Held;
use crate::scene::{IP_UP, Scene, write_file};

/// Something mounted in the tests' own mount namespace, until it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// A file system of `size` bytes without any room left.
    fn full(path: PathBuf) -> Self {
        fs::create_dir_all(&path).expect("a folder");
        let size = Some("size=4k,mode=0700");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), size).expect("a tmpfs");
        let mounted = Self(path);
        fs::write(mounted.0.join(".fill"), [b'x'; 4096]).expect("the last page");
        mounted
    }

    /// What is there already, but for reading only.
    fn read_only(path: PathBuf) -> Self {
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

/// A gateway with a hook that says how the rules are.
fn gateway() -> Scene {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("70-a", format!("#!/bin/sh\necho \"$NETCUE_RULES\" >>{}/ran\n", root(&scene)));
    scene
}

fn root(scene: &Scene) -> String {
    scene.root().display().to_string()
}

/// The best possible result: the rules stand and the hook ran, once.
fn assert_handled(scene: &Scene) {
    assert_eq!(scene.text("ran"), "changed\n");
    assert!(scene.nft("list table inet netcue").contains("masquerade"));
}

/// What was said, each part of it exactly once.
fn assert_said(ran: &Ran, parts: &[&str]) {
    for part in parts {
        assert_eq!(ran.stderr.matches(part).count(), 1, "{part:?} in {}", ran.stderr);
    }
}

#[test]
fn a_full_queue_keeps_nothing_from_being_done() {
    for place in ["run/netcue/queue", "run/netcue"] {
        let scene = gateway();
        let full = Mounted::full(scene.path(place));
        let ran = scene.calling(IP_UP).stderr_has("is handled without the queue").run();
        assert_said(&ran, &["No space left on device (os error 28): make room on its file system"]);
        assert_eq!(ran.summaries.len(), 1);
        assert_handled(&scene);
        assert_eq!(scene.outcomes(), ["done"], "{place}");
        let remark = scene.records("remark")[0]["text"].to_string();
        assert!(remark.contains("not queued: can't "), "{remark}");
        assert_eq!(scene.end_of("50-rules")["outcome"], "changed");

        // Who asks for it gets to know.
        scene.netcue(["emit"]).stdout("ID handled\n").stderr_has("without the queue").run();
        drop(full);
        scene.ip_up();
        assert_eq!(scene.outcomes(), ["done"; 3]);
    }
}

#[test]
fn a_read_only_queue_keeps_nothing_from_being_done() {
    let scene = gateway();
    fs::create_dir_all(scene.path("run/netcue/queue")).expect("a folder");
    let read_only = Mounted::read_only(scene.path("run/netcue"));
    let ran = scene.calling(IP_UP).stderr_has("is handled without the queue").run();
    assert_said(
        &ran,
        &["Read-only file system (os error 30): remount its file system for writing"],
    );
    assert_handled(&scene);
    assert_eq!(scene.outcomes(), ["done"]);
    drop(read_only);
    scene.from("boot start");
    assert_eq!(scene.outcomes(), ["done", "done"]);
}

#[test]
fn an_event_that_cannot_be_taken_out_of_the_queue_is_handled_once_and_ends_the_run() {
    let scene = gateway();
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.ip_up();
    assert_eq!(scene.queue().len(), 1, "it waits for whoever holds the lock");
    let read_only = Mounted::read_only(scene.path("run/netcue/queue"));
    drop(held);
    for _ in 0..2 {
        let start = Instant::now();
        let ran = scene.netcue(["run"]).status(73).stderr_has("netcue: can't remove ").run();
        assert!(start.elapsed() < Duration::from_secs(20), "{ran:?}");
        assert_said(&ran, &["(os error 30): remount its file system for writing"]);
        assert_eq!(scene.outcomes(), ["done", "done"], "and not once more");
    }
    drop(read_only);
    scene.netcue(["run"]).run();
    assert_eq!(scene.queue(), Vec::<String>::new());
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert_eq!(scene.text("ran"), "changed\nunchanged\n");
}

#[test]
fn a_lock_on_a_read_only_file_system_is_still_a_lock() {
    let scene = gateway();
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    let _read_only = Mounted::read_only(scene.path("run/netcue"));
    let lost = |call: Call| call.stderr_has("is lost: another run holds the lock").run();
    let ran = lost(scene.calling(IP_UP));
    assert_eq!(ran.summaries, Vec::<String>::new());
    assert_eq!(scene.outcomes(), ["done", "given-up"], "nothing runs beside the holder");
    let reason = scene.records("outcome")[1]["reason"].to_string();
    assert!(reason.contains("not queued: can't ") && reason.contains("holds the lock"), "{reason}");

    // Nor beside one that could only open it for reading.
    drop(held);
    scene.gated_hook("80-slow", "");
    let holder = scene.calling(IP_UP).stderr_has("is handled without the queue").spawn();
    scene.begun(1);
    assert!(!scene.lock_is_free());
    scene.config("strict = true\n");
    lost(scene.calling(IP_UP).status(73));
    scene.open();
    holder.finish();
    assert_eq!(scene.outcomes(), ["done", "given-up", "given-up", "done"]);
}

#[test]
fn without_a_journal_everything_else_is_done() {
    type Spoil = fn(&Scene) -> Option<Mounted>;
    let cases: [(&str, Spoil); 6] = [
        ("make room on its file system", |scene| Some(Mounted::full(scene.path("var/log/netcue")))),
        ("remount its file system for writing", |scene| {
            fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
            Some(Mounted::read_only(scene.path("var/log/netcue")))
        }),
        ("Is a directory", |scene| {
            fs::create_dir_all(scene.path("var/log/netcue/journal.jsonl")).expect("a folder");
            None
        }),
        ("it is a symbolic link: link its folder instead", |scene| {
            write_file(&scene.path("etc/precious"), b"precious\n", 0o600);
            fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
            symlink(scene.path("etc/precious"), scene.path("var/log/netcue/journal.jsonl"))
                .expect("a link");
            None
        }),
        ("it is not a regular file", |scene| {
            fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
            let path = scene.path("var/log/netcue/journal.jsonl");
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
            None
        }),
        ("Not a directory", |scene| {
            fs::create_dir_all(scene.path("var/log")).expect("a folder");
            fs::write(scene.path("var/log/netcue"), "").expect("a file");
            None
        }),
    ];
    for (what, spoil) in cases {
        let scene = gateway();
        let _mounted = spoil(&scene);
        let ran = scene.calling(IP_UP).stderr_has("/var/log/netcue/journal.jsonl: ").run();
        assert_said(&ran, &["; going on without the journal\n", what]);
        assert_eq!(ran.summaries.len(), 1);
        assert_handled(&scene);
        assert_eq!(scene.queue(), Vec::<String>::new());
        if scene.path("etc/precious").exists() {
            assert_eq!(scene.text("etc/precious"), "precious\n");
        }
    }
}

#[test]
fn a_torn_line_is_closed_and_costs_nothing_but_itself() {
    let scene = Scene::new();
    scene.ip_up();
    let journal = scene.path("var/log/netcue/journal.jsonl");
    let whole = fs::read_to_string(&journal).expect("a journal");
    File::options()
        .append(true)
        .open(&journal)
        .and_then(|mut file| file.write_all(b"{\"time\":\"2026-01-0"))
        .expect("torn");
    scene.from("boot start");
    assert_eq!(scene.history_json().len(), 2);
    let text = fs::read_to_string(&journal).expect("a journal");
    let rest = text.strip_prefix(&whole).expect("nothing before it has changed");
    let lines: Vec<&str> = rest.lines().collect();
    assert_eq!(lines[0], "{\"time\":\"2026-01-0");
    assert!(lines[1..].iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{rest}");
}

#[test]
fn missing_folders_are_made_for_root_alone() {
    let scene = Scene::new();
    scene.ip_up();
    for (folder, mode) in [("run/netcue", 0o700), ("run/netcue/queue", 0o700)] {
        let permissions = fs::metadata(scene.path(folder)).expect("a folder").permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{folder}");
    }
    let journal = fs::metadata(scene.path("var/log/netcue/journal.jsonl")).expect("a file");
    assert_eq!(journal.permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_corrupt_queue_file_is_set_aside_and_the_rest_goes_on_in_order() {
    let scene = Scene::new();
    scene.hook("20-a", format!("#!/bin/sh\necho \"$NETCUE_TRIGGER\" >>{}/order\n", root(&scene)));
    let event = scene.netcue(["parse", "boot", "start"]).any_stdout().run().stdout;
    let queue = scene.path("run/netcue/queue");
    let name = |number: u32| format!("{number:020}-x.json");
    let put = |number: u32, content: &[u8]| write_file(&queue.join(name(number)), content, 0o600);
    put(1, b"\xff\xfe");
    put(2, event.as_bytes());
    put(3, b"");
    put(4, event.replace("netcue.event/1", "netcue.event/2").as_bytes());
    put(5, event.replace("\"start\"", "\"services\"").as_bytes());
    put(6, &vec![b' '; 300 << 10]);
    fs::create_dir(queue.join(name(7))).expect("a folder");
    symlink("/nowhere", queue.join(name(8))).expect("a link");
    let ran = scene.netcue(["run"]).stderr_has("set aside as ").run();
    assert_eq!(ran.stderr.matches("netcue: set aside as ").count(), 6, "{ran:?}");
    assert_said(
        &ran,
        &["schema is \"netcue.event/2\", this netcue reads", "larger than 262144 bytes"],
    );
    assert_eq!(scene.text("order"), "start\nservices\n");
    assert_eq!(scene.queue(), Vec::<String>::new());
    let aside: Vec<String> = [1, 3, 4, 6, 7, 8].into_iter().map(name).collect();
    assert_eq!(scene.names_in("run/netcue/failed"), aside);
    assert_eq!(scene.records("set-aside").len(), 6);
    let history = scene.netcue(["history"]).any_stdout().run().stdout;
    assert_eq!(history.matches("set aside as ").count(), 6, "{history}");
}

#[test]
fn an_accepted_event_whose_file_is_spoilt_has_its_outcome_all_the_same() {
    let scene = Scene::new();
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.ip_up();
    let name = scene.queue().pop().expect("it waits");
    fs::write(scene.path("run/netcue/queue").join(&name), "{").expect("spoilt");
    drop(held);
    // Where it can't even be moved, it is not given up a second time.
    let read_only = Mounted::read_only(scene.path("run/netcue/queue"));
    for _ in 0..2 {
        scene.netcue(["run"]).status(73).stderr_has("netcue: can't move ").run();
    }
    drop(read_only);
    scene.netcue(["run"]).run();
    assert_eq!(scene.outcomes(), ["done", "given-up"]);
    assert!(scene.outcomes_by_event().values().all(|outcomes| outcomes.len() == 1));
    assert_eq!(scene.names_in("run/netcue/failed"), [name]);
}

#[test]
fn a_clock_that_jumps_changes_neither_order_nor_outcome() {
    let scene = Scene::new();
    scene.hook("20-a", format!("#!/bin/sh\necho \"$NETCUE_TIME\" >>{}/order\n", root(&scene)));
    let queue = scene.path("run/netcue/queue");
    let times = ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-06-01T00:00:00Z"];
    for (number, time) in (1..).zip(times) {
        let event = scene.netcue(["parse", "boot", "start"]).any_stdout().run().stdout;
        let mut event: Value = serde_json::from_str(&event).expect("JSON");
        event["time"] = time.into();
        event["boottime_ns"] = number.into();
        let name = format!("{number:020}-{}.json", event["id"].as_str().expect("an id"));
        write_file(&queue.join(name), event.to_string().as_bytes(), 0o600);
    }
    scene.netcue(["run"]).run();
    assert_eq!(scene.text("order").lines().collect::<Vec<_>>(), times, "in order of boot time");
    assert_eq!(scene.outcomes(), ["done"; 3]);
    let waited = |record: &Value| record["waited_ms"].as_f64();
    let outcomes = scene.records("outcome");
    assert_eq!(waited(&outcomes[0]), None, "nobody waits for less than nothing");
    assert!(waited(&outcomes[1]).expect("a number") > 0.0);
    scene.netcue(["history"]).any_stdout().run();
}

#[test]
fn with_few_descriptors_or_none_left_nothing_is_lost() {
    for limit in 3..16 {
        let scene = Scene::new();
        scene.hook("20-a", format!("#!/bin/sh\necho ran >>{}/ran\n", root(&scene)));
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        // root raises the limit; with less than root's rights it stands.
        let less = ["--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource"];
        let mut call = Call::through("/bin/sh", scene.root()).stderr_has("");
        call.command().args(["-c", &script, "sh", "setpriv"]).args(less);
        call.command().args([NETCUE, "--root"]).arg(scene.root());
        // Where the program can't even be started, it is not netcue that says so.
        let ran = call.words(["from"]).words(IP_UP.split(' ')).any_status().run();
        assert!(!ran.stderr.contains("panicked"), "{limit}: {ran:?}");
        let by_netcue = ran.stderr.contains("netcue: ") || !ran.summaries.is_empty();
        if ran.status == 127 || !by_netcue {
            assert!(limit < 5, "{limit}: {ran:?}");
            continue;
        }
        assert_eq!(ran.status, 0, "{limit}: {ran:?}");
        let done_at_once = scene.text("ran") == "ran\n";
        assert!(
            done_at_once
                || ran.stderr.contains("ulimit -n")
                || ran.stderr.contains("os error 24")
                || scene.outcomes() == ["failed"],
            "{limit}: {ran:?} {:#?}",
            scene.journal()
        );
        // With descriptors again, what was kept is handled.
        scene.netcue(["run"]).stderr_has("").run();
        assert_eq!(scene.queue(), Vec::<String>::new());
        for (id, outcomes) in scene.outcomes_by_event() {
            assert_eq!(outcomes.len(), 1, "{limit}: event {id}: {outcomes:?}");
        }
    }
}

/// The program where everybody can call it, through a tool that takes rights away.
fn as_less_than_root(scene: &Scene, drop: &[&str]) -> Call {
    let program = scene.path("usr/sbin/netcue");
    if !program.exists() {
        write_file(&program, &fs::read(NETCUE).expect("the program"), 0o755);
    }
    Call::through("setpriv", scene.root())
        .words(drop)
        .word(program)
        .words(["--root"])
        .word(scene.root())
}

const NOBODY: [&str; 5] = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];

#[test]
fn a_user_is_told_what_only_root_can_do_and_changes_nothing() {
    let scene = gateway();
    fs::create_dir_all(scene.path("run")).expect("a folder");
    let call = || as_less_than_root(&scene, &NOBODY);
    let from = || call().words(["from"]).words(IP_UP.split(' '));
    let ran = from().stderr_has("is lost: can't make the folder ROOT/run/netcue: ").run();
    assert_said(
        &ran,
        &["Permission denied (os error 13): this is root's; only root can handle it"],
    );
    scene.config("strict = true\n");
    from().status(77).stderr_has("only root can handle it").run();
    call().words(["emit"]).status(77).stdout("ID lost\n").stderr_has("only root").run();
    call().words(["run"]).status(77).stderr_has("netcue: can't make the folder ").run();
    call().words(["rules", "show"]).status(77).stderr_has("run it as root").run();
    assert!(!scene.path("ran").exists() && !scene.path("run/netcue").exists());
    // What lies open is shown.
    call().words(["hooks"]).stdout_has("70-a").run();
    call().words(["parse", "boot", "start"]).stdout_has("\"start\"").run();

    scene.ip_up();
    call().words(["history"]).status(77).stderr_has("journal.jsonl: Permission denied").run();
    call().words(["run"]).status(77).stderr_has("this is root's").run();
    from().status(77).stderr_has("only root can handle it").run();
    assert_eq!(scene.outcomes(), ["done"]);
}

/// What holds for every machine whose rules can't be changed.
fn assert_rules_failed(call: impl Fn() -> Call, scene: &Scene, reason: &str, status: i32) {
    let from = || call().words(["from"]).words(IP_UP.split(' '));
    let ran = from().run();
    assert!(ran.summaries[0].contains("rules FAILED, 1 hook run, failed: 50-rules"), "{ran:?}");
    assert_eq!(scene.text("ran"), "failed\n", "hooks run, and are told");
    assert_eq!(scene.outcomes(), ["failed"]);
    let end = scene.end_of("50-rules");
    assert_eq!(end["outcome"], "failed");
    let said = end["reason"].as_str().expect("a reason");
    assert!(said.contains(reason), "{said}");
    for words in [["rules", "show"], ["rules", "diff"]] {
        call().words(words).status(status).stderr_has(reason).run();
    }
    call().words(["emit"]).status(1).stdout("ID failed\n").run();
    scene.config("strict = true\n");
    from().status(1).run();
    assert_eq!(scene.queue(), Vec::<String>::new());
}

#[test]
fn without_the_right_to_change_the_network_hooks_run_and_know() {
    let scene = gateway();
    let less = ["--bounding-set", "-net_admin", "--inh-caps", "-net_admin"];
    let call = || as_less_than_root(&scene, &less);
    assert_rules_failed(call, &scene, "no permission: netcue needs CAP_NET_ADMIN", 77);
}

#[test]
fn on_a_kernel_without_nf_tables_hooks_run_and_know() {
    let scene = gateway();
    let call = || {
        let mut call = scene.netcue([""; 0]);
        #[expect(unsafe_code, reason = "what a child does before exec has no safe form")]
        // SAFETY: the filter is made of constants on the stack, and only system calls follow.
        unsafe {
            call.command().pre_exec(refuse_netfilter);
        }
        call
    };
    assert_rules_failed(call, &scene, "it needs nf_tables with nft_chain_nat", 69);
}

/// From here on the kernel answers a request for a netfilter socket as one that was built
/// without it does.
fn refuse_netfilter() -> io::Result<()> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    // In struct seccomp_data: the number of the call, and the low halves of two arguments.
    const NUMBER: u32 = 0;
    const DOMAIN: u32 = if cfg!(target_endian = "big") { 20 } else { 16 };
    const PROTOCOL: u32 = DOMAIN + 16;
    let step = |code, k, jf| libc::sock_filter { code, jt: 0, jf, k };
    let socket = u32::try_from(libc::SYS_socket).unwrap_or(u32::MAX);
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EPROTONOSUPPORT.unsigned_abs();
    let mut filter = [
        step(LOAD, NUMBER, 0),
        step(EQUAL, socket, 5),
        step(LOAD, DOMAIN, 0),
        step(EQUAL, libc::AF_NETLINK.unsigned_abs(), 3),
        step(LOAD, PROTOCOL, 0),
        step(EQUAL, libc::NETLINK_NETFILTER.unsigned_abs(), 1),
        step(RETURN, refusal, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog { len: 8, filter: filter.as_mut_ptr() };
    nix::sys::prctl::set_no_new_privs()?;
    let operation = libc::c_long::from(libc::SECCOMP_SET_MODE_FILTER);
    #[expect(unsafe_code, reason = "nix has no seccomp(2)")]
    // SAFETY: the kernel copies the program, which outlives the call.
    let refused = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const program) };
    if refused == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[test]
fn a_configuration_that_cannot_be_used_stops_nothing() {
    for content in ["[hooks]\ntimeout = 9223372036854775807\n", "[hooks\n", "\u{1b}[31m"] {
        let scene = gateway();
        scene.config(content);
        let ran = scene.calling(IP_UP).stderr_has("; going on with the defaults\n").run();
        assert_said(
            &ran,
            &["netcue: ROOT/etc/netcue/netcue.conf:".replace("ROOT", &root(&scene)).as_str()],
        );
        assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
        assert_handled(&scene);
    }
}
