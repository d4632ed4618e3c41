//! Spearman's rank correlation of all pairs of numeric columns, ties by average rank, each over
//! the rows where both have a finite value.
//!
//! Ranks need the rows. They are kept as long as they fit; beyond that a sample is: the rows
//! whose numbers have the smallest hashes, which is the same sample in every run.

use std::cmp::Ordering;

use super::distinct::mix;
use super::matrix::{Matrix, symmetric};
use crate::EngineError;
use crate::job::JobContext;

/// Doubles tell whole numbers up to twice this apart, also divided by a power of ten.
pub(crate) const LARGE: u64 = 1 << 51;

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
                    extend(rest, &large.rest);
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
                    rest.push(large.rest[row]);
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

/// A block of a column with whole numbers that doubles do not tell apart: the nearest double of
/// each, and what that leaves of it. Both together are in the order of the numbers.
#[derive(Default)]
pub(crate) struct LargeBlock {
    nearest: Vec<f64>,
    rest: Vec<f64>,
}

impl LargeBlock {
    /// Whether the block has no such numbers.
    pub(crate) fn is_empty(&self) -> bool {
        self.nearest.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.nearest.clear();
        self.rest.clear();
    }

    /// Adds whole numbers over a power of ten, `None` where they are missing, after those of the
    /// block, which are small or missing.
    pub(crate) fn extend(
        &mut self,
        block: &[f64],
        numbers: impl Iterator<Item = Option<i128>>,
        power: f64,
    ) {
        if self.is_empty() {
            self.nearest.extend_from_slice(block);
            self.rest.resize(block.len(), 0.0);
        }
        for number in numbers {
            let nearest = number.map_or(f64::NAN, |digits| digits as f64 / power);
            let large = number.filter(|digits| digits.unsigned_abs() > u128::from(LARGE));
            let rest = large.map_or(0.0, |digits| {
                // The same for all numbers with this double, so that their order is kept.
                let base = (nearest * power) as i128;
                digits.saturating_sub(base) as f64
            });
            self.nearest.push(nearest);
            self.rest.push(rest);
        }
    }

    fn values(&self) -> Option<&[f64]> {
        (!self.is_empty()).then_some(&*self.nearest)
    }
}

/// No value in this row.
const NONE: u32 = u32::MAX;
/// How many rows are worked on between looks at the flag.
const PIECE: usize = 1 << 15;

/// The values of a column numbered in ascending order: all that ranks need.
pub(crate) struct Ranked {
    numbers: Vec<u32>,
    /// How often each of the different values occurs.
    counts: Vec<u32>,
    /// The ranks less the mean rank while every row with a value counts.
    ranks: Vec<f64>,
    complete: bool,
}

impl Ranked {
    /// Ranks the values, those of equal doubles by their rests.
    fn new(values: &[f64], rest: &[f64], context: JobContext<'_>) -> Result<Self, EngineError> {
        let by_value = |a: &u32, b: &u32| values[*a as usize].total_cmp(&values[*b as usize]);
        let order = if rest.is_empty() {
            order(values, by_value, context)?
        } else {
            let by_rest = |a: &u32, b: &u32| rest[*a as usize].total_cmp(&rest[*b as usize]);
            let compare = |a: &u32, b: &u32| by_value(a, b).then_with(|| by_rest(a, b));
            order(values, compare, context)?
        };
        let mut numbers = vec![NONE; values.len()];
        let mut counts: Vec<u32> = Vec::new();
        let mut last = None;
        for piece in order.chunks(PIECE) {
            context.check()?;
            for &row in piece {
                let value = (values[row as usize], rest.get(row as usize));
                if last != Some(value) {
                    counts.push(0);
                    last = Some(value);
                }
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
                numbers[row as usize] = counts.len() as u32 - 1;
            }
        }
        Ok(Self {
            ranks: average_ranks(&counts),
            complete: order.len() == values.len(),
            numbers,
            counts,
        })
    }

    /// Spearman's ρ over the rows in which both have a value.
    pub(crate) fn correlation(
        &self,
        other: &Self,
        context: JobContext<'_>,
    ) -> Result<Option<f64>, EngineError> {
        if self.complete && other.complete {
            return self.product(
                &self.ranks,
                &self.counts,
                other,
                &other.ranks,
                &other.counts,
                context,
            );
        }
        let mut x = vec![0; self.counts.len()];
        let mut y = vec![0; other.counts.len()];
        for (left, right) in self.pieces(other) {
            context.check()?;
            for (&a, &b) in left.iter().zip(right) {
                if a != NONE && b != NONE {
                    x[a as usize] += 1;
                    y[b as usize] += 1;
                }
            }
        }
        self.product(
            &average_ranks(&x),
            &x,
            other,
            &average_ranks(&y),
            &y,
            context,
        )
    }

