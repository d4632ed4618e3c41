//! A cell for checks.

use std::borrow::Cow;
use std::io::Write as _;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use lastcall_domain::check::ValueType;
use serde_json::{Number, Value};

use super::exact::Exact;
use super::forms;
use crate::batch::{Batch, ColumnBatch, Decimals, Values};
use crate::parse::{CellRules, Field, Kind, Style, format_date, format_timestamp};

/// The longest text of an example, in characters.
const MAX_CHARS: usize = 200;
/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_FROM_CE: i64 = 719_163;
/// The microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// A column of the dataset that a check is about.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) at: usize,
    pub(super) name: String,
    /// The kind that it is read as.
    pub(super) read_as: Kind,
    /// The type in the contract.
    pub(super) wanted: Option<ValueType>,
}

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// A number that neither of them can represent exactly.
    Decimal(Exact),
    /// Days since 1970.
    Date(i64),
    /// Microseconds since 1970.
    Timestamp(i64),
    Text(&'a [u8]),
}

impl Column {
    fn cells<'b>(&self, batch: &'b Batch) -> Option<&'b ColumnBatch> {
        batch.columns.get(self.at)
    }

    /// The cell as read.
    pub(super) fn cell<'b>(&self, batch: &'b Batch, row: usize) -> Cell<'b> {
        let Some(column) = self.cells(batch) else {
            return Cell::Missing;
        };
        if column.missing.at(row) {
            return Cell::Missing;
        }
        match (&column.values, self.read_as) {
            (Values::Floats(values), _) => Cell::Float(values[row]),
            (Values::Decimals(decimals), _) => decimal(decimals, row),
            (Values::Text(texts), _) => match texts.get(row) {
                text if self.is_of_numbers() && is_nan(text) => Cell::Missing,
                text => Cell::Text(text),
            },
            (Values::Integers(values), Kind::Boolean) => Cell::Boolean(values[row] != 0),
            (Values::Integers(values), Kind::Date(_)) => Cell::Date(values[row]),
            (Values::Integers(values), Kind::Timestamp(_)) => Cell::Timestamp(values[row]),
            (Values::Integers(values), _) => Cell::Integer(values[row]),
        }
    }

    fn is_of_numbers(&self) -> bool {
        matches!(self.wanted, Some(ValueType::Integer | ValueType::Number))
    }

    /// The cell as the type in the contract; as text if it is not of that type.
    pub(super) fn value<'b>(&self, batch: &'b Batch, row: usize, rules: &CellRules) -> Cell<'b> {
        match (self.cell(batch, row), &self.wanted) {
            (Cell::Text(text), Some(wanted)) => {
                typed(text, wanted, rules).unwrap_or(Cell::Text(text))
            }
            (cell, _) => cell,
        }
    }
}

/// A number that is none, which is missing wherever numbers are read.
fn is_nan(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    unsigned.unwrap_or(text).eq_ignore_ascii_case(b"nan")
}

/// A decimal, or an integer if it is one of 64 bits.
fn decimal<'b>(decimals: &Decimals, row: usize) -> Cell<'b> {
    let digits = decimals.digits[row];
    match Exact::new(digits, decimals.scale) {
        Some(exact) => exact.as_i64().map_or(Cell::Decimal(exact), Cell::Integer),
        None => Cell::Float(digits as f64 / 10f64.powi(decimals.scale.into())),
    }
}

/// Whether every value of a column of this kind is of the type.
pub(super) fn conforms(kind: Kind, wanted: &ValueType) -> bool {
    match wanted {
        ValueType::String => true,
        ValueType::Integer => matches!(kind, Kind::Integer | Kind::Large),
        ValueType::Number => kind.is_numeric(),
        ValueType::Boolean { yes, no } => kind == Kind::Boolean && yes.is_empty() && no.is_empty(),
        ValueType::Date(None) => matches!(kind, Kind::Date(_)),
        // A date is the timestamp at which it begins.
        ValueType::Timestamp(None) => matches!(kind, Kind::Timestamp(_) | Kind::Date(_)),
        _ => false,
    }
}

/// A text as a value of the type; `None` if it is not one.
pub(super) fn typed<'b>(text: &'b [u8], wanted: &ValueType, rules: &CellRules) -> Option<Cell<'b>> {
    let as_text = || std::str::from_utf8(text).ok();
    match wanted {
        ValueType::String => Some(Cell::Text(text)),
        ValueType::Form(form) => forms::matches(*form, as_text()?).then_some(Cell::Text(text)),
        ValueType::Integer => number(text, rules).filter(|cell| match cell {
            Cell::Decimal(_) => !text.contains(&b'.'),
            cell => matches!(cell, Cell::Integer(_)),
        }),
        ValueType::Number => number(text, rules),
        ValueType::Boolean { yes, no } => boolean(as_text()?, yes, no).map(Cell::Boolean),
        ValueType::Date(None) => match datetime(text, rules)? {
            cell @ Cell::Date(_) => Some(cell),
            _ => None,
        },
        ValueType::Timestamp(None) => match datetime(text, rules)? {
            cell @ (Cell::Timestamp(_) | Cell::Date(_)) => Some(cell),
            _ => None,
        },
        ValueType::Date(Some(format)) => {
            let date = NaiveDate::parse_from_str(as_text()?, format).ok()?;
            Some(Cell::Date(days(date)))
        }
        ValueType::Timestamp(Some(format)) => timestamp(as_text()?, format).map(Cell::Timestamp),
        ValueType::Time(format) => time(as_text()?, format.as_deref()).then_some(Cell::Text(text)),
        ValueType::Object => is_json(text, b'{').then_some(Cell::Text(text)),
        ValueType::Array => is_json(text, b'[').then_some(Cell::Text(text)),
    }
}

