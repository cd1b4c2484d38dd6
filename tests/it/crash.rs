//! SIGKILL at every point at which it could matter, and at random ones under load: what
//! was accepted gets exactly one outcome, and no finished step is repeated.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::call::NETCUE;
use crate::lock::Held;
use crate::scene::{IP_UP, Scene, run, text_of, wait_until};
use crate::tracer::run_until;

/// Says on which attempt it began and ended, and how the rules stood.
fn marking_hook(scene: &Scene, name: &str) {
    let log = scene.path("marks");
    let log = log.display();
    let mark = |word: &str| {
        format!("echo \"{word} $NETCUE_STEP $NETCUE_ID $NETCUE_ATTEMPT $NETCUE_RULES.\" >>{log}\n")
    };
    scene.hook(name, format!("#!/bin/sh\n{}{}", mark("begin"), mark("end")));
}

/// What a hook wrote: `begin` or `end`, step, event, attempt, rules.
fn marks(scene: &Scene) -> Vec<[String; 5]> {
    let text = scene.text("marks");
    let mark = |line: &str| {
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        words.try_into().unwrap_or_else(|words| panic!("{words:?}"))
    };
    text.lines().map(mark).collect()
}

/// A gateway with a hook on each side of the engine.
fn marked_gateway() -> Scene {
    let scene = Scene::new();
    scene.gateway();
    marking_hook(&scene, "20-before");
    marking_hook(&scene, "70-after");
    scene
}

/// The records of the journal, without lines that a death has torn.
fn journal(scene: &Scene) -> Vec<Value> {
    let text = scene.text("var/log/netcue/journal.jsonl");
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn of_kind<'a>(journal: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    journal.iter().filter(move |record| record["record"] == kind)
}

fn id_of(record: &Value) -> String {
    text_of(&record["event_id"])
}

/// The plain command, for the tracer.
fn netcue(scene: &Scene, words: &str) -> Command {
    let mut command = Command::new(NETCUE);
    command.arg0("netcue").env_clear().current_dir("/").arg("--root").arg(scene.root());
    command.args(words.split_whitespace());
    command
}

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

