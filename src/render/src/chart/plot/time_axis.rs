//! Ticks at the start of years, months, days, hours, minutes and seconds.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, Timelike};

const DAY: i64 = 86_400;
/// Steps of up to two weeks, in seconds.
const SECONDS: [i64; 20] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    7 * DAY,
];
/// Steps of months.
const MONTHS: [u32; 4] = [1, 2, 3, 6];
/// The maximum number of ticks, whatever is wanted.
const MAX_TICKS: usize = 60;
/// A Monday, in seconds since 1970: weeks start there.
const MONDAY: i64 = 4 * DAY;

/// A tick of the axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    /// Its position, in seconds since 1970.
    pub(super) at: f64,
    /// Its label.
    pub(super) label: String,
    /// The larger unit, in a second line: at the start of the unit, and at the first tick.
    pub(super) below: String,
}

enum Unit {
    Time,
    Day,
    Month,
    Year,
}

/// At most about `wanted` ticks within `min..=max`.
pub(super) fn ticks(min: f64, max: f64, wanted: u32) -> Vec<Tick> {
    let wanted = f64::from(wanted.max(1));
    let span = max - min;
    if !span.is_finite() || span < 1.0 {
        return Vec::new();
    }
    let fits = |step: f64| span / step <= wanted;
    let (datetimes, unit) = if let Some(step) = SECONDS.iter().find(|step| fits(**step as f64)) {
        let unit = if *step < DAY { Unit::Time } else { Unit::Day };
        (even(min, max, *step), unit)
    } else if let Some(step) = MONTHS
        .iter()
        .find(|step| fits(30.44 * DAY as f64 * f64::from(**step)))
    {
        (months(min, max, *step), Unit::Month)
    } else {
        let year = 365.25 * DAY as f64;
        let mut step = 1;
        for factor in [2, 5, 10].into_iter().cycle().take(18) {
            if fits(year * f64::from(step)) {
                break;
            }
            // 1, 2, 5, 10, 20, …
            step = match factor {
                5 => step / 2 * 5,
                _ => step * 2,
            };
        }
        (months(min, max, 12 * step), Unit::Year)
    };
    labelled(&datetimes, &unit)
}

fn datetime(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc())
}

fn even(min: f64, max: f64, step: i64) -> Vec<NaiveDateTime> {
    let from = if step == 7 * DAY { MONDAY } else { 0 };
    let first = (min.ceil() as i64 - from).div_euclid(step) * step + from;
    (0..)
        .map(|i| first + step * i)
        .skip_while(|at| (*at as f64) < min)
        .take_while(|at| *at as f64 <= max)
        .take(MAX_TICKS)
        .filter_map(datetime)
        .collect()
}

/// The start of every `step` months, counted from the year 0.
fn months(min: f64, max: f64, step: u32) -> Vec<NaiveDateTime> {
    let Some(begin) = datetime(min.floor() as i64) else {
        return Vec::new();
    };
    let month = i64::from(begin.year()) * 12 + i64::from(begin.month0());
    let aligned = month.div_euclid(i64::from(step)) * i64::from(step);
    let first = i32::try_from(aligned.div_euclid(12))
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, aligned.rem_euclid(12) as u32 + 1, 1));
    let Some(first) = first else {
        return Vec::new();
    };
    (0..)
        .map_while(|i: u32| first.checked_add_months(Months::new(step.checked_mul(i)?)))
        .map(|day| day.and_time(chrono::NaiveTime::MIN))
        .skip_while(|at| (at.and_utc().timestamp() as f64) < min)
        .take_while(|at| at.and_utc().timestamp() as f64 <= max)
        .take(MAX_TICKS)
        .collect()
}

fn labelled(datetimes: &[NaiveDateTime], unit: &Unit) -> Vec<Tick> {
    let mut last = String::new();
    let tick = |at: &NaiveDateTime| {
        let (label, within) = match unit {
            Unit::Time if at.second() != 0 => ("%H:%M:%S", "%Y-%m-%d"),
            Unit::Time => ("%H:%M", "%Y-%m-%d"),
            Unit::Day => ("%-d %b", "%Y"),
            Unit::Month => ("%b", "%Y"),
            Unit::Year => ("%Y", ""),
        };
        let within = at.format(within).to_string();
        let below = if within == last {
            String::new()
        } else {
            within.clone()
        };
        last = within;
        Tick {
            at: at.and_utc().timestamp() as f64,
            label: at.format(label).to_string(),
            below,
        }
    };
    datetimes.iter().map(tick).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(text: &str) -> f64 {
        crate::plot::parse_timestamp(text).unwrap().0
    }

    fn labels(min: &str, max: &str) -> Vec<(String, String)> {
        let ticks = ticks(at(min), at(max), 8);
        assert!((2..=9).contains(&ticks.len()), "{ticks:?}");
        ticks
            .into_iter()
            .map(|tick| (tick.label, tick.below))
            .collect()
    }

    #[test]
    fn marks_are_where_a_calendar_turns() {
        let pairs = |found: &[(&str, &str)]| -> Vec<(String, String)> {
            found
                .iter()
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect()
        };
        assert_eq!(
            labels("2024-11-20", "2025-05-10"),
            pairs(&[
                ("Dec", "2024"),
                ("Jan", "2025"),
                ("Feb", ""),
                ("Mar", ""),
                ("Apr", ""),
                ("May", "")
            ])
        );
        assert_eq!(
            labels("2025-01-01T22:00:00Z", "2025-01-02T04:00:00Z"),
            pairs(&[
                ("22:00", "2025-01-01"),
                ("23:00", ""),
                ("00:00", "2025-01-02"),
                ("01:00", ""),
                ("02:00", ""),
                ("03:00", ""),
                ("04:00", "")
            ])
        );
        let weeks = labels("2025-01-01", "2025-02-15");
        assert_eq!(weeks[0], ("6 Jan".to_owned(), "2025".to_owned()));
        let years = labels("1913-05-01", "2024-12-31");
        assert_eq!(years[0].0, "1920");
        assert_eq!(years[1].0, "1940");
    }

    #[test]
    fn no_time_breaks_the_axis() {
        for (min, max) in [
            (0.0, 0.0),
            (f64::NAN, 1.0),
            (-1e13, 1e13),
            (-8e12, 8e12),
            (1e300, 2e300),
            (f64::NEG_INFINITY, 0.0),
        ] {
            assert!(ticks(min, max, 8).len() <= MAX_TICKS, "{min}..{max}");
        }
    }
}
