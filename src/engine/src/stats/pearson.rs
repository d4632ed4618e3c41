//! Pearson's correlation of all pairs of columns, each over the rows where both have a finite
//! value.
//!
//! Rows are gathered in blocks of a fixed size. Within a block products are summed about the
//! columns' means of the block, or about the means of the pair's rows where these are far from
//! them; blocks are merged by the formulas of Chan, Golub and LeVeque (1983), so that far-off means
//! cost no digits.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::large_block::{LARGE, LargeBlock};
use super::matrix::{Matrix, symmetric};
use super::moments::{Mean, Whole, sum};
use super::rank_rows::RankRows;
use crate::EngineError;
use crate::batch::{Batch, Values};
use crate::job::JobContext;

/// Numeric columns beyond this many are left out of the matrices.
pub(crate) const MOST_COLUMNS: usize = 100;

/// Columns with more different texts than this are no categories.
pub(crate) const MOST_CATEGORIES: usize = 100;

const BLOCK: usize = 1024;
const STRIPES: usize = 8;

/// What is summed up over the rows for correlations.
pub(crate) struct PearsonAccumulator {
    /// Where the columns are in a batch.
    columns: Vec<usize>,
    /// The codes of their texts.
    codes: Vec<Codes>,
    /// What is taken off the whole numbers of each column, so that doubles tell them apart.
    origins: Vec<Option<i128>>,
    /// Rows that are not summed up yet, column by column; NaN where there is no finite value.
    block: Vec<Vec<f64>>,
    /// The same rows for ranks, of the columns whose whole numbers doubles do not tell apart.
    large: Vec<LargeBlock>,
    /// The pairs of columns (i, j) with i < j, row by row of the triangle.
    sums: Vec<Comoments>,
    pub(crate) ranks: RankRows,
}

/// Count, means and sums of squares and products of the deviations.
#[derive(Clone, Copy, Debug, Default)]
struct Comoments {
    n: f64,
    mean_x: Mean,
    mean_y: Mean,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Comoments {
    fn merge(self, b: Self) -> Self {
        if self.n == 0.0 {
            return b;
        }
        if b.n == 0.0 {
            return self;
        }
        let n = self.n + b.n;
        let (dx, dy) = (self.mean_x.to_mean(b.mean_x), self.mean_y.to_mean(b.mean_y));
        let part = self.n * b.n / n;
        Self {
            n,
            mean_x: self.mean_x.moved(dx * b.n / n),
            mean_y: self.mean_y.moved(dy * b.n / n),
            xx: self.xx + b.xx + dx * dx * part,
            yy: self.yy + b.yy + dy * dy * part,
            xy: self.xy + b.xy + dx * dy * part,
        }
    }

    fn correlation(&self) -> Option<f64> {
        // What rounding makes of a constant is no spread.
        let spread = |m2: f64, mean: Mean| m2 > self.n * (1e-14 * mean.value()).powi(2);
        if self.n < 2.0 || !spread(self.xx, self.mean_x) || !spread(self.yy, self.mean_y) {
            return None;
        }
        let r = self.xy / (self.xx.sqrt() * self.yy.sqrt());
        r.is_finite().then(|| r.clamp(-1.0, 1.0))
    }
}

impl PearsonAccumulator {
    /// Sums for the columns at these places of a batch.
    pub(crate) fn new(columns: Vec<usize>, rank_bytes: usize, seed: u64) -> Self {
        let p = columns.len();
        Self {
            block: vec![Vec::new(); p],
            large: columns.iter().map(|_| LargeBlock::default()).collect(),
            sums: vec![Comoments::default(); p * p.saturating_sub(1) / 2],
            ranks: RankRows::new(p, rank_bytes, seed),
            codes: columns.iter().map(|_| Codes::new(seed)).collect(),
            origins: vec![None; p],
            columns,
        }
    }

    /// The columns whose texts are more than are told apart.
    pub(crate) fn overflown(&self) -> Vec<bool> {
        self.codes.iter().map(|codes| codes.overflown).collect()
    }

