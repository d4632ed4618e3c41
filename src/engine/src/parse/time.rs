//! Parses dates and timestamps.
//!
//! Dates: year, month and day with `-`, `/` or `.` between them; day, month and year, or month,
//! day and year, likewise (with points never month first); or with the month's English name. Years of
//! two digits are first or last.
//! Times: a date, `T` or a space, and hours and minutes, with optional seconds, fraction (kept to
//! microseconds), `AM`/`PM` and offset from UTC.

use super::calendar::{CERTAIN_DATE, CERTAIN_TIME, Date, days};
use super::field::four_pairs;
use super::kinds::{DateOrder, TypeSet};
use super::scan::Scan;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A cell that reads as a date or a point in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParsedDateTime {
    /// Which orders of day and month the cell allows.
    pub(crate) kinds: TypeSet,
    date: Date,
    is_date: bool,
    /// Microseconds since midnight UTC of the date; may lie outside the day for an offset.
    micros: i64,
}

impl ParsedDateTime {
    #[inline]
    fn date_in(&self, order: DateOrder) -> Option<i64> {
        match (self.date, order) {
            (Date::Certain(days), _) => Some(days),
            (Date::Either { day_first, .. } | Date::Short { day_first, .. }, DateOrder::Day) => {
                day_first
            }
            (
                Date::Either { month_first, .. } | Date::Short { month_first, .. },
                DateOrder::Month,
            ) => month_first,
            (Date::Short { year_first, .. }, DateOrder::Year) => year_first,
            (Date::Either { .. }, DateOrder::Year) => None,
        }
    }

    /// Days since 1970-01-01 under this order of the fields; `None` for a point in time.
    #[inline]
    pub(crate) fn days(&self, order: DateOrder) -> Option<i64> {
        self.date_in(order).filter(|_| self.is_date)
    }

    /// Microseconds since 1970-01-01 UTC under this order of the fields.
    #[inline]
    pub(crate) fn micros(&self, order: DateOrder) -> Option<i64> {
        Some(self.date_in(order)? * MICROS_PER_DAY + self.micros)
    }
}

/// Reads a date or a point in time in any of the forms above.
#[inline]
pub(crate) fn moment(cell: &[u8]) -> Option<ParsedDateTime> {
    usual(cell).or_else(|| any(cell))
}

/// `2012-01-31`, and with `T10:00:00` or ` 10:00:00` and perhaps `Z`: what most cells look like.
#[inline]
fn usual(cell: &[u8]) -> Option<ParsedDateTime> {
    // Fields of two digits each, and what is between them.
    let (date, rest) = cell.split_first_chunk::<8>()?;
    let (day, time) = rest.split_first_chunk::<2>()?;
    let date = u64::from_le_bytes(*date);
    let day = u64::from(u16::from_le_bytes(*day));
    const HYPHENS: u64 = u64::from_le_bytes(*b"\0\0\0\0-\0\0-");
    if date & 0xff00_00ff_0000_0000 != HYPHENS {
        return None;
    }
    let pairs = date & 0xffff_ffff | (date >> 40 & 0xffff) << 32 | day << 48;
    let [century, year, month, day] = four_pairs(pairs)?;
    let date = Date::Certain(days(century * 100 + year, month, day)?);
    if time.is_empty() {
        return Some(ParsedDateTime {
            kinds: CERTAIN_DATE,
            date,
            is_date: true,
            micros: 0,
        });
    }
    let (&mark, rest) = time.split_first()?;
    let (time, zone) = rest.split_first_chunk::<8>()?;
    let time = u64::from_le_bytes(*time);
    const COLONS: u64 = u64::from_le_bytes(*b"\0\0:\0\0:\0\0");
    let usual = matches!(mark, b'T' | b' ') && matches!(zone, b"" | b"Z");
    if !usual || time & 0x0000_ff00_00ff_0000 != COLONS {
        return None;
    }
    let pairs = time & 0xffff | (time >> 24 & 0xffff) << 16 | time >> 48 << 32;
    let [hour, minute, second, _] = four_pairs(pairs | 0x3030 << 48)?;
    (hour <= 23 && minute <= 59 && second <= 59).then_some(ParsedDateTime {
        kinds: CERTAIN_TIME,
        date,
        is_date: false,
        micros: i64::from((hour * 60 + minute) * 60 + second) * 1_000_000,
    })
}

