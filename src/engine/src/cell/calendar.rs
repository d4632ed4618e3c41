//! The Gregorian calendar.

use super::kinds::DateOrder;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug)]
pub(super) enum Date {
    Certain(i64),
    /// By the order of day and month, where that order makes a date.
    Either {
        day_first: Option<i64>,
        month_first: Option<i64>,
    },
}

impl Date {
    /// The order where it is beyond doubt.
    pub(super) fn order(self) -> Option<DateOrder> {
        match self {
            Self::Certain(_) => Some(DateOrder::Year),
            Self::Either {
                day_first,
                month_first,
            } => match (day_first, month_first) {
                (Some(_), None) => Some(DateOrder::Day),
                (None, Some(_)) => Some(DateOrder::Month),
                _ => None,
            },
        }
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, years 1 to 9999.
#[inline]
pub(super) fn days(year: i32, month: i32, day: i32) -> Option<i64> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::NaiveDate;

    use super::super::written::EPOCH_FROM_CE;
    use super::*;

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
}
