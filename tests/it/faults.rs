//! One thing goes wrong at one system call: an error, a short write, a KILL or a TERM, at each in
//! turn. Nothing that was accepted is lost, and nothing is done twice.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::aftermath::{id_of, journal, marked_gateway, marks, of_kind};
use crate::call::Call;
use crate::lock::Held;
use crate::scene::{IP_UP, Scene, run, text_of, wait_until};
use crate::tracer::{Fault, Struck, run_with};

/// Every fault, and how often it is tried by `make test`: at every so many-th moment, each at
/// other ones. `make faults` tries them all.
const FAULTS: [(Fault, usize); 8] = [
    (Fault::Error(Errno::EIO), 61),
    (Fault::Error(Errno::ENOSPC), 13),
    (Fault::Error(Errno::ENOMEM), 67),
    (Fault::Error(Errno::EACCES), 71),
    (Fault::Error(Errno::EINTR), 73),
    (Fault::Short, 5),
    (Fault::Signal(Signal::SIGKILL), 29),
    (Fault::Signal(Signal::SIGTERM), 31),
];

/// A process of netcue, and what it finds.
struct Way {
    name: &'static str,
    /// Makes what it finds, beside the gateway and its hooks.
    set: fn(&Scene),
    call: fn(&Scene) -> Call,
    /// Whether another process is at work meanwhile.
    is_busy: bool,
}

const FROM: Way =
    Way { name: "from", set: |_| {}, call: |scene| scene.calling(IP_UP), is_busy: false };

const AHEAD: Way = Way {
    name: "ahead",
    set: |scene| {
        let first = scene.path("etc/netcue/hooks.d/20-before");
        fs::remove_file(first).expect("removed");
    },
    is_busy: true,
    ..FROM
};

const EMIT: Way = Way {
    name: "emit",
    call: |scene| scene.netcue(["emit", "--action", "up", "--interface", "lan"]),
    ..FROM
};

const RECOVERY: Way = Way {
    name: "recovery",
    set: |scene| {
        // Its run was killed by a hook after one step had ended.
        scene.hook("30-once", "#!/bin/sh\nkill -KILL $PPID\n");
        scene.calling(IP_UP).status(128 + libc::SIGKILL).any_stderr().run();
        wait_until("the lock to be free", || scene.lock_is_free());
        fs::remove_file(scene.path("etc/netcue/hooks.d/30-once")).expect("removed");
    },
    call: |scene| scene.netcue(["run"]),
    ..FROM
};

const APART: Way = Way {
    name: "wait=no",
    set: |scene| {
        // Every place is taken, so that the hook waits.
        scene.config("[hooks]\nunattended = 1\n");
        let places = Held::lock(&scene.path("run/netcue/unattended.places"));
        let root = scene.root().display();
        let text = format!(
            "#!/bin/sh\n# netcue: wait=no\n\
             echo \"begin $NETCUE_STEP $NETCUE_ID $NETCUE_ATTEMPT $NETCUE_RULES.\" >>{root}/marks\n"
        );
        scene.hook("80-apart", text);
        scene.ip_up();
        drop(places);
    },
    call: |scene| scene.netcue(["run", "--detached", "--unattended"]),
    ..FROM
};

/// What was counted.
#[derive(Default)]
struct Tally {
    cases: AtomicUsize,
    broken: Mutex<Vec<String>>,
}

impl Tally {
    fn note(&self, what: String) {
        self.broken.lock().expect("not poisoned").push(what);
    }
}

/// What there was before anything went wrong, to be put back for the next case.
struct Before {
    folder: tempfile::TempDir,
}

impl Before {
    fn keep(scene: &Scene) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["run", "var", "marks"] {
            if scene.path(name).exists() {
                run("cp", ["-a", &scene.path(name).display().to_string(), &path_of(&folder)]);
            }
        }
        Self { folder }
    }

    fn put_back(&self, scene: &Scene) {
        for name in ["run", "var"] {
            if scene.path(name).exists() {
                fs::remove_dir_all(scene.path(name)).expect("removed");
            }
        }
        let _ = fs::remove_file(scene.path("marks"));
        let all = format!("{}/.", path_of(&self.folder));
        run("cp", ["-a", &all, &scene.root().display().to_string()]);
        scene.nft("add table inet netcue; delete table inet netcue");
    }
}

fn path_of(folder: &tempfile::TempDir) -> String {
    folder.path().display().to_string()
}

