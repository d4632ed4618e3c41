//! Points in time as numbers, and back.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// Seconds since 1970 of a date or of a point in time, as an answer writes them, and whether it is
/// a date. `None` of anything else, among it the years that no calendar knows.
pub(crate) fn moment(text: &str) -> Option<(f64, bool)> {
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

/// Seconds since 1970 as people read them.
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
