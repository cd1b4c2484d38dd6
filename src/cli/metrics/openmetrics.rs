//! Totals in the words of `OpenMetrics` 1.0, which Prometheus' older text format takes too.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::totals::{Counts, Histogram, Totals};

/// What is asked for now, not counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    /// Events that wait or run.
    pub(super) waiting: usize,
    /// How long the oldest of them has been there.
    pub(super) oldest_ns: u64,
}

/// The whole text.
pub(super) fn text(totals: &Totals, present: &Present) -> String {
    let mut text = Text::default();
    // The type info would say it better, but node_exporter's parser stops at that word.
    text.family("netcue_version", "gauge", "", "The program that wrote this: always 1.");
    text.line("netcue_version", &[("version", env!("CARGO_PKG_VERSION"))], "1");
    text.counts("netcue_events", "Events accepted.", "source", &totals.accepted);
    text.counts("netcue_refused_calls", "Calls not understood.", "source", &totals.refused);
    text.outcomes("netcue_outcomes", "Events that ended, by how.", "source", &totals.outcomes);
    text.outcomes("netcue_steps", "Steps that ended, by how.", "step", &totals.steps);
    text.histograms(
        "netcue_step_duration_seconds",
        "How long steps took: hooks, and the rules as 50-rules.",
        "step",
        &totals.step_time,
    );
    text.histograms(
        "netcue_wait_seconds",
        "How long events waited for their run.",
        "source",
        &totals.waited,
    );
    text.histograms("netcue_run_seconds", "How long runs took.", "source", &totals.ran);
    text.counter("netcue_rule_changes", "Times that the rules were changed.", totals.rule_changes);
    text.counter(
        "netcue_journal_gaps",
        "Times that records may have been rotated away uncounted.",
        totals.gaps,
    );
    let name = "netcue_last_success_timestamp_seconds";
    text.family(name, "gauge", "seconds", "When a run last ended well.");
    for (source, time) in &totals.last_success {
        text.line(name, &[("source", source)], &seconds(*time));
    }
    if let Some(time) = totals.last_rules {
        let name = "netcue_last_rules_timestamp_seconds";
        text.family(name, "gauge", "seconds", "When the rules were last right, or made so.");
        text.line(name, &[], &seconds(time));
    }
    let name = "netcue_queue_length";
    text.family(name, "gauge", "", "Events that wait or run now.");
    text.line(name, &[], &present.waiting.to_string());
    let name = "netcue_queue_oldest_seconds";
    text.family(name, "gauge", "seconds", "How long the oldest of them has been there.");
    text.line(name, &[], &decimal(present.oldest_ns, 9));
    text.0.push_str("# EOF\n");
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        self.0.push_str(&format!("# TYPE {name} {kind}\n"));
        if !unit.is_empty() {
            self.0.push_str(&format!("# UNIT {name} {unit}\n"));
        }
        self.0.push_str(&format!("# HELP {name} {help}\n"));
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0.push_str(&format!("{name}{labels} {value}\n"));
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) {
        self.family(name, "counter", "", help);
        self.line(&format!("{name}_total"), &[], &count.to_string());
    }

    fn counts(&mut self, name: &str, help: &str, label: &str, counts: &Counts) {
        self.family(name, "counter", "", help);
        for (value, count) in counts {
            self.line(&format!("{name}_total"), &[(label, value)], &count.to_string());
        }
    }

    fn outcomes(&mut self, name: &str, help: &str, label: &str, all: &BTreeMap<String, Counts>) {
        self.family(name, "counter", "", help);
        for (value, counts) in all {
            for (outcome, count) in counts {
                let labels = [(label, value.as_str()), ("outcome", outcome.as_str())];
                self.line(&format!("{name}_total"), &labels, &count.to_string());
            }
        }
    }

    fn histograms(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        all: &BTreeMap<String, Histogram>,
    ) {
        self.family(name, "histogram", "seconds", help);
        for (value, histogram) in all {
            let bucket = format!("{name}_bucket");
            for (bound_ms, count) in histogram.up_to() {
                let le = decimal(bound_ms.into(), 3);
                self.line(&bucket, &[(label, value), ("le", &le)], &count.to_string());
            }
            let count = histogram.count.to_string();
            self.line(&bucket, &[(label, value), ("le", "+Inf")], &count);
            self.line(&format!("{name}_count"), &[(label, value)], &count);
            let sum = decimal(histogram.sum_us, 6);
            self.line(&format!("{name}_sum"), &[(label, value)], &sum);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(time: Timestamp) -> String {
    decimal(u64::try_from(time.as_millisecond()).unwrap_or(0), 3)
}

/// A number with its decimal point moved to the left, and at least one digit behind it.
fn decimal(number: u64, places: usize) -> String {
    let digits = format!("{number:0width$}", width = places + 1);
    let (whole, rest) = digits.split_at(digits.len() - places);
    let rest = rest.trim_end_matches('0');
    format!("{whole}.{}", if rest.is_empty() { "0" } else { rest })
}