/// After a hook has begun, none that began before it says another word.
fn assert_no_overlap(marks: &[[String; 5]], whole: &dyn Fn() -> String) {
    let mut current = None;
    for [word, step, id, attempt, _] in marks {
        if word == "begin" {
            current = Some((step, id, attempt));
        } else {
            assert_eq!(current, Some((step, id, attempt)), "two at once; {}", whole());
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
        |scene, fatal| {
            run_until(&mut netcue(scene, &format!("from {IP_UP}")), fatal, Signal::SIGKILL)
        },
        |scene, fatal| {
            let death = Death::inspect(scene);
            if fatal.is_multiple_of(2) {
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
            run_until(&mut netcue(scene, "run"), fatal, Signal::SIGKILL)
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
        |scene, last| {
            let call = &mut netcue(scene, &format!("from {IP_UP}"));
            run_until(call, last, Signal::SIGTERM)
        },
        |scene, last| {
            if !of_kind(&journal(scene), "run-begin").any(|_| true) {
                // It had not come to watching for signals.
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

/// How many kills at random moments; more if the environment says so.
fn random_kills() -> usize {
    std::env::var("NETCUE_KILLS").map_or(300, |number| number.parse().expect("a number"))
}

#[test]
fn of_what_twenty_callers_are_told_nothing_is_lost_to_random_kills() {
    let scene = marked_gateway();
    let (kills, over) = (random_kills(), AtomicBool::new(false));
    let told: Vec<Vec<String>> = std::thread::scope(|scope| {
        let caller = |caller: usize| {
            let (scene, over) = (&scene, &over);
            scope.spawn(move || {
                let interface = |call: usize| format!("c{caller}n{call}");
                let call = |interface: &String| {
                    while scene.queue().len() > 25 {
                        run_in_silence(&mut netcue(scene, "run"));
                        std::thread::sleep(Duration::from_millis(100));
                    }
                    // Some leave their event, some wait for it.
                    let trigger = if caller.is_multiple_of(4) { "ip-pre-up" } else { "ip-up" };
                    let words = IP_UP.replace("ip-up ppp0", &format!("{trigger} {interface}"));
                    let call = &mut netcue(scene, &format!("from {words}"));
                    run_in_silence(call).success()
                };
                let mut told = Vec::new();
                for name in (0..).map(interface) {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    if call(&name) {
                        told.push(name);
                    }
                }
                told
            })
        };
        let callers: Vec<_> = (0..20).map(caller).collect();
        shoot(&scene, kills);
        over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().expect("a caller")).collect()
    });
    scene.netcue(["run"]).any_stderr().run();
    scene.settled();
    let journal = journal(&scene);
    let mut of_id = std::collections::BTreeMap::new();
    for record in of_kind(&journal, "accepted") {
        let interface = text_of(&record["event"]["interface"]);
        assert_eq!(of_id.insert(id_of(record), interface), None, "accepted twice: {record}");
    }
    let ended: Vec<&String> =
        of_kind(&journal, "outcome").map(|record| &of_id[&id_of(record)]).collect();
    let mut sorted = ended.clone();
    sorted.sort();
    let mut accepted: Vec<&String> = of_id.values().collect();
    accepted.sort();
    assert_eq!(sorted, accepted, "each has one outcome");
    assert_eq!(scene.names_in("run/netcue/queue"), Vec::<String>::new());
    let place = |interface: &String| {
        let place = ended.iter().position(|ended| *ended == interface);
        place.unwrap_or_else(|| panic!("{interface} was accepted and is lost"))
    };
    for told in &told {
        assert!(told.iter().map(place).is_sorted(), "out of order: {told:?}");
    }
    assert_no_overlap(&marks(&scene), &String::new);
    assert_finished_steps_ran_once(&journal, &marks(&scene));
    scene.netcue(["rules", "diff"]).any_stdout().run();
    println!("{kills} kills at random, {} events, {} told", of_id.len(), told.concat().len());
}

/// No step of an event begins after its end was put on record: every mark of a beginning
/// has a record of its own.
fn assert_finished_steps_ran_once(journal: &[Value], marks: &[[String; 5]]) {
    let mut ends = std::collections::BTreeMap::new();
    for end in of_kind(journal, "step-end") {
        *ends.entry((id_of(end), text_of(&end["step"]))).or_insert(0) += 1;
    }
    assert!(ends.values().all(|times| *times == 1), "a step ended twice: {ends:?}");
    let mut last = std::collections::BTreeMap::new();
    for [word, step, id, attempt, _] in marks {
        if word == "begin" {
            let attempt: u32 = attempt.parse().expect("a number");
            let before = last.insert((id, step), attempt).unwrap_or(0);
            assert!(before < attempt, "{step} of {id} was repeated without a raised attempt");
        }
    }
}

fn run_in_silence(command: &mut Command) -> ExitStatus {
    let null = std::process::Stdio::null;
    command.stdin(null()).stdout(null()).stderr(null()).status().expect("netcue")
}

/// Kills a random one of the scene's processes again and again, each time after something
/// has got on record: on a busy machine none would live long enough otherwise.
fn shoot(scene: &Scene, kills: usize) {
    let mut state = 0x6e65_7463_7565_2121_u64;
    let mut throw = |sides: usize| {
        // Xorshift: any moment does.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(sides).expect("a number")).expect("a number")
    };
    let written =
        || fs::metadata(scene.path("var/log/netcue/journal.jsonl")).map_or(0, |f| f.len());
    let mut killed = 0;
    while killed < kills {
        let before = written();
        wait_until("something on record", || written() != before);
        let moment = u64::try_from(throw(5_000)).expect("a number");
        std::thread::sleep(Duration::from_micros(moment));
        let running = netcues(scene);
        if !running.is_empty() {
            let shot = kill(Pid::from_raw(running[throw(running.len())]), Signal::SIGKILL);
            killed += usize::from(shot.is_ok());
        }
    }
}

/// The line with which a hook kills the netcue that runs it.
const MURDER: &str = "kill -KILL $PPID\n";

#[test]
fn an_event_that_kills_three_runs_is_set_aside_in_the_open_and_those_behind_it_run() {
    let scene = marked_gateway();
    scene.hook("30-murderer", format!("#!/bin/sh\n{MURDER}sleep 1000\n"));
    scene.netcue(["from"]).words(IP_UP.split(' ')).status(137).any_stderr().run();
    let other = IP_UP.replace("ppp0", "ppp7");
    scene.netcue(["from"]).words(other.split(' ')).status(137).any_stderr().run();
    scene.netcue(["run"]).status(137).any_stderr().run();
    // The orphan of the last death is still there, and goes with the event.
    let ran = scene.netcue(["run"]).status(137).stderr_has("its run died 3 times").run();
    assert!(ran.stderr.contains("set aside as "), "{ran:?}");
    fs::remove_file(scene.path("etc/netcue/hooks.d/30-murderer")).expect("removed");
    scene.netcue(["run"]).run();
    scene.settled();
    assert_eq!(scene.outcomes(), ["given-up", "done"]);
    let given_up = &scene.records("outcome")[0];
    assert_eq!(given_up["reason"], "its run died 3 times");
    assert_eq!(scene.records("set-aside").len(), 1);
    let aside = scene.names_in("run/netcue/failed");
    assert_eq!(aside.len(), 1);
    assert!(aside[0].contains(&id_of(given_up)), "{aside:?}");
    let attempts: Vec<u64> = scene
        .records("run-begin")
        .iter()
        .filter(|run| run["event_id"] == given_up["event_id"])
        .map(|run| run["attempt"].as_u64().expect("a number"))
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    let begun: Vec<[String; 5]> = marks(&scene);
    let of_first = begun.iter().filter(|mark| mark[2] == id_of(given_up) && mark[0] == "begin");
    assert_eq!(of_first.count(), 1, "the finished step ran once: {begun:?}");
}

/// The processes whose command line names the scene's root, and which are netcue.
fn netcues(scene: &Scene) -> Vec<i32> {
    let root = scene.root().display().to_string();
    let is_one = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        words.next().is_some_and(|name| name.ends_with(b"netcue"))
            && words.any(|word| word == root.as_bytes())
    };
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_one).collect()
}

#[test]
fn a_hook_that_holds_nobody_is_run_again_if_its_process_dies_and_has_one_end() {
    let scene = Scene::new();
    scene.gateway();
    let begun = scene.path("begun");
    let begun = begun.display();
    scene.hook(
        "70-slow",
        format!(
            "#!/bin/sh\n# netcue: wait=no\necho $$ >>{begun}\n\
             [ $(wc -l <{begun}) -lt 3 ] || exit 0\nexec sleep 1000\n"
        ),
    );
    scene.ip_up();
    for deaths in 1..3 {
        wait_until("the hook to begin", || scene.text("begun").lines().count() == deaths);
        let attending = netcues(&scene);
        assert_eq!(attending.len(), 1, "{attending:?}");
        run("kill", ["-KILL", &attending[0].to_string()]);
        wait_until("its process to die", || netcues(&scene).is_empty());
        let orphan = scene.text("begun").lines().last().expect("a line").to_owned();
        scene.netcue(["run"]).run();
        wait_until("the orphan to be ended", || !lives(&orphan));
    }
    let ends = || -> Vec<String> {
        let slow = scene.records("step-end").into_iter().filter(|end| end["step"] == "70-slow");
        slow.map(|end| text_of(&end["outcome"])).collect()
    };
    wait_until("its end to be on record", || ends().len() == 2);
    wait_until("its job to go", || scene.names_in("run/netcue/unattended").is_empty());
    assert_eq!(ends(), ["started", "done"]);
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn a_hook_that_holds_nobody_is_given_up_when_it_has_cost_three_processes() {
    let scene = Scene::new();
    scene.gateway();
    let begun = scene.path("begun");
    let log = format!("echo >>{}", begun.display());
    scene.hook("70-murderer", format!("#!/bin/sh\n# netcue: wait=no\n{log}\n{MURDER}"));
    scene.ip_up();
    wait_until("its job to go", || {
        scene.netcue(["run"]).run();
        scene.names_in("run/netcue/unattended").is_empty()
    });
    let end = scene.end_of("70-murderer");
    assert_eq!(end["outcome"], "not-started");
    assert_eq!(end["reason"], "the process that ran it died 3 times");
    assert_eq!(scene.text("begun").lines().count(), 3);
    scene.netcue(["run"]).run();
    let ends = scene.records("step-end");
    assert_eq!(ends.iter().filter(|end| end["step"] == "70-murderer").count(), 2, "{ends:#?}");
}

/// Whether a process of that number lives and is no zombie.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.starts_with(" Z"))
}
