//! `date_trunc` up to the year 9999; the engine's uses nanoseconds, which end in 2262.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    /// The function of the engine, for times of day and for zones.
    engine: Arc<ScalarUDF>,
    signature: Signature,
}

impl DateTrunc {
    pub(super) fn new() -> Self {
        Self {
            engine: datetime::date_trunc(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let micros = |zone| DataType::Timestamp(TimeUnit::Microsecond, zone);
        let [_, value] = types else {
            return plan_err!("date_trunc takes a unit and a timestamp");
        };
        let value = match value {
            DataType::Timestamp(_, zone) => micros(zone.clone()),
            DataType::Date32
            | DataType::Date64
            | DataType::Null
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View => micros(None),
            DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
            other => return plan_err!("date_trunc takes a timestamp, not {other}"),
        };
        Ok(vec![DataType::Utf8, value])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [_, value] => Ok(value.clone()),
            _ => internal_err!("date_trunc takes two arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [unit, value] = args.args.as_slice() else {
            return internal_err!("date_trunc takes two arguments");
        };
        let utc = match value.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, None) => true,
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
                matches!(zone.as_ref(), "UTC" | "+00:00")
            }
            _ => false,
        };
        if !utc {
            return self.engine.invoke_with_args(args);
        }
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(unit))) = unit else {
            return exec_err!("the unit of date_trunc is a text, such as 'month'");
        };
        let truncate = truncation(unit)?;
        let scalar = matches!(value, ColumnarValue::Scalar(_));
        let array = value.to_array(if scalar { 1 } else { args.number_rows })?;
        let timestamps = array.as_primitive::<TimestampMicrosecondType>();
        let truncated = timestamps
            .unary::<_, TimestampMicrosecondType>(truncate)
            .with_data_type(value.data_type());
        super::columnar_value(scalar, Arc::new(truncated))
    }
}

/// A function that truncates to the start of a unit.
fn truncation(unit: &str) -> Result<Box<dyn Fn(i64) -> i64>> {
    let part = |micros: i64| -> Box<dyn Fn(i64) -> i64> {
        Box::new(move |timestamp| timestamp - timestamp.rem_euclid(micros))
    };
    let days = |first: fn(i64) -> i64| -> Box<dyn Fn(i64) -> i64> {
        Box::new(move |timestamp| first(timestamp.div_euclid(DAY)).saturating_mul(DAY))
    };
    Ok(match unit.to_lowercase().as_str() {
        "microsecond" | "microseconds" => part(1),
        "millisecond" | "milliseconds" => part(1_000),
        "second" => part(SECOND),
        "minute" => part(60 * SECOND),
        "hour" => part(3_600 * SECOND),
        "day" => part(DAY),
        // 1970 began on a Thursday; weeks begin on Monday.
        "week" => days(|day| day - (day + 3).rem_euclid(7)),
        "month" => days(|day| first_of(day, |year, month| (year, month))),
        "quarter" => days(|day| first_of(day, |year, month| (year, (month - 1) / 3 * 3 + 1))),
        "year" => days(|day| first_of(day, |year, _| (year, 1))),
        "decade" => days(|day| first_of(day, |year, _| (year - year.rem_euclid(10), 1))),
        "century" => days(|day| first_of(day, |year, _| (first_year(year, 100), 1))),
        "millennium" => days(|day| first_of(day, |year, _| (first_year(year, 1_000), 1))),
        _ => {
            return exec_err!(
                "date_trunc does not support the unit '{unit}'; supported are microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century and millennium"
            );
        }
    })
}

/// The first year of a period: centuries begin with a year 1.
fn first_year(year: i64, years: i64) -> i64 {
    (year - 1).div_euclid(years) * years + 1
}

/// The first day of the month that `choose` returns for the year and month of a day.
fn first_of(day: i64, choose: fn(i64, i64) -> (i64, i64)) -> i64 {
    let (year, month) = civil(day);
    let (year, month) = choose(year, month);
    day_number(year, month)
}

/// The year and the month of a day since 1970-01-01, in the Gregorian calendar.
fn civil(day: i64) -> (i64, i64) {
    // Eras of 400 years that begin in March, so that a leap day is the last day of its year.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month)
}

/// The number of the first day of a month since 1970-01-01.
fn day_number(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn months_and_days_convert_into_each_other() {
        for (year, month) in (-10..12_000).flat_map(|year| (1..=12).map(move |m| (year, m))) {
            let first = day_number(year, month);
            assert_eq!(civil(first), (year, month));
            assert_ne!(civil(first - 1), (year, month));
            assert_eq!(civil(first + 27), (year, month));
        }
        assert_eq!(day_number(1970, 1), 0);
        assert_eq!(day_number(2000, 3), 11_017);
    }

    #[test]
    fn a_unit_goes_back_to_its_beginning() {
        let truncated = |unit, timestamp| truncation(unit).unwrap()(timestamp);
        assert_eq!(truncated("day", -1), -DAY);
        assert_eq!(truncated("week", 0), -3 * DAY);
        assert_eq!(truncated("year", 364 * DAY), 0);
        assert_eq!(truncated("century", 0), day_number(1901, 1) * DAY);
        assert!(truncation("fortnight").is_err());
    }
}