/// Tries one fault at every moment, or at every so many-th.
fn sweep(way: &Way, fault: Fault, stride: usize, tally: &Tally) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let scene = marked_gateway();
                (way.set)(&scene);
                let before = Before::keep(&scene);
                loop {
                    let last = next.fetch_add(stride, Ordering::Relaxed);
                    before.put_back(&scene);
                    let stderr = scene.path("stderr");
                    let mut call = (way.call)(&scene);
                    let command = call.command();
                    command.stderr(File::create(&stderr).expect("a file"));
                    let lock = scene.path("run/netcue/lock");
                    let busy = way.is_busy.then(|| Held::lock(&lock));
                    let struck = run_with(command, last, fault);
                    drop(busy);
                    let Some(at) = struck.at else { break };
                    tally.cases.fetch_add(1, Ordering::Relaxed);
                    let said = scene.text("stderr");
                    for what in judge(&scene, way, fault, &struck, &said) {
                        let status = struck.status;
                        tally.note(format!(
                            "{}: {fault:?} at moment {last}, system call {at}: {what}; {status}, {said}",
                            way.name
                        ));
                    }
                }
            });
        }
    });
}

/// Says what is not as promised after one more run that nothing goes wrong for.
fn judge(scene: &Scene, way: &Way, fault: Fault, struck: &Struck, said: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if said.contains("panicked") || struck.status.code() == Some(101) {
        wrong.push("a panic".to_owned());
    }
    let nothing_more = || scene.lock_is_free() && crate::aftermath::netcues(scene).is_empty();
    wait_until("all processes to be gone", nothing_more);
    scene.netcue(["run"]).any_stderr().any_status().run();
    wait_until("all processes to be gone", nothing_more);
    scene.netcue(["run"]).any_stderr().any_status().run();
    wait_until("all processes to be gone", nothing_more);
    for folder in ["queue", "failed", "unattended"] {
        let left = scene.names_in(&format!("run/netcue/{folder}"));
        if !left.is_empty() {
            wrong.push(format!("left in {folder}: {left:?}"));
        }
    }
    let journal = journal(scene);
    let marks = marks(scene);
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for record in of_kind(&journal, "accepted") {
        outcomes.entry(id_of(record)).or_default();
    }
    for mark in &marks {
        outcomes.entry(mark[2].clone()).or_default();
    }
    for record in of_kind(&journal, "outcome") {
        *outcomes.entry(id_of(record)).or_default() += 1;
    }
    if outcomes.is_empty() && struck.status.success() && said.is_empty() {
        wrong.push("lost without a word".to_owned());
    }
    for (id, times) in &outcomes {
        if *times != 1 {
            wrong.push(format!("{id} has {times} outcomes"));
        }
        wrong.extend(judge_steps(way, fault, &journal, &marks, id));
    }
    wrong
}

/// Each step has one end, and its hook began once; once more if its process died.
fn judge_steps(
    way: &Way,
    fault: Fault,
    journal: &[Value],
    marks: &[[String; 5]],
    id: &str,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let steps = ["20-before", "50-rules", "70-after"];
    for step in steps.iter().chain((way.name == "wait=no").then_some(&"80-apart")) {
        let is_end = |record: &&Value| {
            record["event_id"] == *id
                && record["step"] == *step
                && record["outcome"] != "interrupted"
                && record["outcome"] != "started"
        };
        let ends: Vec<String> = of_kind(journal, "step-end")
            .filter(is_end)
            .map(|record| text_of(&record["outcome"]))
            .collect();
        let begun = marks.iter().filter(|m| m[0] == "begin" && m[1] == *step && m[2] == id).count();
        let has_run = ends.iter().any(|end| end == "done");
        let deaths = usize::from(matches!(fault, Fault::Signal(_)));
        if ends.len() > 1 {
            wrong.push(format!("{step} ended {ends:?}"));
        }
        if begun > 1 + deaths {
            wrong.push(format!("{step} began {begun} times"));
        }
        if *step != "50-rules" && has_run && begun == 0 {
            wrong.push(format!("{step} is said to have run"));
        }
    }
    wrong
}

fn try_all(way: &Way) {
    let all = std::env::var_os("NETCUE_FAULTS").is_some();
    let tally = Tally::default();
    for (fault, stride) in FAULTS {
        sweep(way, fault, if all { 1 } else { stride }, &tally);
    }
    let broken = tally.broken.into_inner().expect("not poisoned");
    let cases = tally.cases.into_inner();
    println!("{}: {cases} cases, {} not as promised", way.name, broken.len());
    assert!(broken.is_empty(), "{} of {cases}:\n{}", broken.len(), broken.join("\n"));
    assert!(cases > 15, "{cases}");
}

#[test]
fn a_call_that_something_goes_wrong_for_loses_nothing() {
    try_all(&FROM);
}

#[test]
fn a_call_that_makes_rules_ahead_and_that_something_goes_wrong_for_loses_nothing() {
    try_all(&AHEAD);
}

#[test]
fn an_event_made_by_hand_that_something_goes_wrong_for_is_not_lost() {
    try_all(&EMIT);
}

#[test]
fn a_recovery_that_something_goes_wrong_for_loses_nothing() {
    try_all(&RECOVERY);
}

#[test]
fn a_hook_that_holds_nobody_and_whose_process_something_goes_wrong_for_is_not_lost() {
    try_all(&APART);
}
