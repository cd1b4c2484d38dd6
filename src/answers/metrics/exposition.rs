//! Totals as text, in one of the two formats that Prometheus and its helpers read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::totals::{Counts, Histogram, Totals};
use crate::engine::Count;
use crate::journal::Cursor;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    #[value(help = "OpenMetrics 1.0")]
    Openmetrics,
    #[value(help = "The older text 0.0.4, for node_exporter's textfiles")]
    Prometheus,
}

/// What is asked for now, not counted.
#[derive(Debug, Clone)]
pub(super) struct Present {
    /// Events that wait or run.
    pub(super) waiting: usize,
    /// How long the oldest of them has been there.
    pub(super) oldest_ns: u64,
    /// For each check, how much it found that needs attention.
    pub(super) attention: Vec<(&'static str, usize)>,
    /// How far events were handed on, by the name of the cursor.
    pub(super) cursors: Vec<(String, Cursor)>,
    /// What the rules have dropped, by the name of the counter.
    pub(super) dropped: BTreeMap<String, Count>,
}

/// The whole text.
pub(super) fn text(totals: &Totals, present: &Present, format: Format) -> String {
    let mut text = Text { format, text: String::new() };
    text.family("netcue_build_info", Kind::Info, "The program that wrote this.");
    text.line("netcue_build_info", &[("version", env!("CARGO_PKG_VERSION"))], "1");
    text.counts("netcue_events_total", "Events accepted.", "source", &totals.accepted);
    text.counts("netcue_refused_calls_total", "Calls not understood.", "source", &totals.refused);
    text.outcomes(
        "netcue_outcomes_total",
        "Events that ended, by how.",
        "source",
        &totals.outcomes,
    );
    text.outcomes("netcue_steps_total", "Steps that ended, by how.", "step", &totals.steps);
    text.histograms(
        "netcue_step_duration_seconds",
        "How long steps took: hooks, and the rules as 50-rules.",
        "step",
        &totals.step_time,
    );
    text.histograms(
        "netcue_wait_duration_seconds",
        "How long events waited for their run.",
        "source",
        &totals.waited,
    );
    text.histograms("netcue_run_duration_seconds", "How long runs took.", "source", &totals.ran);
    text.counter(
        "netcue_rule_changes_total",
        "Times that the rules were changed.",
        totals.rule_changes,
    );
    text.counter(
        "netcue_journal_gaps_total",
        "Times that records may have been rotated away uncounted.",
        totals.gaps,
    );
    let name = "netcue_last_success_timestamp_seconds";
    text.family(name, Kind::Gauge, "When a run last ended well.");
    for (source, time) in &totals.last_success {
        text.line(name, &[("source", source)], &seconds(*time));
    }
    if let Some(time) = totals.last_rules {
        let name = "netcue_last_rules_timestamp_seconds";
        text.family(name, Kind::Gauge, "When the rules were last right, or made so.");
        text.line(name, &[], &seconds(time));
    }
    let name = "netcue_queue_length";
    text.family(name, Kind::Gauge, "Events that wait or run now.");
    text.line(name, &[], &present.waiting.to_string());
    let name = "netcue_queue_oldest_seconds";
    text.family(name, Kind::Gauge, "How long the oldest of them has been there.");
    text.line(name, &[], &decimal(present.oldest_ns, 9));
    let name = "netcue_attention";
    text.family(name, Kind::Gauge, "What needs attention now, by the check that found it.");
    for (check, found) in &present.attention {
        text.line(name, &[("check", check)], &found.to_string());
    }
    text.dropped(&present.dropped);
    text.cursors(&present.cursors);
    text.end()
}

/// What a family measures.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

struct Text {
    format: Format,
    text: String,
}

impl Text {
    /// Begins the family of the samples with that name. Only the lines about a family tell
    /// the formats apart, samples are the same in both.
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let (family, kind) = match (self.format, kind) {
            (Format::Openmetrics, Kind::Counter) => (without(name, "_total"), "counter"),
            (Format::Openmetrics, Kind::Info) => (without(name, "_info"), "info"),
            (Format::Prometheus, Kind::Counter) => (name, "counter"),
            // A type that its readers don't know makes them refuse the whole text.
            (Format::Prometheus, Kind::Info) | (_, Kind::Gauge) => (name, "gauge"),
            (_, Kind::Histogram) => (name, "histogram"),
        };
        self.text.push_str(&format!("# TYPE {family} {kind}\n"));
        if self.format == Format::Openmetrics && family.ends_with("_seconds") {
            self.text.push_str(&format!("# UNIT {family} seconds\n"));
        }
        self.text.push_str(&format!("# HELP {family} {help}\n"));
    }

    /// Nothing is said where there are no rules. The kernel counts from the boot, or from when
    /// somebody took the table out.
    fn dropped(&mut self, counts: &BTreeMap<String, Count>) {
        if counts.is_empty() {
            return;
        }
        let mut family = |name: &str, help: &str, value: &dyn Fn(&Count) -> u64| {
            self.family(name, Kind::Counter, help);
            for (counter, count) in counts {
                self.line(name, &[("counter", counter)], &value(count).to_string());
            }
        };
        let help = "Packets that the rules dropped, by the counter that has them.";
        family("netcue_dropped_packets_total", help, &|count| count.packets);
        let help = "Bytes of these.";
        family("netcue_dropped_bytes_total", help, &|count| count.bytes);
    }

    /// Nothing is said where nothing is handed on.
    fn cursors(&mut self, cursors: &[(String, Cursor)]) {
        if cursors.is_empty() {
            return;
        }
        let mut family = |name: &str, kind, help: &str, value: &dyn Fn(&Cursor) -> u64| {
            self.family(name, kind, help);
            for (cursor, there) in cursors {
                self.line(name, &[("cursor", cursor)], &value(there).to_string());
            }
        };
        let help = "Events handed on by netcue ship.";
        family("netcue_handed_on_total", Kind::Counter, help, &|cursor| cursor.handed_on);
        let help = "Times that records were rotated away before they were handed on.";
        family("netcue_handed_on_gaps_total", Kind::Counter, help, &|cursor| cursor.gaps);
        let help = "Whether handing on failed the last time.";
        family("netcue_handing_on_failing", Kind::Gauge, help, &|cursor| {
            u64::from(cursor.failing.is_some())
        });
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.text.push_str(&format!("{name}{labels} {value}\n"));
    }

    fn end(mut self) -> String {
        if self.format == Format::Openmetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) {
        self.family(name, Kind::Counter, help);
        self.line(name, &[], &count.to_string());
    }

    fn counts(&mut self, name: &str, help: &str, label: &str, counts: &Counts) {
        self.family(name, Kind::Counter, help);
        for (value, count) in counts {
            self.line(name, &[(label, value)], &count.to_string());
        }
    }

    fn outcomes(&mut self, name: &str, help: &str, label: &str, all: &BTreeMap<String, Counts>) {
        self.family(name, Kind::Counter, help);
        for (value, counts) in all {
            for (outcome, count) in counts {
                let labels = [(label, value.as_str()), ("outcome", outcome.as_str())];
                self.line(name, &labels, &count.to_string());
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
        self.family(name, Kind::Histogram, help);
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

fn without<'a>(name: &'a str, suffix: &str) -> &'a str {
    name.strip_suffix(suffix).unwrap_or(name)
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