    /// How often each of the different values occurs, in ascending order of the values.
    pub(crate) fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Counts the rows in which both have a value by the categories of the two, which are given
    /// for each of the different values.
    pub(crate) fn cross(
        &self,
        other: &Self,
        categories: (&[u32], &[u32]),
        context: JobContext<'_>,
    ) -> Result<Vec<Vec<u64>>, EngineError> {
        let size =
            |categories: &[u32]| categories.iter().max().map_or(0, |&most| most as usize + 1);
        let (x, y) = categories;
        let mut table = vec![vec![0; size(y)]; size(x)];
        for (left, right) in self.pieces(other) {
            context.check()?;
            for (&a, &b) in left.iter().zip(right) {
                if a != NONE && b != NONE {
                    table[x[a as usize] as usize][y[b as usize] as usize] += 1;
                }
            }
        }
        Ok(table)
    }

    fn pieces<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a [u32], &'a [u32])> {
        self.numbers.chunks(PIECE).zip(other.numbers.chunks(PIECE))
    }

    /// Pearson's correlation of ranks that have the mean 0.
    fn product(
        &self,
        ranks: &[f64],
        counts: &[u32],
        other: &Self,
        other_ranks: &[f64],
        other_counts: &[u32],
        context: JobContext<'_>,
    ) -> Result<Option<f64>, EngineError> {
        let squares = |ranks: &[f64], counts: &[u32]| -> f64 {
            ranks
                .iter()
                .zip(counts)
                .map(|(r, &n)| r * r * f64::from(n))
                .sum()
        };
        let (xx, yy) = (squares(ranks, counts), squares(other_ranks, other_counts));
        if xx <= 0.0 || yy <= 0.0 {
            return Ok(None);
        }
        let mut xy = 0.0;
        for (left, right) in self.pieces(other) {
            context.check()?;
            let mut piece = 0.0;
            for (&a, &b) in left.iter().zip(right) {
                if a != NONE && b != NONE {
                    piece += ranks[a as usize] * other_ranks[b as usize];
                }
            }
            xy += piece;
        }
        // Ranks are far too small for the product to overflow, and ρ of equal ranks is 1 this way.
        Ok(Some((xy / (xx * yy).sqrt()).clamp(-1.0, 1.0)))
    }
}

/// The average rank of each of some values less the mean rank, from how often they occur.
fn average_ranks(counts: &[u32]) -> Vec<f64> {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let mut before = 0u64;
    counts
        .iter()
        .map(|&count| {
            // Twice the rank is whole, so that nothing is rounded.
            let twice = 2 * before + u64::from(count);
            before += u64::from(count);
            (twice as f64 - total as f64) / 2.0
        })
        .collect()
}

/// The rows that have a value, by value: sorted pieces, merged, so that it can be cancelled.
fn order(
    values: &[f64],
    compare: impl Fn(&u32, &u32) -> Ordering,
    context: JobContext<'_>,
) -> Result<Vec<u32>, EngineError> {
    let rows = u32::try_from(values.len())
        .map_err(|_| EngineError::internal("more rows are ranked than fit"))?;
    let mut order: Vec<u32> = (0..rows)
        .filter(|&row| !values[row as usize].is_nan())
        .collect();
    for piece in order.chunks_mut(PIECE) {
        context.check()?;
        piece.sort_unstable_by(&compare);
    }
    let mut merged = Vec::with_capacity(order.len());
    let mut width = PIECE;
    while width < order.len() {
        merged.clear();
        for pair in order.chunks(2 * width) {
            let (a, b) = pair.split_at(width.min(pair.len()));
            let (mut i, mut j) = (0, 0);
            while i < a.len() || j < b.len() {
                if (i + j) % PIECE == 0 {
                    context.check()?;
                }
                if j == b.len() || (i < a.len() && compare(&a[i], &b[j]).is_le()) {
                    merged.push(a[i]);
                    i += 1;
                } else {
                    merged.push(b[j]);
                    j += 1;
                }
            }
        }
        std::mem::swap(&mut order, &mut merged);
        width *= 2;
    }
    Ok(order)
}
