//! Times as people say them, and as they are shown to people.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::error::Exit;
use crate::error::Failure;
use crate::sys::clock;

/// What a person can say for a time, for help and errors.
const FORMS: &str = "boot, today, yesterday, 10m (or s, h, d: so long ago), 10:42, \
                     \"11-23 10:42:07\", \"2026-11-23 10:42\" or 2026-11-23T10:42:07Z";

/// A time, and how exactly it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// Its beginning.
    pub(crate) from: Timestamp,
    /// How long what was said lasts: `10:42` is a minute.
    pub(crate) lasts: SignedDuration,
}

impl When {
    /// Its end.
    pub(crate) fn until(self) -> Timestamp {
        self.from.checked_add(self.lasts).unwrap_or(Timestamp::MAX)
    }
}

/// Reads a time as said on the command line, now and here.
pub(crate) fn read(text: &str) -> Result<When, Failure> {
    understood(text).ok_or_else(|| {
        let message = format!("{text:?} is no time that is understood; wanted is {FORMS}");
        Failure::new(Exit::Usage, message)
    })
}

/// The beginning of a time, for clap to read.
pub(crate) fn beginning(text: &str) -> Result<Timestamp, String> {
    understood(text).map(|when| when.from).ok_or_else(|| format!("wanted is {FORMS}"))
}

fn understood(text: &str) -> Option<When> {
    let now = clock::now();
    let up = SignedDuration::from_nanos(i64::try_from(clock::boottime_ns()).unwrap_or(0));
    let booted = now.checked_sub(up).unwrap_or(Timestamp::MIN);
    parse(text.trim(), now, booted, &TimeZone::system())
}

fn parse(text: &str, now: Timestamp, booted: Timestamp, zone: &TimeZone) -> Option<When> {
    let moment = |from| Some(When { from, lasts: SignedDuration::from_secs(1) });
    if text == "boot" {
        return moment(booted);
    }
    if let Some(ago) = ago(text) {
        return moment(now.checked_sub(ago).unwrap_or(Timestamp::MIN));
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return moment(exact);
    }
    let here = now.to_zoned_datetime(zone.clone());
    let whole_day = |date: Date| {
        let from = date.to_zoned_datetime(zone.clone()).ok()?.timestamp();
        Some(When { from, lasts: SignedDuration::from_hours(24) })
    };
    match text {
        "today" => return whole_day(here.date()),
        "yesterday" => return whole_day(here.date().yesterday().ok()?),
        _ => {}
    }
    let (date, clock) = match text.split_once([' ', 'T']) {
        Some((date, clock)) => (Some(date), Some(clock)),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let day = date.map_or_else(|| Some(here.date()), |date| self::date(date, here.date()));
    let Some(clock) = clock else { return whole_day(day?) };
    let (time, lasts) = time(clock)?;
    let mut from = at(day?, time, zone)?;
    if date.is_none() && from > now {
        from = at(here.date().yesterday().ok()?, time, zone)?;
    }
    Some(When { from, lasts })
}

fn at(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    Some(DateTime::from_parts(date, time).to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// `10m`.
fn ago(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    Some(SignedDuration::from_secs(i64::from(number).checked_mul(seconds)?))
}

/// `2026-11-23`, or `11-23` as the table of the history has it: the last such day.
fn date(text: &str, today: Date) -> Option<Date> {
    if text.matches('-').count() == 2 {
        return text.parse().ok();
    }
    let (month, day) = text.split_once('-')?;
    let this_year = Date::new(today.year(), month.parse().ok()?, day.parse().ok()?).ok()?;
    if this_year > today { this_year.checked_sub(1.year()).ok() } else { Some(this_year) }
}

/// `10:42`, `10:42:07` or `10:42:07.5`, and how long that lasts.
fn time(text: &str) -> Option<(Time, SignedDuration)> {
    let lasts = if text.matches(':').count() == 1 { 60 } else { 1 };
    Some((text.parse().ok()?, SignedDuration::from_secs(lasts)))
}

/// Local time for a table: no year, no fractions.
pub(crate) fn brief(time: Timestamp) -> String {
    local(time, "%m-%d %H:%M:%S")
}

/// The same for where there is little room: today the clock alone, else without seconds.
pub(crate) fn short(time: Timestamp) -> String {
    let day = |time: Timestamp| time.to_zoned_datetime(TimeZone::system()).date();
    let is_today = day(time) == day(clock::now());
    local(time, if is_today { "%H:%M:%S" } else { "%m-%d %H:%M" })
}

/// Local time in full, with its zone.
pub(crate) fn full(time: Timestamp) -> String {
    local(time, "%Y-%m-%d %H:%M:%S%.3f %Z")
}

/// The clock alone, for what has just happened.
pub(crate) fn clock_only(time: Timestamp) -> String {
    local(time, "%H:%M:%S%.3f")
}

fn local(time: Timestamp, format: &str) -> String {
    time.to_zoned_datetime(TimeZone::system()).strftime(format).to_string()
}

/// How long something took, or takes, in the unit that fits.
pub(crate) fn lasting(ms: f64) -> String {
    if ms < 1000.0 {
        return format!("{ms:.1} ms");
    }
    let seconds = Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX);
    match seconds.as_secs() {
        0..60 => format!("{:.1} s", seconds.as_secs_f64()),
        seconds @ 60..7200 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds @ 7200..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// How long ago that was, in milliseconds; never less than none.
pub(crate) fn ms_since(time: Timestamp) -> f64 {
    clock::now().duration_since(time).as_millis_f64().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_mean_them() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now: Timestamp = "2026-11-23T15:00:00Z".parse().unwrap();
        let booted: Timestamp = "2026-11-22T01:02:03Z".parse().unwrap();
        for (text, from, lasts) in [
            ("boot", "2026-11-22T01:02:03Z", 1),
            ("10m", "2026-11-23T14:50:00Z", 1),
            ("2d", "2026-11-21T15:00:00Z", 1),
            ("today", "2026-11-22T23:00:00Z", 86_400),
            ("yesterday", "2026-11-21T23:00:00Z", 86_400),
            ("15:59", "2026-11-23T14:59:00Z", 60),
            ("16:01", "2026-11-22T15:01:00Z", 60),
            ("10:42:07", "2026-11-23T09:42:07Z", 1),
            ("11-23 10:42:07", "2026-11-23T09:42:07Z", 1),
            ("12-24 10:42", "2025-12-24T09:42:00Z", 60),
            ("2026-07-01 10:42", "2026-07-01T08:42:00Z", 60),
            ("2026-07-01", "2026-06-30T22:00:00Z", 86_400),
            ("2026-07-01T10:42:00Z", "2026-07-01T10:42:00Z", 1),
        ] {
            let when = parse(text, now, booted, &zone);
            let lasts = SignedDuration::from_secs(lasts);
            assert_eq!(when, Some(When { from: from.parse().unwrap(), lasts }), "{text}");
        }
        for text in ["", "m", "-5m", "noon", "25:00", "13-13", "13-13 10:00", "é", "9é"] {
            assert_eq!(parse(text, now, booted, &zone), None, "{text}");
        }
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        for (ms, text) in [
            (0.04, "0.0 ms"),
            (999.9, "999.9 ms"),
            (1000.0, "1.0 s"),
            (61_000.0, "1 min 1 s"),
            (7_260_000.0, "2 h 1 min"),
            (1e9, "11 days"),
        ] {
            assert_eq!(lasting(ms), text);
        }
    }
}
