//! SIGKILL at random moments under load: of what callers were told, nothing is lost,
//! repeated or out of order.

use std::fs;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::aftermath::{
    assert_no_overlap, id_of, journal, marked_gateway, marks, netcues, of_kind,
};
use crate::scene::{IP_UP, Scene, text_of, wait_until};

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
                        run_in_silence(scene.netcue(["run"]).command());
                        std::thread::sleep(Duration::from_millis(100));
                    }
                    // Some leave their event, some wait for it.
                    let trigger = if caller % 4 == 0 { "ip-pre-up" } else { "ip-up" };
                    let words = IP_UP.replace("ip-up ppp0", &format!("{trigger} {interface}"));
                    run_in_silence(scene.calling(&words).command()).success()
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
    wait_until("the last victim's lock to be free", || scene.lock_is_free());
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
