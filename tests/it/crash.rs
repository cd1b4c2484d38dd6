//! A signal at every point at which it could matter: what was accepted gets exactly one
//! outcome, and no finished step is repeated.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::aftermath::{assert_no_overlap, id_of, journal, marked_gateway, marks, of_kind};
use crate::lock::Held;
use crate::scene::{IP_UP, Scene, wait_until};
use crate::tracer::run_until;

/// What could be seen just after a death.
struct Death {
    journal: Vec<Value>,
    queued: Vec<String>,
    marks: Vec<[String; 5]>,
}

impl Death {
    /// Looks around once the dead process' lock is free: a child that was on its way to
    /// become a hook holds it until it is one.
    fn inspect(scene: &Scene) -> Self {
        wait_until("the dead run's lock to be free", || scene.lock_is_free());
        Self { journal: journal(scene), queued: scene.queue(), marks: marks(scene) }
    }

    /// The events that netcue answers for: on record, or in the queue.
    fn accepted(&self) -> Vec<String> {
        let mut ids: Vec<String> = of_kind(&self.journal, "accepted").map(id_of).collect();
        let queued = self.queued.iter().filter(|name| !name.starts_with('.'));
        for name in queued {
            let (_, id) = name.trim_end_matches(".json").split_once('-').expect("a ticket");
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        ids
    }

    /// Whether a step's end was on record already.
    fn had_finished(&self, id: &str, step: &str) -> bool {
        of_kind(&self.journal, "step-end").any(|end| end["event_id"] == id && end["step"] == step)
    }
}

/// Holds everything that was promised about one death against what came of it.
fn judge(scene: &Scene, death: &Death, what: &str) {
    scene.settled();
    let journal = journal(scene);
    let whole = || {
        let lines: Vec<String> = journal.iter().map(ToString::to_string).collect();
        format!("{what}\n{}\n{}", lines.join("\n"), scene.text("marks"))
    };
    assert_eq!(scene.names_in("run/netcue/queue"), Vec::<String>::new(), "{}", whole());
    assert_eq!(scene.names_in("run/netcue/failed"), Vec::<String>::new(), "{}", whole());
    let outcomes: Vec<String> = of_kind(&journal, "outcome").map(id_of).collect();
    let mut accepted: Vec<String> = of_kind(&journal, "accepted").map(id_of).collect();
    for id in death.accepted() {
        assert!(accepted.contains(&id), "{id} was queued before it was on record; {}", whole());
    }
    assert_eq!(outcomes, accepted, "each has one outcome, in order; {}", whole());
    accepted.dedup();
    assert_eq!(outcomes, accepted, "each is accepted once; {}", whole());
    for id in &accepted {
        judge_event(&journal, &marks(scene), death, id, &whole);
    }
    assert_no_overlap(&marks(scene), &whole);
    if !accepted.is_empty() {
        scene.netcue(["rules", "diff"]).any_stdout().run();
    }
}

fn judge_event(
    journal: &[Value],
    marks: &[[String; 5]],
    death: &Death,
    id: &str,
    whole: &dyn Fn() -> String,
) {
    let records = |kind| of_kind(journal, kind).filter(|record| record["event_id"] == id);
    let attempts: Vec<u64> =
        records("run-begin").map(|run| run["attempt"].as_u64().expect("a number")).collect();
    assert!(attempts.is_sorted_by(|a, b| a < b), "attempts {attempts:?}; {}", whole());
    for step in ["20-before", "50-rules", "70-after"] {
        let begun = records("step-begin").filter(|record| record["step"] == step).count();
        let is_end = |end: &&Value| end["step"] == step && end["outcome"] != "interrupted";
        let ended = records("step-end").filter(is_end).count();
        assert_eq!(ended, 1, "ends of {step}; {}", whole());
        let most = if death.had_finished(id, step) { 1 } else { 2 };
        assert!(begun <= most, "{step} was begun {begun} times; {}", whole());
        if step == "50-rules" {
            continue;
        }
        let of_step = |word: &str, marks: &[[String; 5]]| -> Vec<[String; 5]> {
            let is_it = |mark: &&[String; 5]| mark[0] == word && mark[1] == step && mark[2] == id;
            marks.iter().filter(is_it).cloned().collect()
        };
        let runs = of_step("begin", marks);
        if death.had_finished(id, step) {
            assert_eq!(runs.len(), of_step("begin", &death.marks).len(), "{step}; {}", whole());
        }
        assert!(!runs.is_empty() && runs.len() <= begun, "{step}; {}", whole());
        let last = runs.last().expect("a run");
        assert_eq!(of_step("end", marks).last().map(|end| &end[3]), Some(&last[3]), "{}", whole());
        if runs.len() == 2 {
            assert!(runs[0][3] < runs[1][3], "attempt was not raised; {}", whole());
        }
        let is_first = of_kind(journal, "accepted").next().map(id_of).as_deref() == Some(id);
        if step == "70-after" && is_first {
            assert_eq!(last[4], "changed.", "NETCUE_RULES after a death; {}", whole());
        }
    }
}

/// Empties everything but the hooks, and takes the rules away so that they have to change.
fn start_over(scene: &Scene) {
    for folder in ["run", "var"] {
        if scene.path(folder).exists() {
            fs::remove_dir_all(scene.path(folder)).expect("removed");
        }
    }
    let _ = fs::remove_file(scene.path("marks"));
    scene.nft("add table inet netcue; delete table inet netcue");
}

/// Kills at every touch, on as many threads as there are processors; tells how often.
fn at_every_touch(
    set: impl Fn() -> Scene + Sync,
    deadly: impl Fn(&Scene, usize) -> ExitStatus + Sync,
    then: impl Fn(&Scene, usize) + Sync,
) -> usize {
    let (next, kills, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let scene = set();
                while !over.load(Ordering::Relaxed) {
                    let fatal = next.fetch_add(1, Ordering::Relaxed);
                    start_over(&scene);
                    let status = deadly(&scene, fatal);
                    let has_died = status.signal().is_some();
                    assert!(has_died || status.success(), "{status}");
                    kills.fetch_add(usize::from(has_died), Ordering::Relaxed);
                    // A signal that comes after all is done is no reason not to end well.
                    over.fetch_or(!has_died, Ordering::Relaxed);
                    then(&scene, fatal);
                }
            });
        }
    });
    let kills = kills.into_inner();
    println!("{kills} kills");
    kills
}

