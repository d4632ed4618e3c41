//! The per-row tests.

use std::collections::HashSet;

use chrono::DateTime;
use lastcall_domain::check::{CheckResult, CheckStatus, FailedRow, Rule, ValueType};
use lastcall_domain::{ShownDuration, Timestamp};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::cell::{Cell, Column, DAY, conforms, datetime, typed};
use super::failed_rows::example;
use super::keys::KeySet;
use super::range::End;
use super::step::Step;
use super::unfit::Unfit;
use crate::batch::Batch;
use crate::parse::{CellRules, Kind, format_timestamp};

/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// A check of rows.
pub(super) enum Test<'a> {
    /// Nothing to check in the rows.
    Nothing,
    Type,
    NotNull,
    Set {
        values: HashSet<Vec<u8>>,
        /// Whether the listed values fail, instead of all others.
        forbidden: bool,
        buffer: Vec<u8>,
    },
    Unique {
        keys: KeySet,
        buffer: Vec<u8>,
    },
    Known {
        keys: &'a KeySet,
        buffer: Vec<u8>,
    },
    Range(Option<End>, Option<End>),
    Pattern(Regex),
    Length(u64, u64),
    MultipleOf(Step),
    Newest(Option<(i64, FailedRow)>),
}

impl<'a> Test<'a> {
    /// The test of a rule.
    ///
    /// # Errors
    /// If the rule cannot be applied to columns of this kind.
    pub(super) fn new(
        rule: &Rule,
        columns: &[Column],
        keys: Option<&'a KeySet>,
        budget: usize,
        rules: &CellRules,
    ) -> Result<Self, Unfit> {
        let buffer = Vec::<u8>::new;
        let first = columns.first();
        Ok(match (rule, first) {
            (Rule::Type(kind), Some(column)) if conforms(column.read_as, kind) => Self::Nothing,
            // Columns of another type are read again as text.
            (Rule::Type(_), Some(column)) if column.read_as == Kind::Text => Self::Type,
            (Rule::NotNull, _) => Self::NotNull,
            (Rule::NotMissing(values), Some(column)) => Self::Set {
                values: set(values, column, rules),
                forbidden: true,
                buffer: buffer(),
            },
            (Rule::Set(values), Some(column)) => Self::Set {
                values: set(values, column, rules),
                forbidden: false,
                buffer: buffer(),
            },
            (Rule::Unique, Some(_)) => Self::Unique {
                keys: KeySet::new(budget),
                buffer: buffer(),
            },
            (Rule::ForeignKey { .. }, _) => match keys {
                Some(keys) => Self::Known {
                    keys,
                    buffer: buffer(),
                },
                None => Self::Nothing,
            },
            (Rule::Range { min, max }, Some(column)) => {
                let end = |bound| End::new(bound, column, rules);
                let min = min.as_ref().map(end).transpose()?;
                Self::Range(min, max.as_ref().map(end).transpose()?)
            }
            (Rule::Pattern(pattern), _) => {
                let built = RegexBuilder::new(pattern)
                    .size_limit(MAX_COMPILED)
                    .dfa_size_limit(MAX_COMPILED)
                    .build();
                Self::Pattern(built.map_err(|error| Unfit {
                    code: "invalid_contract",
                    detail: error.to_string(),
                })?)
            }
            (Rule::Length { min, max }, _) => {
                Self::Length(min.unwrap_or(0), max.unwrap_or(u64::MAX))
            }
            (Rule::MultipleOf(step), _) => Self::MultipleOf(Step::new(*step)),
            (Rule::Freshness(_), Some(_)) => Self::Newest(None),
            _ => Self::Nothing,
        })
    }

