//! Reading dates and points in time.
//!
//! Dates: year, month and day with `-`, `/` or `.` between them; day, month and year, or month,
//! day and year, likewise (with points always day first); or with the month's English name.
//! Times: a date, `T` or a space, and hours and minutes, with optional seconds, fraction (kept to
//! microseconds), `AM`/`PM` and offset from UTC.

use super::kinds::{DateOrder, Kinds};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A cell that reads as a date or a point in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Which orders of day and month the cell allows.
    pub(crate) kinds: Kinds,
    fields: [i32; 3],
    order: Option<DateOrder>,
    is_date: bool,
    /// Microseconds since midnight UTC of the date; may lie outside the day for an offset.
    micros: i64,
}

impl Moment {
    fn date_in(&self, order: DateOrder) -> Option<i64> {
        let [a, b, c] = self.fields;
        let (year, month, day) = match (self.order, order) {
            (Some(DateOrder::Year), _) => (a, b, c),
            (_, DateOrder::Day) => (c, b, a),
            (_, DateOrder::Month) => (c, a, b),
            (_, DateOrder::Year) => return None,
        };
        days(year, month, day)
    }

    /// Days since 1970-01-01 under this order of the fields; `None` for a point in time.
    pub(crate) fn days(&self, order: DateOrder) -> Option<i64> {
        self.date_in(order).filter(|_| self.is_date)
    }