#[test]
fn a_call_killed_anywhere_is_made_good_by_the_next() {
    let kills = at_every_touch(
        marked_gateway,
        |scene, fatal| run_until(scene.calling(IP_UP).command(), fatal, Signal::SIGKILL),
        |scene, fatal| {
            let death = Death::inspect(scene);
            if fatal % 2 == 0 {
                scene.netcue(["run"]).run();
            } else {
                scene.ip_up();
            }
            judge(scene, &death, &format!("killed at touch {fatal}"));
        },
    );
    assert!(kills > 50, "{kills}");
}

#[test]
fn a_run_killed_anywhere_is_made_good_by_the_next() {
    let kills = at_every_touch(
        marked_gateway,
        |scene, fatal| {
            queue_up(scene, 2);
            run_until(scene.netcue(["run"]).command(), fatal, Signal::SIGKILL)
        },
        |scene, fatal| {
            let death = Death::inspect(scene);
            scene.netcue(["run"]).run();
            assert_eq!(death.accepted().len(), 2);
            judge(scene, &death, &format!("killed at touch {fatal}"));
        },
    );
    assert!(kills > 80, "{kills}");
}

#[test]
fn a_call_told_to_end_anywhere_leaves_the_rest_to_a_successor() {
    let ended = at_every_touch(
        marked_gateway,
        |scene, last| run_until(scene.calling(IP_UP).command(), last, Signal::SIGTERM),
        |scene, last| {
            let is_kept = scene.queue().iter().any(|name| !name.starts_with('.'));
            if is_kept || of_kind(&journal(scene), "run-begin").any(|_| true) {
                // Nobody calls again: who was told to end has seen to it.
                wait_until("the successor to be done", || {
                    of_kind(&journal(scene), "outcome").any(|_| true) && scene.queue().is_empty()
                });
            } else {
                // It had not come so far as to keep the event.
                scene.netcue(["run"]).run();
            }
            let nothing = Death { journal: vec![], queued: vec![], marks: vec![] };
            judge(scene, &nothing, &format!("told to end at touch {last}"));
        },
    );
    assert!(ended > 50, "{ended}");
}

/// Lets as many calls come while the lock is held.
fn queue_up(scene: &Scene, calls: usize) {
    let lock = Held::lock(&scene.path("run/netcue/lock"));
    for _ in 0..calls {
        scene.ip_up();
    }
    drop(lock);
}
