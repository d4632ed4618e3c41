//! The rows of which ranks are made.
//!
//! They are kept as long as they fit; beyond that a sample is: the rows whose numbers have the
//! smallest hashes, which is the same sample in every run.

use super::distinct::mix;
use super::large_block::LargeBlock;
use super::matrix::{Matrix, symmetric};
use super::spearman::{PIECE, Ranked};
use crate::EngineError;
use crate::job::JobContext;

/// How many rows a sample has at most.
const SAMPLE: usize = 32_768;

/// Rows of the numeric columns, column by column; NaN where there is no finite value.
pub(crate) struct RankRows {
    columns: Vec<Vec<f64>>,
    /// What the doubles of a column leave of its values; empty where that is nothing.
    rests: Vec<Vec<f64>>,
    /// The rows in the sample; empty while all rows are kept.
    hashes: Vec<u64>,
    /// Rows with a greater hash are not in the sample.
    threshold: u64,
    seen: u64,
    /// The bytes that the rows may take.
    bytes: usize,
    most: usize,
    seed: u64,
}

impl RankRows {
    pub(crate) fn new(columns: usize, bytes: usize, seed: u64) -> Self {
        Self {
            columns: vec![Vec::new(); columns],
            rests: vec![Vec::new(); columns],
            hashes: Vec::new(),
            threshold: u64::MAX,
            seen: 0,
            bytes,
            most: most(bytes, columns),
            seed,
        }
    }

    /// Whether all rows were kept.
    pub(crate) fn is_sample(&self) -> bool {
        self.threshold != u64::MAX
    }

    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Takes some rows, column by column; a column's values are those of `large` if it has any.
    pub(crate) fn add(
        &mut self,
        block: &[Vec<f64>],
        large: &[LargeBlock],
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let rows = block.first().map_or(0, Vec::len);
        let block: Vec<&[f64]> = block
            .iter()
            .zip(large)
            .map(|(values, large)| large.values().unwrap_or(values))
            .collect();
        self.begin_rests(large, rows, context)?;
        if !self.is_sample() && self.rows() + rows <= self.most {
            for (column, values) in self.columns.iter_mut().zip(&block) {
                extend(column, values);
            }
            for (rest, large) in self.rests.iter_mut().zip(large) {
                if !large.is_empty() {
                    extend(rest, large.rests());
                } else if !rest.is_empty() {
                    extend(rest, &vec![0.0; rows]);
                }
            }
            self.seen += rows as u64;
            return Ok(());
        }
        if !self.is_sample() {
            self.shrink(context)?;
        }
        for row in 0..rows {
            let hash = mix(self.seen ^ self.seed);
            self.seen += 1;
            if hash > self.threshold {
                continue;
            }
            for (rest, large) in self.rests.iter_mut().zip(large) {
                if !large.is_empty() {
                    // None of the rows before it had one, if it is the first.
                    rest.resize(self.hashes.len(), 0.0);
                    rest.push(large.rests()[row]);
                } else if !rest.is_empty() {
                    rest.push(0.0);
                }
            }
            self.hashes.push(hash);
            for (column, values) in self.columns.iter_mut().zip(&block) {
                column.push(values[row]);
            }
            if self.hashes.len() > self.sample() {
                self.shrink(context)?;
            }
        }
        Ok(())
    }

    /// Makes room for the first rests of columns: fewer rows are kept.
    fn begin_rests(
        &mut self,
        large: &[LargeBlock],
        rows: usize,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let mut both = self.rests.iter().zip(large);
        if both.all(|(rest, large)| !rest.is_empty() || large.is_empty()) {
            return Ok(());
        }
        let both = self.rests.iter().zip(large);
        let rests = both.filter(|(rest, large)| !rest.is_empty() || !large.is_empty());
        self.most = most(self.bytes, self.columns.len() + rests.count());
        if !self.is_sample() && self.rows() + rows > self.most {
            self.shrink(context)?;
        }
        if !self.is_sample() {
            let before = self.rows();
            for (rest, large) in self.rests.iter_mut().zip(large) {
                if !large.is_empty() {
                    rest.resize(before, 0.0);
                }
            }
        }
        Ok(())
    }

    fn sample(&self) -> usize {
        SAMPLE.min(self.most)
    }

    /// Halves the threshold until at most half of a sample is left.
    fn shrink(&mut self, context: JobContext<'_>) -> Result<(), EngineError> {
        let rows = self.rows();
        let all = !self.is_sample();
        let hash = |row: usize| {
            if all {
                mix(row as u64 ^ self.seed)
            } else {
                self.hashes[row]
            }
        };
        let pieces = || {
            (0..rows)
                .step_by(PIECE)
                .map(|start| start..rows.min(start + PIECE))
        };
        // Halving the threshold asks for one more zero in front.
        let mut by_zeros = [0usize; 65];
        for piece in pieces() {
            context.check()?;
            piece.for_each(|row| by_zeros[hash(row).leading_zeros() as usize] += 1);
        }
        let mut zeros = self.threshold.leading_zeros();
        let mut left = rows;
        while zeros < 63 && (left > self.sample() / 2 || zeros == 0) {
            left -= by_zeros[zeros as usize];
            zeros += 1;
        }
        let threshold = u64::MAX >> zeros;
        let mut kept = Vec::with_capacity(left);
        for piece in pieces() {
            context.check()?;
            kept.extend(piece.filter(|&row| hash(row) <= threshold));
        }
        let hashes = kept.iter().map(|&row| hash(row)).collect();
        let rests = self.rests.iter_mut().filter(|rest| !rest.is_empty());
        for column in self.columns.iter_mut().chain(rests) {
            *column = kept.iter().map(|&row| column[row]).collect();
        }
        (self.hashes, self.threshold) = (hashes, threshold);
        Ok(())
    }

    /// The matrix of coefficients.
    pub(crate) fn correlations(&mut self, context: JobContext<'_>) -> Result<Matrix, EngineError> {
        let ranked = self.ranked(context)?;
        symmetric(ranked.len(), |i, j| {
            ranked[i].correlation(&ranked[j], context)
        })
    }

    /// The columns as ranks; their rows are given up.
    pub(crate) fn ranked(&mut self, context: JobContext<'_>) -> Result<Vec<Ranked>, EngineError> {
        let columns = self.columns.iter_mut().zip(&mut self.rests);
        columns
            .map(|(values, rest)| {
                Ranked::new(&std::mem::take(values), &std::mem::take(rest), context)
            })
            .collect()
    }
}

/// How many rows of this many doubles are kept.
fn most(bytes: usize, doubles: usize) -> usize {
    (bytes / (8 * doubles.max(1))).max(256)
}

fn extend(column: &mut Vec<f64>, values: &[f64]) {
    if column.capacity() - column.len() < values.len() {
        // By a quarter, not by doubling: the limit is meant.
        column.reserve_exact(values.len().max(column.len() / 4));
    }
    column.extend_from_slice(values);
}