    pub(crate) fn add(
        &mut self,
        batch: &Batch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut row = 0;
        while row < batch.rows {
            let room = BLOCK - self.block[0].len();
            let end = batch.rows.min(row + room);
            for ((((block, large), codes), origin), &at) in self
                .block
                .iter_mut()
                .zip(&mut self.large)
                .zip(&mut self.codes)
                .zip(&mut self.origins)
                .zip(&self.columns)
            {
                let column = &batch.columns[at];
                match &column.values {
                    Values::Integers(values) => {
                        let present = |&row: &usize| !column.missing.at(row);
                        let first = (row..end).find(present);
                        let origin = origin_of(origin, first.map(|row| values[row].into()));
                        if has_large(&values[row..end]) || origin != 0 || !large.is_empty() {
                            let number = |row: usize| i128::from(values[row]);
                            let present = |row| !column.missing.at(row);
                            let numbers = (row..end).map(|row| present(row).then(|| number(row)));
                            large.extend(block, numbers, 1.0);
                        }
                        block.extend((row..end).map(|row| {
                            if column.missing.at(row) {
                                f64::NAN
                            } else if origin == 0 {
                                values[row] as f64
                            } else {
                                i128::from(values[row]).distance(origin)
                            }
                        }));
                    }
                    Values::Decimals(decimals) => {
                        let values = &decimals.digits;
                        let present = |&row: &usize| !column.missing.at(row);
                        let first = (row..end).find(present);
                        let origin = origin_of(origin, first.map(|row| values[row]));
                        let power = 10f64.powi(decimals.scale.into());
                        let is_large = |digits: &i128| digits.unsigned_abs() > u128::from(LARGE);
                        let has_large = values[row..end].iter().any(is_large);
                        if has_large || origin != 0 || !large.is_empty() {
                            let present = |row| !column.missing.at(row);
                            let numbers = (row..end).map(|row| present(row).then(|| values[row]));
                            large.extend(block, numbers, power);
                        }
                        block.extend((row..end).map(|row| {
                            if column.missing.at(row) {
                                f64::NAN
                            } else {
                                values[row].distance(origin) / power
                            }
                        }));
                    }
                    Values::Floats(values) => {
                        let finite = |&x: &f64| if x.is_finite() { x } else { f64::NAN };
                        block.extend(values[row..end].iter().map(finite));
                    }
                    Values::Text(texts) => {
                        block.extend((row..end).map(|row| {
                            if column.missing.at(row) {
                                f64::NAN
                            } else {
                                codes.code(texts.get(row))
                            }
                        }));
                    }
                }
            }
            row = end;
            if self.block[0].len() == BLOCK {
                self.flush(context)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, context: JobContext<'_>) -> Result<(), EngineError> {
        self.ranks.add(&self.block, &self.large, context)?;
        let columns: Vec<Centered<'_>> = self
            .block
            .iter()
            .map(|values| Centered::new(values))
            .collect();
        let mut sums = self.sums.iter_mut();
        for (i, x) in columns.iter().enumerate() {
            context.check()?;
            for (y, sum) in columns[i + 1..].iter().zip(&mut sums) {
                *sum = sum.merge(x.with(y));
            }
        }
        for block in &mut self.block {
            block.clear();
        }
        for large in &mut self.large {
            large.clear();
        }
        Ok(())
    }

    /// The coefficients, and the rows for rank correlations.
    pub(crate) fn finish(mut self, context: JobContext<'_>) -> Result<Correlated, EngineError> {
        if !self.block.is_empty() {
            self.flush(context)?;
        }
        let mut sums = self.sums.iter();
        let pearson = symmetric(self.columns.len(), |_, _| {
            Ok(sums.next().and_then(Comoments::correlation))
        })?;
        Ok(Correlated {
            pearson,
            complete: self.sums.iter().map(|sum| sum.n as u64).collect(),
            ranks: self.ranks,
        })
    }
}

/// What is known of the pairs of columns in the end.
pub(crate) struct Correlated {
    pub(crate) pearson: Matrix,
    /// In how many rows both columns of a pair have a value, in the order of the pairs.
    pub(crate) complete: Vec<u64>,
    pub(crate) ranks: RankRows,
}

/// Whether some of the numbers are large: without branches, as all cells are looked at.
fn has_large(numbers: &[i64]) -> bool {
    const BITS: u32 = LARGE.ilog2();
    let high = |&number: &i64| (number.wrapping_add(1 << BITS) as u64) >> BITS;
    numbers.iter().map(high).fold(0, |a, b| a | b) > 1
}

/// What is taken off whole numbers: the first of them, where doubles may not tell its like apart.
fn origin_of(origin: &mut Option<i128>, first: Option<i128>) -> i128 {
    if origin.is_none() {
        *origin = first.map(|first| match first.unsigned_abs() > u128::from(LARGE) {
            true => first,
            false => 0,
        });
    }
    origin.unwrap_or(0)
}

/// Texts as numbers, in the order of their appearance.
struct Codes {
    codes: HashMap<Box<[u8]>, u32, FixedState>,
    overflown: bool,
}

impl Codes {
    fn new(seed: u64) -> Self {
        Self {
            codes: HashMap::with_hasher(FixedState::with_seed(seed)),
            overflown: false,
        }
    }

    fn code(&mut self, text: &[u8]) -> f64 {
        if let Some(&code) = self.codes.get(text) {
            return f64::from(code);
        }
        if self.overflown || self.codes.len() == MOST_CATEGORIES {
            self.overflown = true;
            return f64::NAN;
        }
        let code = self.codes.len() as u32;
        self.codes.insert(text.into(), code);
        f64::from(code)
    }
}

/// A block of a column, its mean taken off, with zeros where there is no value.
struct Centered<'a> {
    /// The block as it is.
    block: &'a [f64],
    mean: Mean,
    values: Vec<f64>,
    squares: Vec<f64>,
    /// 1 where there is a value; empty where there is one in every row.
    present: Vec<f64>,
    sum: f64,
    sum_of_squares: f64,
}

impl<'a> Centered<'a> {
    fn new(block: &'a [f64]) -> Self {
        let present: Vec<f64> = block.iter().copied().filter(|x| !x.is_nan()).collect();
        let complete = present.len() == block.len();
        let mean = Mean::of(&present);
        let deviation = |&x: &f64| if x.is_nan() { 0.0 } else { mean.to(x) };
        let values: Vec<f64> = block.iter().map(deviation).collect();
        let squares: Vec<f64> = values.iter().map(|x| x * x).collect();
        let present = if complete {
            Vec::new()
        } else {
            block
                .iter()
                .map(|x| if x.is_nan() { 0.0 } else { 1.0 })
                .collect()
        };
        Self {
            block,
            mean,
            sum: total(&values),
            sum_of_squares: total(&squares),
            values,
            squares,
            present,
        }
    }

