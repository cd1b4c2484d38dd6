//! Being told to end, at any moment and by anybody; and callers that leave us a world
//! nobody would want.

use std::fs::{self, File};
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Pid, dup2_stdin, setgroups, setresgid};

use crate::call::{Call, NETCUE, Running};
use crate::scene::{IP_UP, Scene, lives, text_of, wait_until};

/// What pppd says when a link is down.
const IP_DOWN: &str = "ppp ip-down ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1 provider";

/// A hook that hangs on its first attempt, after it has written its number to `begun`.
/// `prelude` stands before that.
fn hang_once(scene: &Scene, name: &str, prelude: &str) {
    let begun = scene.path("begun");
    let begun = begun.display();
    scene.hook(
        name,
        format!(
            "#!/bin/sh\n{prelude}\necho $$ >>{begun}\n[ $NETCUE_ATTEMPT -gt 1 ] && exit 0\n\
             while :; do sleep 0.02; done\n"
        ),
    );
}

/// A hook that leaves one line per run.
fn counting_hook(scene: &Scene, name: &str) {
    let log = scene.path("counted");
    scene.hook(name, format!("#!/bin/sh\necho {name} >>{}\n", log.display()));
}

fn begun(scene: &Scene, times: usize) {
    wait_until("the hook to begin", || scene.text("begun").lines().count() == times);
}

fn tell(running: &Running, signal: Signal) {
    kill(Pid::from_raw(running.pid()), signal).expect("it runs");
}

#[test]
fn whoever_tells_a_run_to_end_sees_that_signal_and_a_successor_finishes() {
    // pppd sends TERM to what still runs five seconds after it has ended.
    for (call, signal) in
        [(IP_DOWN, Signal::SIGTERM), (IP_UP, Signal::SIGINT), (IP_UP, Signal::SIGHUP)]
    {
        let scene = Scene::new();
        scene.gateway();
        counting_hook(&scene, "20-before");
        hang_once(&scene, "60-hangs", "");
        counting_hook(&scene, "70-after");
        let status = 128 + signal as i32;
        let words = ["from"].into_iter().chain(call.split(' '));
        let running = scene.netcue(words).status(status).spawn();
        begun(&scene, 1);
        let since = Instant::now();
        tell(&running, signal);
        running.finish();
        assert!(since.elapsed() < Duration::from_secs(5), "{signal}: {:?}", since.elapsed());
        begun(&scene, 2);
        scene.settled();
        assert_eq!(scene.outcomes(), ["done"], "{signal}");
        assert_eq!(scene.text("counted"), "20-before\n70-after\n", "{signal}");
        let runs = scene.records("run-begin");
        assert_eq!(runs.iter().map(|run| &run["attempt"]).collect::<Vec<_>>(), [1, 2]);
        let ends: Vec<String> = scene
            .records("step-end")
            .iter()
            .filter(|end| end["step"] == "60-hangs")
            .map(|end| text_of(&end["outcome"]))
            .collect();
        assert_eq!(ends, ["interrupted", "done"], "{signal}");
        assert!(!lives(scene.text("begun").lines().next().expect("a line")));
    }
}

#[test]
fn a_second_signal_ends_a_hook_that_clings_to_life_at_once() {
    let scene = Scene::new();
    let told = scene.path("told");
    hang_once(&scene, "60-clings", &format!("trap 'echo >>{}' TERM", told.display()));
    let words = ["from"].into_iter().chain(IP_UP.split(' '));
    let running = scene.netcue(words).status(143).any_stderr().spawn();
    begun(&scene, 1);
    let since = Instant::now();
    tell(&running, Signal::SIGTERM);
    wait_until("the hook to be told", || !scene.text("told").is_empty());
    tell(&running, Signal::SIGTERM);
    running.finish();
    assert!(since.elapsed() < Duration::from_secs(8), "grace is 10 s: {:?}", since.elapsed());
    scene.settled();
    assert_eq!(scene.outcomes().len(), 1);
}

