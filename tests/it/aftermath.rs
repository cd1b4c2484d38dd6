//! What can be seen after a death: marks that hooks have left, and a journal in which a
//! line may be torn.

use serde_json::Value;

use crate::scene::{Scene, text_of};

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
pub(crate) fn marks(scene: &Scene) -> Vec<[String; 5]> {
    let text = scene.text("marks");
    let mark = |line: &str| {
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        words.try_into().unwrap_or_else(|words| panic!("{words:?}"))
    };
    text.lines().map(mark).collect()
}

/// A gateway with a hook on each side of the engine.
pub(crate) fn marked_gateway() -> Scene {
    let scene = Scene::new();
    scene.gateway();
    marking_hook(&scene, "20-before");
    marking_hook(&scene, "70-after");
    scene
}

/// The records of the journal, without lines that a death has torn.
pub(crate) fn journal(scene: &Scene) -> Vec<Value> {
    let text = scene.text("var/log/netcue/journal.jsonl");
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

pub(crate) fn of_kind<'a>(journal: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    journal.iter().filter(move |record| record["record"] == kind)
}

pub(crate) fn id_of(record: &Value) -> String {
    text_of(&record["event_id"])
}

/// After a hook has begun, none that began before it says another word.
pub(crate) fn assert_no_overlap(marks: &[[String; 5]], whole: &dyn Fn() -> String) {
    let mut current = None;
    for [word, step, id, attempt, _] in marks {
        if word == "begin" {
            current = Some((step, id, attempt));
        } else {
            assert_eq!(current, Some((step, id, attempt)), "two at once; {}", whole());
        }
    }
}

/// The numbers of the scene's processes that are netcue.
pub(crate) fn netcues(scene: &Scene) -> Vec<i32> {
    let is_one = |(pid, program): (i32, String)| program.ends_with("netcue").then_some(pid);
    scene.processes().into_iter().filter_map(is_one).collect()
}
