//! What a scene's journal says.

use std::collections::BTreeMap;
use std::fs;

use netcue::reason::Reason;
use serde_json::Value;

use super::{Scene, text_of};

/// A reason of a record in words.
pub(crate) fn words_of(reason: &Value) -> String {
    let reason: Reason = serde_json::from_value(reason.clone()).expect("a reason");
    reason.to_string()
}

impl Scene {
    /// Every record of the journal, rotated files first; each line has to be JSON.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let file = |name: &str| fs::read_to_string(self.path("var/log/netcue").join(name));
        let mut text = String::new();
        for number in (1..10).rev() {
            text += &file(&format!("journal.jsonl.{number}")).unwrap_or_default();
        }
        text += &file("journal.jsonl").unwrap_or_default();
        // The last line may be on its way.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The records of one kind.
    pub(crate) fn records(&self, kind: &str) -> Vec<Value> {
        self.journal().into_iter().filter(|record| record["record"] == kind).collect()
    }

    /// The outcomes of all events so far, in order.
    pub(crate) fn outcomes(&self) -> Vec<String> {
        self.records("outcome").iter().map(|record| text_of(&record["outcome"])).collect()
    }

    /// Outcomes by event; an event with two shows both.
    pub(crate) fn outcomes_by_event(&self) -> BTreeMap<String, Vec<String>> {
        let mut by_event: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in self.records("accepted") {
            by_event.entry(text_of(&record["event_id"])).or_default();
        }
        for record in self.records("outcome") {
            let outcomes = by_event.entry(text_of(&record["event_id"])).or_default();
            outcomes.push(text_of(&record["outcome"]));
        }
        by_event
    }

    /// How a step ended the last time. A hook that holds nobody may have ended before its
    /// run has put on record that it was started.
    pub(crate) fn end_of(&self, step: &str) -> Value {
        let mut ends = self.records("step-end");
        ends.retain(|end| end["step"] == step);
        let end = ends.iter().rev().find(|end| end["outcome"] != "started").or(ends.last());
        end.unwrap_or_else(|| panic!("no end of {step} in {:#?}", self.journal())).clone()
    }

    /// Why a step failed the last time.
    pub(crate) fn failure_of(&self, step: &str) -> String {
        words_of(&self.end_of(step)["failed"])
    }

    /// What a step printed the last time.
    pub(crate) fn output_of(&self, step: &str) -> String {
        self.end_of(step)["output"].as_str().expect("text").to_owned()
    }

    /// Why a step was left out of the last plan; nothing if it wasn't.
    pub(crate) fn skipped(&self, step: &str) -> Option<String> {
        let plan = self.records("run-begin").pop().expect("a run");
        let steps = plan["plan"].as_array().expect("a plan");
        let planned = steps.iter().find(|planned| planned["step"] == step);
        let planned = planned.unwrap_or_else(|| panic!("no {step} in {plan:#}"));
        planned.get("skipped").map(words_of)
    }

    /// What `netcue history --json` says.
    pub(crate) fn history_json(&self) -> Vec<Value> {
        let ran = self.netcue(["history", "--json"]).any_stdout().run();
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}
