//! Formats dates and timestamps.

use chrono::{DateTime, NaiveDate};

/// Days from 0001-01-01 of the Common Era to 1970-01-01, as chrono counts them.
pub(super) const EPOCH_FROM_CE: i32 = 719_163;

/// `2012-01-31` for days since 1970-01-01.
pub(crate) fn format_date(days: i64) -> String {
    i32::try_from(days)
        .ok()
        .and_then(|days| NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_FROM_CE)?))
        .map_or_else(
            || format!("{days} days since 1970-01-01"),
            |d| d.to_string(),
        )
}

/// RFC 3339 in UTC for microseconds since 1970-01-01, with a fraction only where there is one.
pub(crate) fn format_timestamp(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || format!("{micros} µs since 1970-01-01"),
        |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    )
}
