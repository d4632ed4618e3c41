//! Text, numbers and dates within the limits of Excel's cells.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// Excel's limit on the text of a cell, in UTF-16 units.
const MAX_CELL: usize = 32_767;
/// Larger integers are not exact as Excel's doubles; they are written as text.
pub(super) const MAX_INTEGER: u64 = 1 << 53;

/// 1970-01-01 as Excel's serial number.
pub(super) const UNIX_EPOCH: f64 = 25_569.0;
/// 1900-03-01 to 9999-12-31.
pub(super) const DAYS: std::ops::Range<f64> = 61.0..2_958_466.0;

/// Excel's serial number, and whether the text is a date. `None` if Excel has no such day, or has
/// another one for the number: before March 1900 its days are off by one.
pub(super) fn serial(at: &str) -> Option<(f64, bool)> {
    let (datetime, is_date) = match NaiveDate::parse_from_str(at, "%Y-%m-%d") {
        Ok(day) => (day.and_time(NaiveTime::MIN), true),
        Err(_) => {
            let local = NaiveDateTime::parse_from_str(at, "%Y-%m-%dT%H:%M:%S%.f");
            let datetime = match local {
                Ok(datetime) => datetime,
                Err(_) => DateTime::parse_from_rfc3339(at).ok()?.naive_utc(),
            };
            (datetime, false)
        }
    };
    let since = datetime - NaiveDate::from_ymd_opt(1899, 12, 30)?.and_time(NaiveTime::MIN);
    let days = since.num_milliseconds() as f64 / 86_400_000.0;
    DAYS.contains(&days).then_some((days, is_date))
}

/// The text for a cell: control characters except line breaks made visible, cut at Excel's limit.
pub(super) fn fit(text: &str) -> String {
    let mut units = 0;
    let mut out = String::with_capacity(text.len().min(MAX_CELL));
    for c in text.chars().filter(|c| *c != '\r') {
        units += c.len_utf16();
        if units > MAX_CELL {
            out.pop();
            out.push('…');
            break;
        }
        out.push(match c {
            '\n' | '\t' => c,
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
            c => c,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_never_holds_more_than_excel_allows() {
        for text in [
            "x".repeat(40_000),
            "😀".repeat(20_000),
            "a\0b\r\nc".to_owned(),
        ] {
            let fitted = fit(&text);
            assert!(fitted.encode_utf16().count() <= MAX_CELL);
            assert!(!fitted.contains(['\0', '\r']));
        }
        assert_eq!(fit("a\nb"), "a\nb");
    }

    #[test]
    fn days_are_counted_as_excel_counts_them() {
        assert_eq!(serial("2024-01-31"), Some((45_322.0, true)));
        assert_eq!(serial("2024-01-31T12:00:00Z"), Some((45_322.5, false)));
        assert_eq!(serial("2024-01-31T14:00:00+02:00"), Some((45_322.5, false)));
        assert_eq!(serial("9999-12-31"), Some((2_958_465.0, true)));
        for text in [
            "1900-02-28",
            "0001-01-01",
            "2024",
            "12:00",
            "",
            "2024-13-01",
        ] {
            assert_eq!(serial(text), None, "{text}");
        }
    }
}
