//! Spearman's rank correlation of pairs of numeric columns, ties by average rank, each over the
//! rows where both have a finite value.

use std::cmp::Ordering;

use crate::EngineError;
use crate::job::JobContext;

/// No value in this row.
const NONE: u32 = u32::MAX;
/// How many rows are worked on between looks at the flag.
pub(super) const PIECE: usize = 1 << 15;

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
    pub(super) fn new(
        values: &[f64],
        rest: &[f64],
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
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
