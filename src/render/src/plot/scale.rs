//! Timestamps as numbers, and back.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// Seconds since 1970 of a date or timestamp in a query result, and whether it is a date. `None`
/// for anything else, including years out of range.
pub(crate) fn parse_timestamp(text: &str) -> Option<(f64, bool)> {
    let (at, is_day) = match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) => (day.and_time(NaiveTime::MIN), true),
        Err(_) => {
            let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
            let at = match local {
                Ok(at) => at,
                Err(_) => DateTime::parse_from_rfc3339(text).ok()?.naive_utc(),
            };
            (at, false)
        }
    };
    let at = at.and_utc();
    let seconds = at.timestamp() as f64 + f64::from(at.timestamp_subsec_nanos()) / 1e9;
    Some((seconds, is_day))
}

/// Formats seconds since 1970.
pub(super) fn written(seconds: f64, is_day: bool) -> String {
    let Some(at) = DateTime::from_timestamp(seconds.floor() as i64, 0) else {
        return String::new();
    };
    let format = if is_day {
        "%Y-%m-%d"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    at.format(format).to_string()
}
