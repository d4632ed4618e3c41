//! The Gregorian calendar.

use super::kinds::TypeSet;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug)]
pub(super) enum Date {
    Certain(i64),
    /// By the order of day and month, where that order makes a date.
    Either {
        day_first: Option<i64>,
        month_first: Option<i64>,
    },
    /// The same where the year has two digits, and may come first.
    Short {
        day_first: Option<i64>,
        month_first: Option<i64>,
        year_first: Option<i64>,
        credible: Credible,
    },
}

/// Which dates with a year of two digits are read without an order that is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Credible {
    /// None: `1.2.03` may be the number of a chapter.
    Never,
    /// Those whose year comes last.
    YearLast,
    Always,
}

impl Date {
    /// Which orders the date allows, as one and as the beginning of a point in time.
    pub(super) fn kinds(self) -> (TypeSet, TypeSet) {
        let set = |orders: &[(Option<i64>, TypeSet)]| {
            let allowed = orders.iter().filter(|(date, _)| date.is_some());
            allowed.fold(TypeSet::TEXT, |kinds, (_, kind)| kinds.or(*kind))
        };
        let (date, time) = match self {
            Self::Certain(_) => (TypeSet::DATE, CERTAIN_TIME),
            Self::Either {
                day_first,
                month_first,
            } => {
                // Years of two digits may follow in the same column.
                let short = set(&[
                    (day_first, TypeSet::SHORT_DAY_FIRST),
                    (month_first, TypeSet::SHORT_MONTH_FIRST),
                ]);
                (
                    set(&[
                        (day_first, TypeSet::DATE_DAY_FIRST),
                        (month_first, TypeSet::DATE_MONTH_FIRST),
                    ]),
                    set(&[
                        (day_first, TypeSet::TIME_DAY_FIRST),
                        (month_first, TypeSet::TIME_MONTH_FIRST),
                    ])
                    .or(short)
                    .or(TypeSet::CREDIBLE),
                )
            }
            Self::Short {
                day_first,
                month_first,
                year_first,
                credible,
            } => {
                let orders = set(&[
                    (day_first, TypeSet::SHORT_DAY_FIRST),
                    (month_first, TypeSet::SHORT_MONTH_FIRST),
                    (year_first, TypeSet::SHORT_YEAR_FIRST),
                ]);
                let credible = match credible {
                    Credible::Never => TypeSet::TEXT,
                    Credible::YearLast => TypeSet::CREDIBLE,
                    Credible::Always => TypeSet::CREDIBLE.or(TypeSet::CREDIBLE_YEAR_FIRST),
                };
                (TypeSet::TEXT, orders.or(credible))
            }
        };
        (date.or(time).or(TypeSet::SHORT_DATE), time)
    }
}

/// What a cell allows whose date is certain, as a date and as a point in time. Beside it a year of
/// two digits may come first, where that order is given.
pub(super) const CERTAIN_DATE: TypeSet = TypeSet::DATE.or(CERTAIN_TIME).or(TypeSet::SHORT_DATE);
pub(super) const CERTAIN_TIME: TypeSet = TypeSet::TIME
    .or(TypeSet::SHORT_YEAR_FIRST)
    .or(TypeSet::CREDIBLE);

/// The year that two digits stand for, as POSIX has it: 69 to 99 are of the last century.
pub(super) fn full_year(year: i32) -> i32 {
    year + if year < 69 { 2000 } else { 1900 }
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

    use super::super::format_date::EPOCH_FROM_CE;
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
