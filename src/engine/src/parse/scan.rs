//! Parses dates and times field by field.

use super::calendar::{Credible, Date, days, full_year};

/// What is left of a cell.
pub(super) struct Scan<'a> {
    pub(super) rest: &'a [u8],
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

    /// The date at the beginning.
    pub(super) fn date(&mut self) -> Option<Date> {
        let lead = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        match lead {
            0 => {
                let month = self.month_name()?;
                self.take(b' ').then_some(())?;
                let day = self.digits(1, 2)?;
                self.take(b',').then_some(())?;
                self.take(b' ').then_some(())?;
                let year = self.digits(4, 4)?;
                days(year, month, day).map(Date::Certain)
            }
            4 => {
                let year = self.digits(4, 4)?;
                let mark = self.byte()?;
                matches!(mark, b'-' | b'/' | b'.').then_some(())?;
                let month = self.digits(1, 2)?;
                self.take(mark).then_some(())?;
                let day = self.digits(1, 2)?;
                days(year, month, day).map(Date::Certain)
            }
            1 | 2 => {
                let first = self.digits(1, 2)?;
                let mark = self.byte()?;
                if matches!(mark, b' ' | b'-') && self.rest.first()?.is_ascii_alphabetic() {
                    let month = self.month_name()?;
                    self.take(mark).then_some(())?;
                    return match self.year()? {
                        (year, true) => Some(Date::Short {
                            day_first: Some(days(full_year(year), month, first)?),
                            month_first: None,
                            year_first: None,
                            credible: Credible::YearLast,
                        }),
                        (year, false) => days(year, month, first).map(Date::Certain),
                    };
                }
                matches!(mark, b'-' | b'/' | b'.').then_some(())?;
                let before = self.rest.len();
                let second = self.digits(1, 2)?;
                let two_digits = lead == 2 && before - self.rest.len() == 2;
                self.take(mark).then_some(())?;
                let (year, short) = self.year()?;
                if short {
                    let credible = match (mark, two_digits) {
                        (b'-', true) => Credible::Always,
                        (b'.', true) | (b'/', _) => Credible::YearLast,
                        _ => Credible::Never,
                    };
                    return short_date([first, second, year], mark, lead == 2, credible);
                }
                let day_first = days(year, second, first);
                // Points between the fields are used day first only.
                let month_first = days(year, first, second).filter(|_| mark != b'.');
                (day_first.is_some() || month_first.is_some()).then_some(Date::Either {
                    day_first,
                    month_first,
                })
            }
            _ => None,
        }
    }

    /// A year of four digits or of two, and whether it is of two.
    fn year(&mut self) -> Option<(i32, bool)> {
        match self.rest.iter().take_while(|b| b.is_ascii_digit()).count() {
            4 => Some((self.digits(4, 4)?, false)),
            2 => Some((self.digits(2, 2)?, true)),
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
    pub(super) fn time(&mut self) -> Option<i64> {
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

/// A date whose year has two digits, in every order that its mark is used with. A year comes first
/// only with both of its digits.
fn short_date(
    [first, second, third]: [i32; 3],
    mark: u8,
    may_be_year: bool,
    credible: Credible,
) -> Option<Date> {
    let last = full_year(third);
    let day_first = days(last, second, first);
    let month_first = days(last, first, second).filter(|_| mark != b'.');
    let year_first = days(full_year(first), second, third).filter(|_| may_be_year);
    let any = day_first.or(month_first).or(year_first);
    any.map(|_| Date::Short {
        day_first,
        month_first,
        year_first,
        credible,
    })
}
