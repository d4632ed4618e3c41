//! Sample rows: the first, the last, and random ones.

use std::collections::VecDeque;

use lastcall_domain::profile::{Number, Sample, SampleRow};
use serde_json::Value;

use super::numbers::Numbers;
use super::times::format_time;
use crate::batch::{Batch, ColumnBatch, Values};
use crate::keys::key_of_float;
use crate::parse::Kind;

/// How many rows of each kind are in the sample.
const ROWS: usize = 5;
/// How many columns are in the sample.
pub(super) const COLUMNS: usize = 100;
/// Longer texts are cut.
const MAX_CHARS: usize = 200;

/// The rows kept so far.
#[derive(Default)]
pub(super) struct Rows {
    seen: u64,
    first: Vec<KeptRow>,
    last: VecDeque<KeptRow>,
    /// The rows with the smallest hashes of their row numbers: the same in every run.
    random: Vec<(u64, KeptRow)>,
}

/// An unformatted row, as most are replaced.
pub(super) struct KeptRow {
    pub(super) row: u64,
    cells: Vec<KeptCell>,
}

enum KeptCell {
    Missing,
    Integer(i64),
    Float(f64),
    Decimal(i128, u8),
    Text(Box<str>),
}

impl Rows {
    /// Adds the rows of a batch, with the hashes of their row numbers.
    pub(super) fn add(&mut self, batch: &Batch, hashes: &[u64]) {
        let before = self.seen;
        let kept = |row: usize| KeptRow::of(batch, row, before + row as u64 + 1);
        let missing = ROWS - self.first.len();
        self.first.extend((0..batch.rows.min(missing)).map(kept));
        self.last
            .extend((batch.rows.saturating_sub(ROWS)..batch.rows).map(kept));
        let too_many = self.last.len().saturating_sub(ROWS);
        self.last.drain(..too_many);
        let mut worst = self.worst();
        for (row, &hash) in hashes.iter().enumerate() {
            if worst.is_some_and(|worst| worst <= hash) {
                continue;
            }
            let at = self.random.partition_point(|other| other.0 < hash);
            self.random.insert(at, (hash, kept(row)));
            self.random.truncate(ROWS);
            worst = self.worst();
        }
        self.seen += batch.rows as u64;
    }

    /// The greatest hash of the random rows, once there are enough of them.
    fn worst(&self) -> Option<u64> {
        self.random.get(ROWS - 1).map(|&(hash, _)| hash)
    }

    pub(super) fn finish(self, names: &[String], kinds: &[Kind]) -> Sample {
        let shown = |row: KeptRow| SampleRow {
            row: row.row,
            cells: row.shown(kinds),
        };
        let mut random: Vec<KeptRow> = self.random.into_iter().map(|(_, row)| row).collect();
        random.sort_unstable_by_key(|row| row.row);
        // The last rows exclude the first ones.
        let first = self.first.len() as u64;
        let last = self.last.into_iter().filter(|row| row.row > first);
        random.retain(|row| row.row > first && row.row + (ROWS as u64) <= self.seen);
        Sample {
            columns: names.iter().take(COLUMNS).cloned().collect(),
            first: self.first.into_iter().map(shown).collect(),
            random: random.into_iter().map(shown).collect(),
            last: last.map(shown).collect(),
        }
    }
}

impl KeptRow {
    pub(super) fn of(batch: &Batch, row: usize, number: u64) -> Self {
        let columns = batch.columns.iter().take(COLUMNS);
        Self {
            row: number,
            cells: columns.map(|column| kept(column, row)).collect(),
        }
    }

    /// The cells in JSON.
    pub(super) fn shown(self, kinds: &[Kind]) -> Vec<Value> {
        let cells = self.cells.into_iter().zip(kinds);
        cells.map(|(cell, &kind)| shown(cell, kind)).collect()
    }
}

fn kept(column: &ColumnBatch, row: usize) -> KeptCell {
    if column.missing.at(row) {
        return KeptCell::Missing;
    }
    match &column.values {
        Values::Integers(values) => KeptCell::Integer(values[row]),
        Values::Floats(values) => KeptCell::Float(values[row]),
        Values::Decimals(decimals) => KeptCell::Decimal(decimals.digits[row], decimals.scale),
        Values::Text(texts) => {
            let text = texts.get(row);
            // A character has four bytes at most.
            let start = String::from_utf8_lossy(&text[..text.len().min(4 * MAX_CHARS + 4)]);
            KeptCell::Text(match start.char_indices().nth(MAX_CHARS) {
                Some((end, _)) => format!("{}…", &start[..end]).into(),
                None => start.into(),
            })
        }
    }
}

fn shown(cell: KeptCell, kind: Kind) -> Value {
    match cell {
        KeptCell::Missing => Value::Null,
        KeptCell::Integer(value) => match kind {
            Kind::Boolean => Value::Bool(value != 0),
            Kind::Date(_) => Value::String(format_time(value, true)),
            Kind::Timestamp(_) => Value::String(format_time(value, false)),
            _ => value.into(),
        },
        KeptCell::Float(value) => Numbers::to_json(key_of_float(value)),
        KeptCell::Decimal(digits, scale) => match Number::decimal(digits, scale) {
            Number::Integer(value) => value.into(),
            Number::Float(value) => value.into(),
            Number::Decimal(decimal) => Value::String(decimal.to_string()),
        },
        KeptCell::Text(text) => Value::String(text.into()),
    }
}
