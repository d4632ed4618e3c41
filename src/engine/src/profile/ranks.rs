//! Spearman's rank correlation of all pairs of numeric columns, ties by average rank, each over
//! the rows in which both have a finite value.
//!
//! Ranks need the rows. They are kept as long as they fit; beyond that a sample is: the rows
//! whose numbers have the smallest hashes, which is the same sample in every run.

use super::pairs::dot;
use crate::EngineError;
use crate::ctl::Ctl;

/// How many rows a sample has at most.
const SAMPLE: usize = 32_768;

/// Rows of the numeric columns, column by column; NaN where there is no finite value.
pub(crate) struct RankRows {
    columns: Vec<Vec<f64>>,
    /// The rows in the sample; empty while all rows are kept.
    hashes: Vec<u64>,
    /// Rows with a greater hash are not in the sample.
    threshold: u64,
    seen: u64,
    most: usize,
}

impl RankRows {
    pub(crate) fn new(columns: usize, bytes: usize) -> Self {
        // Values, their order and their ranks are in memory at once in the end.
        let most = bytes / (24 * columns.max(1));
        Self {
            columns: vec![Vec::new(); columns],
            hashes: Vec::new(),
            threshold: u64::MAX,
            seen: 0,
            most: most.max(256),
        }
    }

    /// Whether all rows were kept.
    pub(crate) fn is_sample(&self) -> bool {
        self.threshold != u64::MAX
    }

    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Takes some rows, column by column.
    pub(crate) fn add(&mut self, block: &[Vec<f64>]) {
        let rows = block.first().map_or(0, Vec::len);
        if !self.is_sample() && self.rows() + rows <= self.most {
            for (column, values) in self.columns.iter_mut().zip(block) {
                column.extend_from_slice(values);
            }
            self.seen += rows as u64;
            return;
        }
        if !self.is_sample() {
            self.hashes = (0..self.seen).map(hash_of_row).collect();
            self.shrink();
        }
        for row in 0..rows {
            let hash = hash_of_row(self.seen);
            self.seen += 1;
            if hash > self.threshold {
                continue;
            }
            self.hashes.push(hash);
            for (column, values) in self.columns.iter_mut().zip(block) {
                column.push(values[row]);
            }
            if self.hashes.len() > self.sample() {
                self.shrink();
            }
        }
    }

    fn sample(&self) -> usize {
        SAMPLE.min(self.most)
    }

    /// Halves the threshold until at most half of a sample is left.
    fn shrink(&mut self) {
        while self.hashes.len() > self.sample() / 2 || !self.is_sample() {
            self.threshold /= 2;
            let keep: Vec<bool> = self.hashes.iter().map(|&h| h <= self.threshold).collect();
            let kept = |row: usize| keep.get(row).copied().unwrap_or(false);
            for column in &mut self.columns {
                let mut row = 0;
                column.retain(|_| {
                    row += 1;
                    kept(row - 1)
                });
                column.shrink_to_fit();
            }
            self.hashes.retain(|&h| h <= self.threshold);
        }
    }

    /// The matrix of coefficients.
    pub(crate) fn correlations(&self, ctl: Ctl<'_>) -> Result<Vec<Vec<Option<f64>>>, EngineError> {
        let p = self.columns.len();
        let mut ranked = Vec::with_capacity(p);
        for values in &self.columns {
            ranked.push(Ranked::new(values, ctl)?);
        }
        let mut matrix = vec![vec![None; p]; p];
        for i in 0..p {
            for j in i + 1..p {
                ctl.check()?;
                let rho = ranked[i].correlation(&ranked[j], ctl)?;
                matrix[i][j] = rho;
                matrix[j][i] = rho;
            }
        }
        Ok(matrix)
    }
}

/// SplitMix64's finalizer (Steele, Lea and Flood 2014): every row number has another hash.
fn hash_of_row(row: u64) -> u64 {
    let mut z = row.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The ranks of a column.
pub(crate) struct Ranked<'a> {
    values: &'a [f64],
    /// The rows with a value, by value.
    order: Vec<u32>,
    /// The rank of every row less the mean rank; 0 where there is no value.
    ranks: Vec<f64>,
}

impl<'a> Ranked<'a> {
    pub(crate) fn new(values: &'a [f64], ctl: Ctl<'_>) -> Result<Self, EngineError> {
        let order = order(values, ctl)?;
        let mut ranks = vec![0.0; values.len()];
        rank(values, &order, &mut ranks);
        Ok(Self {
            values,
            order,
            ranks,
        })
    }

    /// Whether every row that has a value here has one there.
    fn within(&self, other: &Self) -> bool {
        other.order.len() == other.values.len()
            || self
                .order
                .iter()
                .all(|&row| !other.values[row as usize].is_nan())
    }

    /// Spearman's ρ over the rows in which both have a value.
    pub(crate) fn correlation(
        &self,
        other: &Self,
        ctl: Ctl<'_>,
    ) -> Result<Option<f64>, EngineError> {
        let (x, y) = (self.among(other, ctl)?, other.among(self, ctl)?);
        let (x, y) = (
            x.as_deref().unwrap_or(&self.ranks),
            y.as_deref().unwrap_or(&other.ranks),
        );
        let (xx, yy) = (dot(x, x), dot(y, y));
        if xx <= 0.0 || yy <= 0.0 {
            return Ok(None);
        }
        Ok(Some((dot(x, y) / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0)))
    }

    /// The ranks among the rows in which the other has a value too; `None` where that leaves them
    /// as they are.
    fn among(&self, other: &Self, ctl: Ctl<'_>) -> Result<Option<Vec<f64>>, EngineError> {
        ctl.check()?;
        if self.within(other) {
            return Ok(None);
        }
        let common: Vec<u32> = self
            .order
            .iter()
            .copied()
            .filter(|&row| !other.values[row as usize].is_nan())
            .collect();
        let mut ranks = vec![0.0; self.values.len()];
        rank(self.values, &common, &mut ranks);
        Ok(Some(ranks))
    }
}

/// Gives the rows in `order` their average ranks less the mean rank.
fn rank(values: &[f64], order: &[u32], ranks: &mut [f64]) {
    let middle = (order.len() as f64 - 1.0) / 2.0;
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start] as usize];
        let mut end = start + 1;
        while end < order.len() && values[order[end] as usize] == value {
            end += 1;
        }
        let average = (start + end - 1) as f64 / 2.0 - middle;
        for &row in &order[start..end] {
            ranks[row as usize] = average;
        }
        start = end;
    }
}

/// The rows that have a value, by value: sorted pieces, merged, so that it can be cancelled.
fn order(values: &[f64], ctl: Ctl<'_>) -> Result<Vec<u32>, EngineError> {
    const PIECE: usize = 1 << 15;
    let rows = u32::try_from(values.len())
        .map_err(|_| EngineError::internal("more rows are ranked than fit"))?;
    let mut order: Vec<u32> = (0..rows)
        .filter(|&row| !values[row as usize].is_nan())
        .collect();
    let compare = |a: &u32, b: &u32| values[*a as usize].total_cmp(&values[*b as usize]);
    for piece in order.chunks_mut(PIECE) {
        ctl.check()?;
        piece.sort_unstable_by(compare);
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
                    ctl.check()?;
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