#[test]
fn a_caller_that_stops_waiting_interrupts_nothing() {
    let scene = Scene::new();
    let open = scene.path("open");
    let (begun_path, open) = (scene.path("begun"), open.display().to_string());
    let wait = format!("until [ -e {open} ]; do sleep 0.02; done");
    scene.hook("60-gate", format!("#!/bin/sh\necho >>{}\n{wait}\n", begun_path.display()));
    for (before, signal) in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].iter().enumerate() {
        let waiting = scene.calling("wg-quick pre-up wg0").status(128 + *signal as i32).spawn();
        begun(&scene, 1);
        let is_in = |name: &&String| !name.starts_with('.');
        wait_until("the event to be queued", || {
            scene.queue().iter().filter(is_in).count() == before + 1
        });
        tell(&waiting, *signal);
        waiting.finish();
    }
    assert!(!scene.lock_is_free(), "the run goes on");
    File::create(scene.path("open")).expect("opened");
    wait_until("three outcomes", || scene.outcomes().len() == 3);
    scene.settled();
    assert_eq!(scene.outcomes(), ["done", "done", "done"]);
    let attempts = scene.records("run-begin");
    assert!(attempts.iter().all(|run| run["attempt"] == 1), "{attempts:#?}");
}

#[test]
fn who_reads_to_the_end_is_not_held_by_what_runs_on() {
    let scene = Scene::new();
    scene.gateway();
    let pids = scene.path("daemon").display().to_string();
    scene.hook(
        "60-daemon",
        format!(
            "#!/bin/sh\nsetsid sh -c 'echo $$ >>{pids}; echo >{pids}.$NETCUE_ID; exec sleep 1000' &\n\
             until [ -e {pids}.$NETCUE_ID ]; do sleep 0.02; done\n"
        ),
    );
    hang_once(&scene, "70-hangs", "");
    // cardmgr reads what its script says to the end: this one leaves its event to a
    // detached run. diald does the same with its signals blocked.
    let mut call = scene.netcue("from pcmcia start eth1".split(' '));
    spoil(call.command(), || {
        SigSet::all().thread_block()?;
        Ok(())
    });
    call.any_stderr().run();
    begun(&scene, 1);
    assert!(!scene.lock_is_free(), "the detached run still runs");
    let hanging = scene.text("begun").trim().parse().expect("a number");
    kill(Pid::from_raw(hanging), Signal::SIGKILL).expect("killed");
    scene.settled();
    fs::remove_file(scene.path("etc/netcue/hooks.d/70-hangs")).expect("removed");
    // This one runs the hooks itself, and changes the rules: a child closes its socket.
    scene.nft("delete table inet netcue");
    let ran = scene.ip_up();
    assert!(ran.summaries[0].contains("rules changed"), "{ran:?}");
    let daemons = scene.text("daemon");
    assert_eq!(daemons.lines().count(), 2);
    for pid in daemons.lines() {
        assert!(lives(pid), "a daemon in a session of its own is left alone");
        kill(Pid::from_raw(pid.parse().expect("a number")), Signal::SIGKILL).expect("killed");
    }
}

#[test]
fn the_child_that_closes_the_socket_holds_nobody_and_goes() {
    let scene = Scene::new();
    scene.gateway();
    for _ in 0..20 {
        scene.nft("add table inet netcue; delete table inet netcue");
        let ran = scene.ip_up();
        assert!(ran.summaries[0].contains("rules changed"), "{ran:?}");
        assert!(scene.lock_is_free(), "our end leaves nothing locked");
        // The socket, and the pipe by which it hears of our end.
        wait_until("all but two descriptors to be closed", || {
            ours(&scene).iter().all(|(_, descriptors)| descriptors.len() <= 2)
        });
    }
    wait_until("every process of ours to be gone", || ours(&scene).is_empty());
}

/// The processes called with this root, and what their descriptors lead to.
fn ours(scene: &Scene) -> Vec<(i32, Vec<String>)> {
    scene
        .processes()
        .into_iter()
        .map(|(pid, _)| {
            let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            let target = |link: fs::DirEntry| fs::read_link(link.path()).ok();
            (pid, links.filter_map(target).map(|path| path.display().to_string()).collect())
        })
        .collect()
}

/// Has a caller do that to itself before it calls.
fn spoil(command: &mut Command, how: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    #[expect(unsafe_code, reason = "pre_exec has no safe form")]
    // SAFETY: all that is done there is a few system calls.
    unsafe {
        command.pre_exec(how);
    }
}

