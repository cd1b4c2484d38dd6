//! Medians, ratios and limits, on stdout.

use std::io::{self, Write};

pub(crate) fn line(text: &str) -> super::Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

pub(crate) fn head(text: &str) -> super::Outcome {
    line(&format!("\n{text}"))
}

/// One line: both medians, their ratio, and the limit with whether it holds.
pub(crate) fn race(what: &str, ours: &[f64], peer: &[f64], limit: Option<f64>) -> super::Outcome {
    let ratio = median(ours) / median(peer);
    let verdict = limit.map_or_else(String::new, |limit| {
        format!("   limit {limit:.2} {}", verdict(ratio <= limit))
    });
    line(&format!(
        "  {what:34} {:9.3} / {:9.3}   ratio {ratio:.2}{verdict}   ({} rounds)",
        median(ours),
        median(peer),
        ours.len()
    ))
}

/// One line: a number and the most that it should be.
pub(crate) fn at_most(what: &str, number: f64, limit: f64) -> super::Outcome {
    line(&format!("  {what:34} {number:9.0}   limit {limit:.0} {}", verdict(number <= limit)))
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "MISSED" }
}

/// The middle one; of an even number, the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) }
}
