//! `--since`: a moment as people say it.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, ZonedDateTime};

use crate::sys::clock;

/// What a moment may look like, for the message to who wrote something else.
const FORMS: &str = "wanted is boot, today, yesterday, a time such as 10:42, 2026-11-23, \
                     \"2026-11-23 10:42\" or 2026-11-23T10:42:07Z, or how long ago, such as \
                     90s, 10m, 2h or 3d";

/// The moment that these words mean now, in the machine's time zone.
pub(super) fn parse(words: &str) -> Result<Timestamp, String> {
    let now = clock::now().to_zoned_datetime(TimeZone::system());
    moment(words.trim(), &now).ok_or_else(|| FORMS.to_owned())
}

fn moment(words: &str, now: &ZonedDateTime) -> Option<Timestamp> {
    match words {
        "boot" => return Some(booted(now.timestamp())),
        "today" => return now.start_of_day().ok().map(|day| day.timestamp()),
        "yesterday" => {
            let day = now.checked_sub(1.day()).ok()?;
            return day.start_of_day().ok().map(|day| day.timestamp());
        }
        _ => {}
    }
    if let Some(ago) = how_long(words) {
        return now.timestamp().checked_sub(ago).ok();
    }
    if let Ok(time) = words.parse::<Timestamp>() {
        return Some(time);
    }
    let here = |time: DateTime| {
        time.to_zoned_datetime(now.time_zone().clone()).ok().map(|z| z.timestamp())
    };
    // A time is looked for last: it is found in a date and a time, too. A date alone is
    // its midnight.
    words
        .parse::<DateTime>()
        .ok()
        .or_else(|| words.parse::<Date>().ok().map(|date| date.to_datetime(Time::midnight())))
        .or_else(|| words.parse::<Time>().ok().map(|time| now.date().to_datetime(time)))
        .and_then(here)
}

/// When the machine was started, by the wall clock as it goes now.
fn booted(now: Timestamp) -> Timestamp {
    let up = i64::try_from(clock::boottime_ns()).unwrap_or(i64::MAX);
    now.checked_sub(SignedDuration::from_nanos(up)).unwrap_or(Timestamp::MIN)
}

/// `90s`, `10m`, `2h`, `3d`.
fn how_long(words: &str) -> Option<SignedDuration> {
    let (at, _) = words.char_indices().next_back()?;
    let (number, unit) = words.split_at_checked(at)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    let number: i64 = number.parse::<u32>().ok()?.into();
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_say_them() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now: Timestamp = "2026-11-23T10:42:07Z".parse().unwrap();
        let now = now.to_zoned_datetime(zone);
        for (words, meant) in [
            ("90s", Some("2026-11-23T10:40:37Z")),
            ("10m", Some("2026-11-23T10:32:07Z")),
            ("2h", Some("2026-11-23T08:42:07Z")),
            ("3d", Some("2026-11-20T10:42:07Z")),
            ("10:42", Some("2026-11-23T08:42:00Z")),
            ("10:42:09", Some("2026-11-23T08:42:09Z")),
            ("today", Some("2026-11-22T22:00:00Z")),
            ("yesterday", Some("2026-11-21T22:00:00Z")),
            ("2026-11-20", Some("2026-11-19T22:00:00Z")),
            ("2026-11-20 10:42", Some("2026-11-20T08:42:00Z")),
            ("2026-11-20T10:42:07Z", Some("2026-11-20T10:42:07Z")),
            ("", None),
            ("-5m", None),
            ("5 minutes", None),
            ("99999999999d", None),
            ("m", None),
            ("\u{fc}", None),
        ] {
            let meant = meant.map(|time| time.parse::<Timestamp>().unwrap());
            assert_eq!(moment(words, &now), meant, "{words:?}");
        }
    }
}