/// Everything about itself that a hook could notice.
const LOOK: &str = "#!/bin/sh\n\
    exec >>OUT 2>&1\n\
    id -u; id -g; id -G; umask; pwd; ulimit -f; ulimit -t; ulimit -v; ulimit -d\n\
    [ $(ulimit -n) -ge 1024 ] && echo descriptors; [ $(ulimit -s) != 64 ] && echo stack\n\
    grep -E '^(SigBlk|SigIgn|SigPnd|ShdPnd)' /proc/self/status\n\
    cd /proc/$$; cat oom_score_adj personality timerslack_ns; grep allowed_list status\n\
    cut -d' ' -f18,19,40,41 stat; ionice; cd /\n\
    env | grep -v -E '^(NETCUE_(ID|TIME|BOOTTIME_NS|NETNS)|PWD|OLDPWD|_)='\n\
    for fd in /proc/$$/fd/*; do echo \"${fd##*/}\"; done; echo done\n";

#[expect(unsafe_code, reason = "a system call by its number has no safe form")]
fn kernel(call: libc::c_long, words: [libc::c_long; 3]) -> io::Result<()> {
    // SAFETY: none of the calls made here writes into memory; what they read lives long enough.
    let answer = unsafe { libc::syscall(call, words[0], words[1], words[2]) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

type Spoiler = fn() -> io::Result<()>;

/// Only the soft limit: who may not raise a hard one again can't be helped.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    Ok(setrlimit(resource, most, hard)?)
}

fn ignore(signals: &[libc::c_int]) {
    for signal in signals {
        #[expect(unsafe_code, reason = "signal(2) has no safe form")]
        // SAFETY: to ignore a signal is no handler that could run.
        unsafe {
            libc::signal(*signal, libc::SIG_IGN);
        }
    }
}

fn close(descriptors: std::ops::RangeInclusive<libc::c_int>) {
    for descriptor in descriptors {
        #[expect(unsafe_code, reason = "standard descriptors have no owner")]
        // SAFETY: the process is about to become another one, and uses none of them.
        unsafe {
            libc::close(descriptor);
        }
    }
}

const CALLERS: [(&str, Spoiler); 22] = [
    ("a user's group and groups", || {
        setgroups(&[Gid::from_raw(30), Gid::from_raw(1000)])?;
        Ok(setresgid(Gid::from_raw(1000), Gid::from_raw(1000), Gid::from_raw(1000))?)
    }),
    ("few descriptors", || limit(Resource::RLIMIT_NOFILE, 64)),
    ("no file may grow", || limit(Resource::RLIMIT_FSIZE, 0)),
    ("a second of time", || limit(Resource::RLIMIT_CPU, 1)),
    ("little memory", || limit(Resource::RLIMIT_DATA, 64 << 20)),
    ("a small stack", || limit(Resource::RLIMIT_STACK, 64 << 10)),
    ("descriptors left open", || {
        for _ in 0..40 {
            let _ = nix::unistd::dup(io::stdin())?.into_raw_fd();
        }
        Ok(())
    }),
    ("PIPE, HUP and USR1 ignored", || {
        ignore(&[libc::SIGPIPE, libc::SIGHUP, libc::SIGUSR1]);
        Ok(())
    }),
    ("CHLD ignored", || {
        ignore(&[libc::SIGCHLD]);
        Ok(())
    }),
    ("every signal blocked", || Ok(SigSet::all().thread_block()?)),
    ("no stdin", || {
        close(0..=0);
        Ok(())
    }),
    ("no stdin, stdout and stderr", || {
        close(0..=2);
        Ok(())
    }),
    ("a terminal's umask", || {
        umask(Mode::from_bits_truncate(0o077));
        Ok(())
    }),
    ("a folder that has gone", || {
        let gone = std::env::temp_dir().join(format!("netcue-gone-{}", std::process::id()));
        fs::create_dir(&gone)?;
        std::env::set_current_dir(&gone)?;
        fs::remove_dir(&gone)
    }),
    ("stdout and stderr that nobody reads", || {
        let (reader, writer) = nix::unistd::pipe()?;
        drop(reader);
        nix::unistd::dup2_stdout(&writer)?;
        Ok(nix::unistd::dup2_stderr(&writer)?)
    }),
    ("a timer that runs", || {
        // Of processor time: more than the way to our first line takes, less than the work.
        let soon: [libc::c_long; 4] = [0, 15_000, 0, 15_000];
        let soon = std::ptr::from_ref(&soon).expose_provenance();
        kernel(libc::SYS_setitimer, [libc::ITIMER_PROF.into(), soon.try_into().unwrap_or(0), 0])
    }),
    ("a low priority", || kernel(libc::SYS_setpriority, [0, 0, 15])),
    ("the class of what is idle", || {
        let none = 0;
        let none = std::ptr::from_ref(&none).expose_provenance().try_into().unwrap_or(0);
        kernel(libc::SYS_sched_setscheduler, [0, libc::SCHED_IDLE.into(), none])
    }),
    ("one processor", || {
        let mut one = CpuSet::new();
        one.set(0)?;
        Ok(sched_setaffinity(Pid::from_raw(0), &one)?)
    }),
    ("another personality", || {
        kernel(libc::SYS_personality, [libc::ADDR_NO_RANDOMIZE.into(), 0, 0])
    }),
    ("a wish to be killed first", || {
        fs::write("/proc/self/oom_score_adj", "500")?;
        kernel(libc::SYS_prctl, [libc::PR_SET_TIMERSLACK.into(), 1_000_000, 0])
    }),
    ("a folder for stdin", || Ok(dup2_stdin(File::open("/")?)?)),
];

#[test]
fn whatever_a_caller_leaves_us_the_hook_sees_the_same_world_and_the_work_is_done() {
    let seen = |how: Option<Spoiler>| {
        let scene = Scene::new();
        scene.gateway();
        let out = scene.path("out").display().to_string();
        scene.hook("60-look", LOOK.replace("OUT", &out));
        let mut call = scene.calling(IP_UP);
        let call = call.command();
        call.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(how) = how {
            spoil(call, how);
        }
        let status = call.status().expect("netcue");
        assert!(status.success(), "{status}");
        assert_eq!(scene.outcomes(), ["done"]);
        scene.netcue(["rules", "diff"]).run();
        scene.text("out").replace(&scene.root().display().to_string(), "ROOT")
    };
    let plain = seen(None);
    assert!(plain.ends_with("done\n") && plain.contains("descriptors\nstack\n"), "{plain}");
    for (caller, how) in CALLERS {
        println!("{caller}");
        assert_eq!(seen(Some(how)), plain, "{caller}");
    }
}

#[test]
fn a_limit_that_cannot_be_lifted_ends_nobody_in_silence() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n");
    let mut call = Call::through("setpriv", scene.root()).stderr_has("File too large");
    let less = ["--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource"];
    call.command().args(less).args(["sh", "-c", "ulimit -f 0; exec \"$@\"", "sh", NETCUE]);
    let ran = call.word("--root").word(scene.root()).words(["from", "boot", "services"]).run();
    // Nothing can be written, not even what a hook reads on stdin.
    assert!(ran.summaries[0].contains("failed: 20-a"), "{ran:?}");
    scene.hook("20-a", "#!/bin/sh\ngrep -E '^Sig(Ign|Cgt)' /proc/$$/status\n");
    scene.ip_up();
    let xfsz = 1_u64 << (libc::SIGXFSZ - 1);
    let signals = scene.output_of("20-a");
    let ignored = signals.lines().next().and_then(|line| line.split_whitespace().last());
    let ignored = u64::from_str_radix(ignored.expect("a mask"), 16).expect("a mask");
    assert_eq!(ignored & xfsz, 0, "a hook has the default: {signals}");
}

