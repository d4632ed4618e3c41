//! Cramér's V of all pairs of booleans and low-cardinality texts, from all rows if there are few,
//! otherwise from a sample.

use std::collections::HashMap;

use lastcall_domain::profile::Associations;

use crate::EngineError;
use crate::batch::{Batch, Values};
use crate::correlation::Table;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::stats::matrix::symmetric;

/// How many columns are compared.
const MAX_COLUMNS: usize = 50;
/// A column with more distinct values is not categorical.
const MAX_VALUES: usize = 50;
/// How many rows are kept; beyond, half of them are dropped.
const MAX_ROWS: usize = 8_192;

/// The categories of some rows.
pub(super) struct Categories {
    /// The indices of the columns.
    columns: Vec<usize>,
    /// The hash of each cell, 0 if it is missing, by column.
    cells: Vec<Vec<u64>>,
    /// The hashes of the row numbers.
    rows: Vec<u64>,
    /// Rows with a larger hash are dropped.
    threshold: u64,
}

impl Categories {
    pub(super) fn new(kinds: &[Kind]) -> Self {
        let kinds = kinds.iter().enumerate();
        let columns = kinds.filter(|(_, kind)| matches!(kind, Kind::Text | Kind::Boolean));
        let columns: Vec<usize> = columns.map(|(at, _)| at).take(MAX_COLUMNS).collect();
        Self {
            cells: vec![Vec::new(); columns.len()],
            columns,
            rows: Vec::new(),
            threshold: u64::MAX,
        }
    }

    /// Adds the rows of a batch, with the hashes of their row numbers.
    pub(super) fn add(&mut self, batch: &Batch, hashes: &[u64]) {
        if self.columns.len() < 2 {
            return;
        }
        for (row, &hash) in hashes.iter().enumerate() {
            if hash > self.threshold {
                continue;
            }
            self.rows.push(hash);
            for (cells, &at) in self.cells.iter_mut().zip(&self.columns) {
                let column = &batch.columns[at];
                cells.push(match &column.values {
                    _ if column.missing.at(row) => 0,
                    Values::Integers(values) => 1 + values[row].unsigned_abs(),
                    Values::Text(texts) => texts.hashes()[row].max(1),
                    Values::Floats(_) | Values::Decimals(_) => 0,
                });
            }
            if self.rows.len() > MAX_ROWS {
                self.shrink();
            }
        }
    }

    /// Drops about half of the rows.
    fn shrink(&mut self) {
        self.threshold /= 2;
        let kept: Vec<bool> = self
            .rows
            .iter()
            .map(|&hash| hash <= self.threshold)
            .collect();
        let retain = |values: &mut Vec<u64>| {
            let mut kept = kept.iter();
            values.retain(|_| kept.next().copied().unwrap_or(false));
        };
        retain(&mut self.rows);
        self.cells.iter_mut().for_each(retain);
    }

    pub(super) fn finish(
        self,
        names: &[String],
        context: JobContext<'_>,
    ) -> Result<Associations, EngineError> {
        let columns = self.cells.iter().zip(&self.columns);
        let columns: Vec<(&String, Vec<Option<usize>>, usize)> = columns
            .filter_map(|(cells, &at)| {
                let (codes, count) = codes(cells)?;
                Some((&names[at], codes, count))
            })
            .collect();
        if columns.len() < 2 {
            return Ok(Associations::default());
        }
        let mut matrix = symmetric(columns.len(), |i, j| {
            context.check()?;
            let ((_, x, rows), (_, y, width)) = (&columns[i], &columns[j]);
            let mut counts = vec![vec![0u64; *width]; *rows];
            for pair in x.iter().zip(y) {
                if let (Some(x), Some(y)) = pair {
                    counts[*x][*y] += 1;
                }
            }
            Ok(Table::new(counts).cramers_v().map(|found| found.value))
        })?;
        for (at, row) in matrix.iter_mut().enumerate() {
            row[at] = Some(1.0);
        }
        let sample = (self.threshold < u64::MAX).then_some(self.rows.len() as u64);
        Ok(Associations {
            columns: columns.iter().map(|(name, ..)| (*name).clone()).collect(),
            cramers_v: matrix,
            sample,
        })
    }
}

/// The values numbered by first appearance, and their number; `None` if there are too many or only
/// one.
fn codes(cells: &[u64]) -> Option<(Vec<Option<usize>>, usize)> {
    let mut numbers: HashMap<u64, usize> = HashMap::new();
    let mut codes = Vec::with_capacity(cells.len());
    for &cell in cells {
        if cell == 0 {
            codes.push(None);
            continue;
        }
        let next = numbers.len();
        codes.push(Some(*numbers.entry(cell).or_insert(next)));
        if numbers.len() > MAX_VALUES {
            return None;
        }
    }
    (numbers.len() > 1).then_some((codes, numbers.len()))
}