    /// Microseconds since 1970-01-01 UTC under this order of the fields.
    pub(crate) fn micros(&self, order: DateOrder) -> Option<i64> {
        Some(self.date_in(order)? * MICROS_PER_DAY + self.micros)
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, years 1 to 9999.
fn days(year: i32, month: i32, day: i32) -> Option<i64> {
    const LENGTHS: [i32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    // Days before each month of a year that begins in March, as leap days end it then.
    const BEFORE: [i32; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
    let index = usize::try_from(month - 1)
        .ok()
        .filter(|&index| index < 12)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = LENGTHS[index] + i32::from(leap && month == 2);
    if !(1..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    // 0000-03-01 is 719,468 days before 1970-01-01.
    Some(i64::from(before + BEFORE[index] + day - 1 - 719_468))
}

/// Reads a date or a point in time in any of the forms above.
pub(crate) fn moment(cell: &[u8]) -> Option<Moment> {
    // The shortest is `1/2/2012`; no form begins with anything but a digit or a letter.
    if cell.len() < 8 || cell.len() > 40 {
        return None;
    }
    let mut scan = Scan { rest: cell };
    let (fields, order) = scan.date()?;
    let (date, time) = match order {
        Some(DateOrder::Year) => (Kinds::DATE, Kinds::TIME),
        Some(DateOrder::Day) => (Kinds::DATE_DAY_FIRST, Kinds::TIME_DAY_FIRST),
        Some(DateOrder::Month) => (Kinds::DATE_MONTH_FIRST, Kinds::TIME_MONTH_FIRST),
        None => (
            Kinds::DATE_DAY_FIRST.or(Kinds::DATE_MONTH_FIRST),
            Kinds::TIME_DAY_FIRST.or(Kinds::TIME_MONTH_FIRST),
        ),
    };
    let is_date = scan.rest.is_empty();
    let (kinds, micros) = if is_date {
        // A date is also the beginning of its day.
        (date.or(time), 0)
    } else {
        (time, scan.time()?)
    };
    Some(Moment {
        kinds,
        fields,
        order,
        is_date,
        micros,
    })
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    /// Up to `most` digits, at least `least`.
    fn digits(&mut self, least: usize, most: usize) -> Option<i32> {
        let mut value = 0;
        let mut count = 0;
        while count < most && self.rest.get(count).is_some_and(u8::is_ascii_digit) {
            value = value * 10 + i32::from(self.rest[count] - b'0');
            count += 1;
        }
        if count < least {
            return None;
        }
        self.rest = &self.rest[count..];
        Some(value)
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// The three fields in the order of the text, and the order where it is beyond doubt.
    fn date(&mut self) -> Option<([i32; 3], Option<DateOrder>)> {
        let lead = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        match lead {
            0 => {
                let month = self.month_name()?;
                self.take(b' ').then_some(())?;
                let day = self.digits(1, 2)?;
                self.take(b',').then_some(())?;
                self.take(b' ').then_some(())?;
                let year = self.digits(4, 4)?;
                days(year, month, day)?;
                Some(([year, month, day], Some(DateOrder::Year)))
            }
            4 => {
                let year = self.digits(4, 4)?;
                let mark = self.byte()?;
                matches!(mark, b'-' | b'/' | b'.').then_some(())?;
                let month = self.digits(1, 2)?;
                self.take(mark).then_some(())?;
                let day = self.digits(1, 2)?;
                days(year, month, day)?;
                Some(([year, month, day], Some(DateOrder::Year)))
            }
            1 | 2 => {
                let first = self.digits(1, 2)?;
                let mark = self.byte()?;
                if matches!(mark, b' ' | b'-') && self.rest.first()?.is_ascii_alphabetic() {
                    let month = self.month_name()?;
                    self.take(mark).then_some(())?;
                    let year = self.digits(4, 4)?;
                    days(year, month, first)?;
                    return Some(([year, month, first], Some(DateOrder::Year)));
                }
                matches!(mark, b'-' | b'/' | b'.').then_some(())?;
                let second = self.digits(1, 2)?;
                self.take(mark).then_some(())?;
                let year = self.digits(4, 4)?;
                let day_first = days(year, second, first).is_some();
                // Points between the fields are used day first only.
                let month_first = mark != b'.' && days(year, first, second).is_some();
                let order = match (day_first, month_first) {
                    (true, true) => None,
                    (true, false) => Some(DateOrder::Day),
                    (false, true) => Some(DateOrder::Month),
                    (false, false) => return None,
                };
                Some(([first, second, year], order))
            }
            _ => None,
        }
    }

    fn month_name(&mut self) -> Option<i32> {
        const NAMES: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let length = self
            .rest
            .iter()
            .take_while(|b| b.is_ascii_alphabetic())
            .count();
        let (word, rest) = self.rest.split_at(length);
        let month = NAMES.iter().position(|name| {
            word.eq_ignore_ascii_case(name.as_bytes())
                || word.eq_ignore_ascii_case(&name.as_bytes()[..3])
        })?;
        self.rest = rest;
        i32::try_from(month).ok().map(|m| m + 1)
    }

    /// Microseconds since midnight UTC.
    fn time(&mut self) -> Option<i64> {
        matches!(self.byte()?, b'T' | b't' | b' ').then_some(())?;
        let mut hour = self.digits(1, 2)?;
        self.take(b':').then_some(())?;
        let minute = self.digits(2, 2)?;
        let mut second = 0;
        let mut micros = 0;
        if self.take(b':') {
            second = self.digits(2, 2)?;
            if self.take(b'.') || self.take(b',') {
                micros = self.fraction()?;
            }
        }
        self.half_of_day(&mut hour)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let offset = self.offset()?;
        let seconds = i64::from((hour * 60 + minute) * 60 + second);
        Some((seconds - offset) * 1_000_000 + micros)
    }

    /// One to nine digits after the point, cut to microseconds.
    fn fraction(&mut self) -> Option<i64> {
        let before = self.rest.len();
        let kept = self.digits(1, 6)?;
        let width = before - self.rest.len();
        if width == 6 {
            self.digits(0, 3)?;
        }
        Some(i64::from(kept) * 10i64.pow(6 - u32::try_from(width).ok()?))
    }

    fn half_of_day(&mut self, hour: &mut i32) -> Option<()> {
        let spaced = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
        let afternoon = match spaced {
            [a, b'm' | b'M', ..] if a.eq_ignore_ascii_case(&b'a') => false,
            [p, b'm' | b'M', ..] if p.eq_ignore_ascii_case(&b'p') => true,
            _ => return Some(()),
        };
        if !(1..=12).contains(hour) {
            return None;
        }
        *hour = *hour % 12 + if afternoon { 12 } else { 0 };
        self.rest = &spaced[2..];
        Some(())
    }

    /// Seconds east of UTC; the rest of the cell must be used up.
    fn offset(&mut self) -> Option<i64> {
        self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
        match self.rest {
            [] | [b'Z' | b'z'] | b"UTC" | b"GMT" => return Some(0),
            _ => {}
        }
        let sign = match self.byte()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digits(2, 2)?;
        self.take(b':');
        let minutes = if self.rest.is_empty() {
            0
        } else {
            self.digits(2, 2)?
        };
        (self.rest.is_empty() && hours <= 18 && minutes <= 59).then_some(())?;
        Some(i64::from(sign * (hours * 60 + minutes) * 60))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::NaiveDate;

    use super::super::written::{EPOCH_FROM_CE, format_date, format_timestamp};
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
        assert!(kinds("31/01/2012").has(Kinds::DATE_DAY_FIRST));
        assert!(!kinds("31/01/2012").has(Kinds::DATE_MONTH_FIRST));
        assert!(kinds("01/31/2012").has(Kinds::DATE_MONTH_FIRST));
        let both = Kinds::DATE_DAY_FIRST.or(Kinds::DATE_MONTH_FIRST);
        assert!(kinds("01/02/2012").has(both));
        assert!(!kinds("01.02.2012").has(Kinds::DATE_MONTH_FIRST));
        assert_eq!(both.resolve(), super::super::Kind::Text);
    }

    #[test]
    fn impossible_dates_are_text() {
        for cell in [
            "2012-02-30",
            "2013-13-01",
            "31/02/2012",
            "2012-01/31",
            "12/31/12",
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
    fn every_day_is_counted_as_chrono_counts_it() {
        use chrono::Datelike;
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let mut counted = 0;
        while date.year() < 10_000 {
            let (month, day) = (date.month() as i32, date.day() as i32);
            let expected = i64::from(date.num_days_from_ce() - EPOCH_FROM_CE);
            assert_eq!(days(date.year(), month, day), Some(expected), "{date}");
            date = date.succ_opt().unwrap();
            counted += 1;
        }
        assert_eq!(counted, 3_652_059);
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2000, 2, 29), Some(11_016));
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
