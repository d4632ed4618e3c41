//! Bounds as numbers, timestamps or texts, and comparison with them.

use std::cmp::Ordering;

use lastcall_domain::check::{Bound, ValueType};
use serde_json::Value;

use super::cell::{Cell, Column, DAY, datetime, typed};
use super::exact::Exact;
use super::unfit::Unfit;
use crate::parse::{CellRules, Kind};

/// One end of a range.
#[derive(Clone, Debug)]
pub(super) struct End {
    at: At,
    exclusive: bool,
}

#[derive(Clone, Debug)]
enum At {
    /// The number as a double, and exactly if possible.
    Number(f64, Option<Exact>),
    /// Microseconds since 1970.
    Time(i64),
    Text(Vec<u8>),
}

impl End {
    /// The bound, converted to the type of the column.
    ///
    /// # Errors
    /// If it is of another type.
    pub(super) fn new(bound: &Bound, column: &Column, rules: &CellRules) -> Result<Self, Unfit> {
        let unfit = || Unfit {
            code: "invalid_contract",
            detail: format!(
                "{} is not a valid bound for the column `{}`",
                bound.value, column.name
            ),
        };
        let at = match &bound.value {
            Value::Number(number) => {
                let float = number.as_f64().ok_or_else(unfit)?;
                let exact = Exact::parse(&number.to_string());
                At::Number(float, exact.or_else(|| Exact::of_float(float)))
            }
            Value::String(text) => Self::text(text, column, rules).ok_or_else(unfit)?,
            _ => return Err(unfit()),
        };
        let number_for_times = is_temporal(column) && !matches!(at, At::Time(_));
        if number_for_times {
            return Err(unfit());
        }
        Ok(Self {
            at,
            exclusive: bound.exclusive,
        })
    }

    fn text(text: &str, column: &Column, rules: &CellRules) -> Option<At> {
        let bytes = text.as_bytes();
        let read = column
            .wanted
            .as_ref()
            .and_then(|kind| typed(bytes, kind, rules));
        let read = match read {
            Some(Cell::Text(_)) | None if is_temporal(column) => datetime(bytes, rules),
            None if column.read_as.is_numeric() => typed(bytes, &ValueType::Number, rules),
            read => read,
        };
        match read {
            Some(Cell::Date(days)) => Some(At::Time(days.saturating_mul(DAY))),
            Some(Cell::Timestamp(micros)) => Some(At::Time(micros)),
            Some(Cell::Integer(whole)) => Some(At::Number(whole as f64, Some(whole.into()))),
            Some(Cell::Decimal(exact)) => Some(At::Number(exact.as_f64(), Some(exact))),
            Some(Cell::Float(number)) => Some(At::Number(number, Exact::of_float(number))),
            _ if is_temporal(column) || column.read_as.is_numeric() => None,
            _ => Some(At::Text(bytes.to_vec())),
        }
    }

    /// Compares a value with the bound; `None` if it is of another kind.
    fn compare(&self, value: &Cell<'_>) -> Option<Ordering> {
        match (value, &self.at) {
            (Cell::Integer(value), At::Number(end, exact)) => match exact {
                Some(exact) => Some(Exact::from(*value).cmp(exact)),
                None => (*value as f64).partial_cmp(end),
            },
            (Cell::Decimal(value), At::Number(end, exact)) => match exact {
                Some(exact) => Some(value.cmp(exact)),
                None => value.as_f64().partial_cmp(end),
            },
            (Cell::Float(value), At::Number(end, _)) => value.partial_cmp(end),
            (Cell::Date(days), At::Time(end)) => Some(days.saturating_mul(DAY).cmp(end)),
            (Cell::Timestamp(micros), At::Time(end)) => Some(micros.cmp(end)),
            (Cell::Text(text), At::Text(end)) => Some((*text).cmp(end)),
            // Numbers in a column that also has other values.
            (Cell::Text(text), At::Number(end, exact)) => {
                let text = std::str::from_utf8(text).ok()?.trim();
                match (Exact::parse(text), exact) {
                    (Some(value), Some(exact)) => Some(value.cmp(exact)),
                    _ => text.parse::<f64>().ok()?.partial_cmp(end),
                }
            }
            _ => None,
        }
    }

    /// Whether the value is out of range, with `least` for a lower bound. Values of another type
    /// are left to the check of the type.
    pub(super) fn excludes(&self, value: &Cell<'_>, least: bool) -> bool {
        if matches!(value, Cell::Float(value) if value.is_nan()) {
            return true;
        }
        match self.compare(value) {
            None => false,
            Some(Ordering::Equal) => self.exclusive,
            Some(Ordering::Less) => least,
            Some(Ordering::Greater) => !least,
        }
    }
}

fn is_temporal(column: &Column) -> bool {
    matches!(column.read_as, Kind::Date(_) | Kind::Timestamp(_))
        || matches!(
            column.wanted,
            Some(ValueType::Date(_) | ValueType::Timestamp(_))
        )
}