fn any(cell: &[u8]) -> Option<ParsedDateTime> {
    // The shortest is `1/2/12`; no form begins with anything but a digit or a letter.
    if cell.len() < 6 || cell.len() > 40 {
        return None;
    }
    let mut scan = Scan { rest: cell };
    let read = scan.date()?;
    let (date, time) = read.kinds();
    let is_date = scan.rest.is_empty();
    let (kinds, micros) = if is_date {
        (date, 0)
    } else {
        (time, scan.time()?)
    };
    Some(ParsedDateTime {
        kinds,
        date: read,
        is_date,
        micros,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::format_date::{format_date, format_timestamp};
    use super::super::kinds::Hints;
    use super::*;

    fn stamp(cell: &str) -> String {
        format_timestamp(
            moment(cell.as_bytes())
                .unwrap()
                .micros(DateOrder::Year)
                .unwrap(),
        )
    }

    #[test]
    fn timestamps_are_read_into_utc() {
        assert_eq!(stamp("2013-01-01T10:00:00Z"), "2013-01-01T10:00:00Z");
        assert_eq!(stamp("2013-01-01 10:00"), "2013-01-01T10:00:00Z");
        assert_eq!(stamp("2013-01-01 10:00:00.25"), "2013-01-01T10:00:00.250Z");
        assert_eq!(stamp("2013-01-01T00:30:00+02:00"), "2012-12-31T22:30:00Z");
        assert_eq!(
            stamp("2013-01-01T10:00:00.123456789-0530"),
            "2013-01-01T15:30:00.123456Z"
        );
        assert_eq!(stamp("1969-12-31 11:59:59 PM"), "1969-12-31T23:59:59Z");
        assert_eq!(stamp("2013/01/01 12:00 am UTC"), "2013-01-01T00:00:00Z");
    }

    #[test]
    fn the_order_of_day_and_month_is_told_only_where_it_is_certain() {
        let kinds = |cell: &str| moment(cell.as_bytes()).unwrap().kinds;
        assert!(kinds("31/01/2012").has(TypeSet::DATE_DAY_FIRST));
        assert!(!kinds("31/01/2012").has(TypeSet::DATE_MONTH_FIRST));
        assert!(kinds("01/31/2012").has(TypeSet::DATE_MONTH_FIRST));
        let both = TypeSet::DATE_DAY_FIRST.or(TypeSet::DATE_MONTH_FIRST);
        assert!(kinds("01/02/2012").has(both));
        assert!(!kinds("01.02.2012").has(TypeSet::DATE_MONTH_FIRST));
        let resolved = both.resolve(&Hints::default());
        assert_eq!(resolved.kind, super::super::Kind::Text);
    }

    #[test]
    fn years_of_two_digits_are_read_where_the_order_is_certain() {
        use super::super::Kind::{Date, Text, Timestamp};
        let column = |cells: &[&str]| {
            let kinds = cells
                .iter()
                .map(|cell| moment(cell.as_bytes()).unwrap().kinds);
            let all = kinds.fold(TypeSet::ALL, TypeSet::and);
            assert!(all.has_short_years(), "{cells:?}");
            all.resolve(&Hints::default()).kind
        };
        for (cells, kind) in [
            (&["31.12.99", "01.02.03"][..], Date(DateOrder::Day)),
            (&["12/31/99", "1/2/03"], Date(DateOrder::Month)),
            (&["31/12/99"], Date(DateOrder::Day)),
            (&["31/12/2024", "1/2/24"], Date(DateOrder::Day)),
            (&["99-12-31"], Date(DateOrder::Year)),
            (&["31-12-99"], Date(DateOrder::Day)),
            (&["31-Jan-24"], Date(DateOrder::Day)),
            (&["31.12.99 10:00"], Timestamp(DateOrder::Day)),
            (&["1/2/03"], Text),
            (&["12-11-10"], Text),
            (&["24-01-05", "24-02-06", "23-12-11"], Text),
            (&["24/01/05", "24/02/06", "23/12/11"], Date(DateOrder::Day)),
            (&["31.12.24"], Date(DateOrder::Day)),
            (&["1.2.24", "31.3.24"], Text),
            (&["99/12/31", "98/01/02"], Text),
            (&["2024-01-05", "24-01-05"], Text),
        ] {
            assert_eq!(column(cells), kind, "{cells:?}");
        }
        let year_first = Hints {
            date_order: Some(DateOrder::Year),
            ..Hints::default()
        };
        for cell in ["99/12/31", "24.01.31", "24-01-05", "00/01/02", "00.01.02"] {
            let read = moment(cell.as_bytes()).unwrap();
            assert!(!read.kinds.is_text(), "{cell}");
            let kind = read.kinds.resolve(&year_first).kind;
            assert_eq!(kind, Date(DateOrder::Year), "{cell}");
        }
        let read = moment(b"99/12/31").unwrap();
        assert_eq!(read.kinds.resolve(&Hints::default()).kind, Text);
        assert_eq!(
            format_date(read.days(DateOrder::Year).unwrap()),
            "1999-12-31"
        );
        let read = moment(b"31.12.68").unwrap().days(DateOrder::Day).unwrap();
        assert_eq!(format_date(read), "2068-12-31");
    }

    #[test]
    fn impossible_dates_are_text() {
        for cell in [
            "2012-02-30",
            "2013-13-01",
            "31/02/2012",
            "2012-01/31",
            "31/02/00",
            "2012-1-1T25:00",
            "2012-01-31x",
            "20120131",
            "2012-01-31 ",
            "0000-01-01",
            "Foo 1, 2012",
            "2012-01-01 1:2",
        ] {
            assert!(moment(cell.as_bytes()).is_none(), "{cell}");
        }
    }

    #[test]
    fn dates_are_written_as_they_are_read() {
        for (cell, date) in [
            ("2012-01-31", "2012-01-31"),
            ("2012/1/5", "2012-01-05"),
            ("31-Jan-2012", "2012-01-31"),
            ("January 5, 1900", "1900-01-05"),
            ("0001-01-01", "0001-01-01"),
        ] {
            let days = moment(cell.as_bytes())
                .unwrap()
                .days(DateOrder::Year)
                .unwrap();
            assert_eq!(format_date(days), date);
        }
    }
}