#[test]
fn a_confinement_without_random_numbers_ends_nobody() {
    let scene = Scene::new();
    scene.gateway().hook("20-a", "#!/bin/sh\necho ran\n");
    scene.hook("30-b", "#!/bin/sh\n# netcue: wait=no\necho ran\n");
    for _ in 0..2 {
        Call::through("strace", scene.root())
            .words(["-f", "-qq", "-o", "/dev/null", "-e", "trace=getrandom"])
            .words(["-e", "inject=getrandom:error=EACCES", NETCUE, "--root"])
            .word(scene.root())
            .words(["from", "boot", "services"])
            .run();
    }
    assert_eq!(scene.outcomes(), ["done"; 2]);
    wait_until("its end", || scene.end_of("30-b")["outcome"] == "done");
}

#[test]
fn what_runs_apart_is_called_by_our_name() {
    let scene = Scene::new();
    scene.gated_hook("20-a", "# netcue: wait=no");
    scene.ip_up();
    scene.begun(1);
    let name = |pid: i32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let named = |(pid, program): (i32, String)| (program, name(pid));
    let by_name = |(program, name): &(String, String)| program == "netcue" && name == "netcue\n";
    // The end of the turn may have started a second one, which has no name yet for a moment,
    // finds the hook taken and ends.
    wait_until("every process to be called by our name", || {
        let ours: Vec<_> = scene.processes().into_iter().map(named).collect();
        !ours.is_empty() && ours.iter().all(by_name)
    });
    scene.open();
}
