//! Many callers at once: nothing is lost, nothing runs twice, nothing runs beside another.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;

use crate::call::{Call, NETCUE};
use crate::scene::{Scene, text_of, wait_until};

const CALLERS: usize = 200;

/// The plain calls of several sources, each with a number of its own in it.
fn call(number: usize) -> String {
    match number % 5 {
        0 => format!("ppp ip-up ppp{number} /dev/ttyS0 115200 203.0.113.5 203.0.113.1"),
        1 => format!("ppp ipv6-down ppp{number} /dev/ttyS0 115200 fe80::5 fe80::1"),
        2 => format!("diald ip-up sl{number} 255.255.255.0 203.0.113.5 203.0.113.1"),
        3 => format!("pcmcia start eth{number}"),
        _ => "boot services".to_owned(),
    }
}

fn mark(scene: &Scene) {
    let marks = scene.path("marks");
    let marks = marks.display();
    scene.hook(
        "20-mark",
        format!(
            "#!/bin/sh\necho \"begin $NETCUE_ID\" >>{marks}\necho \"end $NETCUE_ID\" >>{marks}\n"
        ),
    );
}

/// The events in the order in which they ran; fails where two runs overlap.
fn ran(scene: &Scene) -> Vec<String> {
    let marks = scene.text("marks");
    let lines: Vec<&str> = marks.lines().collect();
    let pairs = lines.chunks(2).map(|pair| {
        let id = pair[0].strip_prefix("begin ").unwrap_or_else(|| panic!("overlap: {pair:?}"));
        assert_eq!(pair[1..], [format!("end {id}")], "overlap");
        id.to_owned()
    });
    pairs.collect()
}

#[test]
fn of_two_hundred_callers_at_once_each_is_answered_and_handled_once() {
    let scene = Scene::new();
    scene.gateway();
    mark(&scene);
    let calls: Vec<_> = (0..CALLERS).map(|number| scene.calling(&call(number)).spawn()).collect();
    let summaries: usize = calls.into_iter().map(|call| call.finish().summaries.len()).sum();
    scene.settled();
    let outcomes = scene.outcomes_by_event();
    assert_eq!(outcomes.len(), CALLERS);
    let wrong: Vec<_> = outcomes.iter().filter(|(_, outcomes)| *outcomes != &["done"]).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut ran = ran(&scene);
    ran.sort();
    assert_eq!(ran, outcomes.into_keys().collect::<Vec<_>>());
    assert_eq!(summaries, CALLERS, "one line for each run");
    assert_eq!(scene.names_in("run/netcue/failed"), Vec::<String>::new());
    assert!(scene.lock_is_free());
}

#[test]
fn calls_that_follow_one_another_run_in_that_order() {
    let scene = Scene::new();
    mark(&scene);
    let callers = 8;
    let each = 12;
    thread::scope(|scope| {
        for caller in 0..callers {
            let scene = &scene;
            scope.spawn(move || {
                for number in 0..each {
                    scene.from(&format!("pcmcia start c{caller}n{number}"));
                }
            });
        }
    });
    scene.settled();
    let interfaces: BTreeMap<String, String> = scene
        .records("accepted")
        .iter()
        .map(|record| (text_of(&record["event_id"]), text_of(&record["event"]["interface"])))
        .collect();
    let order: Vec<&String> = ran(&scene).iter().map(|id| &interfaces[id]).collect();
    for caller in 0..callers {
        let prefix = format!("c{caller}n");
        let numbers: Vec<usize> = order
            .iter()
            .filter_map(|interface| interface.strip_prefix(&prefix))
            .map(|number| number.parse().expect("a number"))
            .collect();
        assert_eq!(numbers, (0..each).collect::<Vec<_>>(), "caller {caller} in {order:?}");
    }
}

#[test]
fn whatever_changes_meanwhile_the_rules_fit_in_the_end() {
    let scene = Scene::new();
    scene.gateway();
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let mut change = String::new();
            match number % 4 {
                0 => write!(change, "address add 10.{number}.0.1/24 dev lan"),
                1 => write!(change, "address del 10.{}.0.1/24 dev lan", number - 1),
                2 => write!(change, "route del default"),
                _ => write!(change, "route add default via 198.51.100.1 dev wan"),
            }
            .expect("text");
            scene.ip(&change);
            scene.calling(&call(number)).spawn()
        })
        .collect();
    scene.ip("address add 10.99.0.1/24 dev lan");
    let last = scene.calling(&call(0)).spawn();
    for call in calls.into_iter().chain([last]) {
        call.finish();
    }
    scene.settled();
    scene.netcue(["rules", "diff"]).run();
    assert!(scene.nft("list set inet netcue internal4").contains("10.99.0.0/24"));
}

/// strace holds the first run up where it empties the note in the lock: after its last
/// look at the queue, before it lets go.
#[test]
fn an_event_that_comes_while_the_way_is_being_cleared_is_not_stranded() {
    let scene = Scene::new();
    let first = Call::through("strace", scene.root())
        .words(["-qq", "-o", "/dev/null", "-e", "trace=pwrite64"])
        .words(["-e", "inject=pwrite64:delay_enter=500ms", NETCUE, "--root"])
        .word(scene.root())
        .words(["from", "boot", "services"])
        .spawn();
    wait_until("the first outcome", || scene.outcomes().len() == 1 && scene.queue().is_empty());
    assert!(!scene.lock_is_free(), "the first run has let go too early for this test");
    let second = scene.from("boot interfaces");
    assert_eq!(second.summaries, Vec::<String>::new(), "it was the first caller's turn");
    assert_eq!(first.finish().summaries.len(), 2);
    assert_eq!(scene.outcomes(), ["done", "done"]);
}