    fn with(&self, other: &Self) -> Comoments {
        let masked = |values: &[f64], sum: f64, mask: &[f64]| {
            if mask.is_empty() {
                sum
            } else {
                dot(values, mask)
            }
        };
        let (x, y) = (self, other);
        let n = match (x.present.is_empty(), y.present.is_empty()) {
            (true, true) => x.values.len() as f64,
            (false, true) => total(&x.present),
            (true, false) => total(&y.present),
            (false, false) => dot(&x.present, &y.present),
        };
        if n == 0.0 {
            return Comoments::default();
        }
        let sum_x = masked(&x.values, x.sum, &y.present);
        let sum_y = masked(&y.values, y.sum, &x.present);
        let squares_x = masked(&x.squares, x.sum_of_squares, &y.present);
        let squares_y = masked(&y.squares, y.sum_of_squares, &x.present);
        let complete = x.present.is_empty() && y.present.is_empty();
        let near = || is_near(squares_x, sum_x, n) && is_near(squares_y, sum_y, n);
        if !(complete || near()) {
            return x.about_their_own_means(y);
        }
        let about = |squares: f64, sum: f64| {
            let central = squares - sum * sum / n;
            if central <= 1e-13 * squares {
                0.0
            } else {
                central
            }
        };
        Comoments {
            n,
            mean_x: x.mean.moved(sum_x / n),
            mean_y: y.mean.moved(sum_y / n),
            xx: about(squares_x, sum_x),
            yy: about(squares_y, sum_y),
            xy: dot(&x.values, &y.values) - sum_x * sum_y / n,
        }
    }

    /// The same about the means of the rows in which both have a value.
    fn about_their_own_means(&self, other: &Self) -> Comoments {
        let rows = self.block.iter().zip(other.block);
        let rows = rows.filter(|(x, y)| !x.is_nan() && !y.is_nan());
        let (x, y): (Vec<f64>, Vec<f64>) = rows.unzip();
        let (mean_x, mean_y) = (Mean::of(&x), Mean::of(&y));
        let x: Vec<f64> = x.iter().map(|&x| mean_x.to(x)).collect();
        let y: Vec<f64> = y.iter().map(|&y| mean_y.to(y)).collect();
        Comoments {
            n: x.len() as f64,
            mean_x,
            mean_y,
            xx: dot(&x, &x),
            yy: dot(&y, &y),
            xy: dot(&x, &y),
        }
    }
}

/// Whether the mean of a pair's rows is near enough to the column's for sums about the latter to
/// keep their digits: a single value may be larger by many powers of ten, and its partner missing.
fn is_near(squares: f64, sum: f64, n: f64) -> bool {
    // Neither holds for what is not a number.
    squares == 0.0 || sum * sum / n <= 0.99 * squares
}

/// The sum of products in stripes, which the compiler turns into vector instructions.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut stripes = [0.0; STRIPES];
    let (mut left, mut right) = (a.chunks_exact(STRIPES), b.chunks_exact(STRIPES));
    for (x, y) in (&mut left).zip(&mut right) {
        for k in 0..STRIPES {
            stripes[k] += x[k] * y[k];
        }
    }
    let rest: f64 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(x, y)| x * y)
        .sum();
    stripes.iter().sum::<f64>() + rest
}

fn total(values: &[f64]) -> f64 {
    sum(values, |x| x)
}
