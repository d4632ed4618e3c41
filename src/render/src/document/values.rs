//! Formats values of the data and statistics of a column.

use lastcall_domain::profile::{Column, ColumnType, Number, Numeric, TopValue};
use serde_json::Value;

use crate::number::{count, extreme, figure_of, number, without_noise};
use crate::text::shorten;

/// The number of distinct values.
pub(super) fn distinct(column: &Column) -> String {
    let about = if column.distinct_estimated {
        "≈ "
    } else {
        ""
    };
    format!("{about}{}", count(column.distinct))
}

/// Min, mean and max, if the type has them.
pub(super) fn range(column: &Column) -> [String; 3] {
    if let Some(numeric) = &column.numeric {
        let end = |n: Option<Number>| n.map_or_else(String::new, extreme);
        let mean = mean(numeric).unwrap_or_default();
        return [
            in_style(numeric, end(numeric.min)),
            mean,
            in_style(numeric, end(numeric.max)),
        ];
    }
    if let Some(temporal) = &column.temporal {
        let end = |at: &Option<String>| at.as_deref().map_or_else(String::new, timestamp);
        return [end(&temporal.min), String::new(), end(&temporal.max)];
    }
    Default::default()
}

/// The mean, if there is one.
pub(super) fn mean(numeric: &Numeric) -> Option<String> {
    let mean = without_noise(numeric.mean?, scale(numeric));
    Some(in_style(numeric, figure_of(mean, numeric.digits())))
}

/// A statistic of a column: without commas if the values may be years.
pub(super) fn in_style(numeric: &Numeric, text: String) -> String {
    if may_be_years(numeric) {
        text.replace(',', "")
    } else {
        text
    }
}

/// Whether all values are integers of four digits that begin with 1 or 2.
fn may_be_years(numeric: &Numeric) -> bool {
    let is_year = |n: Option<Number>| matches!(n, Some(Number::Integer(1000..=2999)));
    is_year(numeric.min) && is_year(numeric.max)
}

/// A date as it is; a timestamp without its zone, which is always UTC, and without a time of day
/// at midnight.
pub(super) fn timestamp(rfc3339: &str) -> String {
    let short = shorten(rfc3339, 40);
    let Some(short) = short
        .strip_suffix('Z')
        .or_else(|| short.strip_suffix("+00:00"))
    else {
        return short;
    };
    match short.split_once('T') {
        Some((date, "00:00:00")) => date.to_owned(),
        Some((date, time)) => format!("{date} {time}"),
        None => short.to_owned(),
    }
}

/// A value of the data as text.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => shorten(text, crate::text::FULL),
        Value::Number(n) => exact(n).map_or_else(|| n.to_string(), number),
        Value::Bool(b) => b.to_string(),
        Value::Null => String::new(),
        other => shorten(&other.to_string(), crate::text::FULL),
    }
}

/// A number of JSON with all its digits.
fn exact(n: &serde_json::Number) -> Option<Number> {
    Number::parse(&n.to_string())
}

/// A value of a column: [`timestamp`] for timestamps, otherwise [`value_text`].
fn value_of(column: &Column, value: &Value) -> String {
    match value {
        Value::String(at) if column.kind == ColumnType::Timestamp => timestamp(at),
        Value::Number(n) => match (&column.numeric, exact(n)) {
            (Some(numeric), Some(n)) => in_style(numeric, extreme(n)),
            _ => value_text(value),
        },
        value => value_text(value),
    }
}

/// A frequent value; a decimal with all digits.
pub(super) fn top_value(column: &Column, top: &TopValue) -> String {
    match (&top.decimal, &column.numeric) {
        (Some(decimal), Some(numeric)) => in_style(numeric, extreme(Number::Decimal(*decimal))),
        _ => value_of(column, &top.value),
    }
}

/// The edges of a histogram over time: without a time of day if they span many days.
pub(super) fn edges_of_time(edges: &[String]) -> Vec<String> {
    let day = |at: &str| at.split('T').next().unwrap_or(at).to_owned();
    let mut days: Vec<String> = edges.iter().map(|edge| day(&shorten(edge, 40))).collect();
    days.dedup();
    if days.len() == edges.len() {
        days
    } else {
        edges.iter().map(|edge| timestamp(edge)).collect()
    }
}

/// The largest magnitude, at which a mean may be rounding noise.
pub(super) fn scale(numeric: &Numeric) -> f64 {
    [numeric.min, numeric.max]
        .into_iter()
        .flatten()
        .map(|n| n.as_f64().abs())
        .filter(|x| x.is_finite())
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_beyond_64_bits_keeps_its_digits() {
        assert_eq!(value_text(&json!(u64::MAX)), "18,446,744,073,709,551,615");
        assert_eq!(value_text(&json!(i64::MIN)), "-9,223,372,036,854,775,808");
        assert_eq!(value_text(&json!(0.1 + 0.2)), "0.3");
        assert_eq!(value_text(&json!(1e30)), "1e30");
    }
}