/// Whether the text is a JSON value that begins with `first`. It is not kept.
fn is_json(text: &[u8], first: u8) -> bool {
    text.trim_ascii_start().first() == Some(&first)
        && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// A single number, if its decimal and thousands marks are unambiguous.
fn number<'b>(text: &[u8], rules: &CellRules) -> Option<Cell<'b>> {
    let field = Field::from(text);
    if let Some(whole) = CellRules::plain_integer(text.trim_ascii()) {
        return Some(Cell::Integer(whole));
    }
    let plain = || std::str::from_utf8(text.trim_ascii()).ok();
    if CellRules::is_too_long(text.trim_ascii()) {
        return plain().and_then(Exact::parse).map(Cell::Decimal);
    }
    let reading = rules.classify(field).resolve(&rules.hints());
    // The plain style is that of the given marks, if there are any.
    let styled = (reading.style != Style::Plain).then(|| rules.styled(reading.style));
    let rules = styled.as_ref().unwrap_or(rules);
    match reading.kind {
        Kind::Integer => rules.integer(field).map(Cell::Integer),
        Kind::Float => {
            let plain = plain().filter(|_| reading.style == Style::Plain);
            let exact = plain.and_then(Exact::parse).map(Cell::Decimal);
            exact.or_else(|| rules.float(field).map(|(value, _)| Cell::Float(value)))
        }
        _ => None,
    }
}

/// A single date or timestamp.
pub(super) fn datetime<'b>(text: &[u8], rules: &CellRules) -> Option<Cell<'b>> {
    let moment = CellRules::moment(text)?;
    match moment.kinds.resolve(&rules.hints()).kind {
        Kind::Date(order) => moment.days(order).map(Cell::Date),
        Kind::Timestamp(order) => moment.micros(order).map(Cell::Timestamp),
        _ => None,
    }
}

fn boolean(text: &str, yes: &[String], no: &[String]) -> Option<bool> {
    let listed = |words: &[String], usual: [&str; 2]| {
        if words.is_empty() {
            usual
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word))
        } else {
            words.iter().any(|word| word == text)
        }
    };
    match (listed(yes, ["true", "1"]), listed(no, ["false", "0"])) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn days(date: NaiveDate) -> i64 {
    use chrono::Datelike as _;
    i64::from(date.num_days_from_ce()) - EPOCH_FROM_CE
}

fn timestamp(text: &str, format: &str) -> Option<i64> {
    if let Ok(time) = chrono::DateTime::parse_from_str(text, format) {
        return Some(time.timestamp_micros());
    }
    let time = NaiveDateTime::parse_from_str(text, format).ok()?;
    Some(time.and_utc().timestamp_micros())
}

fn time(text: &str, format: Option<&str>) -> bool {
    match format {
        Some(format) => NaiveTime::parse_from_str(text, format).is_ok(),
        None => ["%H:%M:%S%.f", "%H:%M"]
            .iter()
            .any(|format| NaiveTime::parse_from_str(text.trim(), format).is_ok()),
    }
}

impl Cell<'_> {
    /// Writes a text that is equal for equal values, whatever they are read as.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = match *self {
            Cell::Missing => Ok(()),
            Cell::Boolean(is) => write!(out, "{is}"),
            Cell::Integer(value) => write!(out, "{value}"),
            Cell::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                write!(out, "{}", value as i64)
            }
            Cell::Float(value) => write!(out, "{value}"),
            Cell::Decimal(exact) => write!(out, "{exact}"),
            Cell::Date(days) => out.write_all(format_date(days).as_bytes()),
            Cell::Timestamp(micros) => out.write_all(format_timestamp(micros).as_bytes()),
            Cell::Text(text) => out.write_all(text),
        };
    }

    /// The original text of cells that are read as text; otherwise the formatted value.
    pub(super) fn shown(&self) -> Cow<'_, [u8]> {
        match self {
            Cell::Text(text) => Cow::Borrowed(text),
            other => {
                let mut out = Vec::new();
                other.write(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// The value for a report.
    pub(super) fn json(&self) -> Value {
        match *self {
            Cell::Missing => Value::Null,
            Cell::Boolean(is) => is.into(),
            Cell::Integer(value) => value.into(),
            Cell::Float(value) => match Number::from_f64(value) {
                Some(number) => Value::Number(number),
                None => value.to_string().into(),
            },
            Cell::Decimal(exact) => exact.json(),
            Cell::Date(days) => format_date(days).into(),
            Cell::Timestamp(micros) => format_timestamp(micros).into(),
            Cell::Text(text) => {
                let text = String::from_utf8_lossy(text);
                let mut chars = text.chars();
                let mut short: String = chars.by_ref().take(MAX_CHARS).collect();
                if chars.next().is_some() {
                    short.pop();
                    short.push('…');
                }
                short.into()
            }
        }
    }
}