    /// Whether the row fails.
    pub(super) fn fails(
        &mut self,
        columns: &[Column],
        batch: &Batch,
        row: usize,
        number: u64,
        rules: &CellRules,
    ) -> bool {
        let Some(column) = columns.first() else {
            return false;
        };
        match self {
            Self::Nothing => false,
            Self::NotNull => column.cell(batch, row) == Cell::Missing,
            Self::Type => match (column.cell(batch, row), &column.wanted) {
                (Cell::Text(text), Some(kind)) => typed(text, kind, rules).is_none(),
                _ => false,
            },
            Self::Set {
                values,
                forbidden,
                buffer,
            } => match column.value(batch, row, rules) {
                Cell::Missing => *forbidden,
                value => {
                    buffer.clear();
                    value.write(buffer);
                    values.contains(buffer.as_slice()) == *forbidden
                }
            },
            Self::Unique { keys, buffer } => {
                let key = keys.key(columns, batch, row, buffer);
                key.is_some_and(|key| !keys.insert(key))
            }
            Self::Known { keys, buffer } => {
                let key = keys.key(columns, batch, row, buffer);
                key.is_some_and(|key| !keys.contains(key))
            }
            Self::Range(min, max) => {
                let value = column.value(batch, row, rules);
                let beyond = |end: &Option<End>, least| {
                    end.as_ref().is_some_and(|end| end.excludes(&value, least))
                };
                beyond(min, true) || beyond(max, false)
            }
            Self::Pattern(pattern) => match column.cell(batch, row) {
                Cell::Missing => false,
                cell => !pattern.is_match(&cell.shown()),
            },
            Self::Length(min, max) => match column.cell(batch, row) {
                Cell::Missing => false,
                cell => {
                    let text = cell.shown();
                    let length = String::from_utf8_lossy(&text).chars().count() as u64;
                    !(*min..=*max).contains(&length)
                }
            },
            Self::MultipleOf(step) => step.is_missed_by(&column.value(batch, row, rules)),
            Self::Newest(newest) => {
                if let Some(micros) = point(column, batch, row, rules)
                    && newest.as_ref().is_none_or(|(before, _)| micros > *before)
                {
                    *newest = Some((micros, example(number, columns, batch, row)));
                }
                false
            }
        }
    }

    /// The newest timestamp, for a check of freshness.
    pub(super) fn newest(&self, columns: &[Column]) -> Option<Newest> {
        let Self::Newest(newest) = self else {
            return None;
        };
        let name = columns.first().map(|column| column.name.clone());
        Some(Newest {
            found: newest.clone(),
            column: name.unwrap_or_default(),
        })
    }

    /// Whether the memory was exhausted.
    pub(super) fn is_exhausted(&self) -> bool {
        matches!(self, Self::Unique { keys, .. } if keys.is_exhausted())
    }
}

/// The cell as a timestamp, in microseconds since 1970.
fn point(column: &Column, batch: &Batch, row: usize, rules: &CellRules) -> Option<i64> {
    let value = match column.value(batch, row, rules) {
        Cell::Text(text) => datetime(text, rules)?,
        value => value,
    };
    match value {
        Cell::Date(days) => days.checked_mul(DAY),
        Cell::Timestamp(micros) => Some(micros),
        _ => None,
    }
}

/// Values of a contract in the form of the column's cells.
fn set(values: &[Value], column: &Column, rules: &CellRules) -> HashSet<Vec<u8>> {
    let kind = match (&column.wanted, column.read_as) {
        (Some(kind), _) => Some(kind.clone()),
        (None, kind) if kind.is_numeric() => Some(ValueType::Number),
        (None, Kind::Date(_)) => Some(ValueType::Date(None)),
        (None, Kind::Timestamp(_)) => Some(ValueType::Timestamp(None)),
        (None, Kind::Boolean) => Some(ValueType::Boolean {
            yes: vec![],
            no: vec![],
        }),
        (None, _) => None,
    };
    let written = values.iter().filter(|value| !value.is_null()).map(|value| {
        let mut out = Vec::new();
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let bytes = text.as_bytes();
        let read = kind.as_ref().and_then(|kind| typed(bytes, kind, rules));
        read.unwrap_or(Cell::Text(bytes)).write(&mut out);
        out
    });
    written.collect()
}

/// The newest date or timestamp of a column.
pub(super) struct Newest {
    found: Option<(i64, FailedRow)>,
    column: String,
}

impl Newest {
    /// Compares its age with the allowed one.
    pub(super) fn finish(self, rule: &Rule, now: Timestamp, result: &mut CheckResult) {
        let Rule::Freshness(most) = rule else {
            return;
        };
        let Some((micros, row)) = self.found else {
            result.status = CheckStatus::Failed;
            result.detail = Some(format!("`{}` has no date or point in time", self.column));
            return;
        };
        let newest = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        // A value in the future has no age.
        let age = (now - newest).to_std().unwrap_or_default();
        let shown = ShownDuration(std::time::Duration::from_secs(age.as_secs()));
        let written = format_timestamp(micros);
        result.detail = Some(format!("the newest value is {written}, {shown} old"));
        if age > *most {
            result.status = CheckStatus::Failed;
            result.examples = vec![row];
        }
    }
}
