//! Mean, variance, skewness and kurtosis in one pass.
//!
//! Values are gathered in blocks of a fixed size. The central moments of a block are computed
//! about its own mean, and blocks are merged by the formulas of Chan, Golub and LeVeque (1983) and
//! Pébay (2008, SAND2008-6212). Neither step subtracts large numbers of nearly equal size, and
//! means carry what rounding takes from them, so that 10000000.2 ± 0.1 keeps its digits. Whole
//! numbers that doubles do not tell apart become doubles as distances from one of them.

const BLOCK: usize = 256;
const STRIPES: usize = 8;

/// Central moments of the values so far.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    merged: Central,
    block: Vec<f64>,
}

/// Count, mean and sums of powers of the deviations from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Central {
    pub(crate) n: f64,
    pub(crate) mean: Mean,
    pub(crate) m2: f64,
    pub(crate) m3: f64,
    pub(crate) m4: f64,
}

impl Moments {
    pub(crate) fn new() -> Self {
        Self {
            merged: Central::default(),
            block: Vec::new(),
        }
    }

    pub(crate) fn extend(&mut self, mut values: &[f64]) {
        while !values.is_empty() {
            let room = BLOCK - self.block.len();
            let (now, later) = values.split_at(room.min(values.len()));
            self.block.extend_from_slice(now);
            if self.block.len() == BLOCK {
                self.merged = self.merged.merge(Central::of(&self.block));
                self.block.clear();
            }
            values = later;
        }
    }

    pub(crate) fn finish(&self) -> Central {
        self.merged.merge(Central::of(&self.block))
    }
}

/// A whole number, of 64 bits or of 128.
pub(crate) trait Whole: Copy {
    /// The nearest double, and whether it is the number itself.
    fn nearest(self) -> (f64, bool);
    /// How far it is from another, as the nearest double.
    fn distance(self, from: Self) -> f64;
    /// The number as a mean.
    fn mean(self) -> Mean;
}

/// Doubles tell whole numbers apart up to this one.
const EXACT: u64 = 1 << 53;

impl Whole for i64 {
    #[inline]
    fn nearest(self) -> (f64, bool) {
        (self as f64, self.unsigned_abs() <= EXACT)
    }

    #[inline]
    fn distance(self, from: Self) -> f64 {
        (i128::from(self) - i128::from(from)) as f64
    }

    fn mean(self) -> Mean {
        i128::from(self).mean()
    }
}

impl Whole for i128 {
    #[inline]
    fn nearest(self) -> (f64, bool) {
        (self as f64, self.unsigned_abs() <= u128::from(EXACT))
    }

    #[inline]
    fn distance(self, from: Self) -> f64 {
        let near = self.checked_sub(from);
        near.map_or_else(|| self as f64 - from as f64, |near| near as f64)
    }

    fn mean(self) -> Mean {
        let nearest = self as f64;
        // At the far end the nearest double is beyond 128 bits.
        let rest = self.checked_sub(nearest as Self).unwrap_or(0) as f64;
        Mean { nearest, rest }
    }
}

/// Central moments of whole numbers so far.
#[derive(Clone, Debug)]
pub(crate) struct WholeMoments<T> {
    merged: Central,
    block: Vec<T>,
}

impl<T: Whole> WholeMoments<T> {
    pub(crate) fn new() -> Self {
        Self {
            merged: Central::default(),
            block: Vec::new(),
        }
    }

    pub(crate) fn extend(&mut self, mut values: &[T]) {
        while !values.is_empty() {
            let room = BLOCK - self.block.len();
            let (now, later) = values.split_at(room.min(values.len()));
            self.block.extend_from_slice(now);
            if self.block.len() == BLOCK {
                self.merged = self.merged.merge(Central::of_whole(&self.block));
                self.block.clear();
            }
            values = later;
        }
    }

    pub(crate) fn finish(&self) -> Central {
        self.merged.merge(Central::of_whole(&self.block))
    }
}

/// Sums in stripes, which the compiler turns into vector instructions.
pub(crate) fn sum(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut stripes = [0.0; STRIPES];
    let mut chunks = values.chunks_exact(STRIPES);
    for chunk in &mut chunks {
        for (stripe, &value) in stripes.iter_mut().zip(chunk) {
            *stripe += f(value);
        }
    }
    let rest: f64 = chunks.remainder().iter().map(|&value| f(value)).sum();
    stripes.iter().sum::<f64>() + rest
}

/// A mean as the sum of two doubles: the nearest, and what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mean {
    nearest: f64,
    rest: f64,
}

impl Mean {
    /// The mean of some values; 0 of none.
    pub(crate) fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let n = values.len() as f64;
        let mut nearest = sum(values, |x| x) / n;
        if !nearest.is_finite() {
            // The sum is no double, the mean is.
            nearest = sum(values, |x| x / n);
        }
        Self {
            nearest,
            rest: sum(values, |x| x - nearest) / n,
        }
    }

    /// How far a value is from the mean. The first difference is exact where they are close.
    #[inline]
    pub(crate) fn to(self, value: f64) -> f64 {
        (value - self.nearest) - self.rest
    }

    /// How far another mean is from this one.
    pub(crate) fn to_mean(self, other: Self) -> f64 {
        (other.nearest - self.nearest) + (other.rest - self.rest)
    }

    /// The mean moved by some distance (Knuth's exact addition).
    pub(crate) fn moved(self, by: f64) -> Self {
        let step = self.rest + by;
        let nearest = self.nearest + step;
        let of_step = nearest - self.nearest;
        Self {
            nearest,
            rest: (self.nearest - (nearest - of_step)) + (step - of_step),
        }
    }

    pub(crate) fn value(self) -> f64 {
        self.nearest + self.rest
    }
}

impl Central {
    /// The central moments of some values.
    pub(crate) fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let n = values.len() as f64;
        let mean = Mean::of(values);
        Self {
            n,
            mean,
            m2: sum(values, |x| mean.to(x).powi(2)),
            m3: sum(values, |x| mean.to(x).powi(3)),
            m4: sum(values, |x| mean.to(x).powi(2).powi(2)),
        }
    }

    /// The central moments of some whole numbers.
    fn of_whole<T: Whole>(values: &[T]) -> Self {
        let mut floats = [0.0; BLOCK];
        let floats = &mut floats[..values.len().min(BLOCK)];
        let mut exact = true;
        for (float, value) in floats.iter_mut().zip(values) {
            let (nearest, is_exact) = value.nearest();
            *float = nearest;
            exact &= is_exact;
        }
        let Some(&first) = values.first().filter(|_| !exact) else {
            return Self::of(floats);
        };
        for (float, value) in floats.iter_mut().zip(values) {
            *float = value.distance(first);
        }
        let near = Self::of(floats);
        let mean = first.mean().moved(near.mean.nearest).moved(near.mean.rest);
        Self { mean, ..near }
    }

    /// The central moments of both sets of values together.
    pub(crate) fn merge(self, other: Self) -> Self {
        if self.n == 0.0 {
            return other;
        }
        if other.n == 0.0 {
            return self;
        }
        let (a, b) = (self, other);
        let n = a.n + b.n;
        let delta = a.mean.to_mean(b.mean);
        let (fa, fb) = (a.n / n, b.n / n);
        let d2 = delta * delta * fa * b.n;
        Self {
            n,
            mean: a.mean.moved(delta * fb),
            m2: a.m2 + b.m2 + d2,
            m3: a.m3 + b.m3 + d2 * delta * (fa - fb) + 3.0 * delta * (fa * b.m2 - fb * a.m2),
            m4: a.m4
                + b.m4
                + d2 * delta * delta * (fa * fa - fa * fb + fb * fb)
                + 6.0 * delta * delta * (fa * fa * b.m2 + fb * fb * a.m2)
                + 4.0 * delta * (fa * b.m3 - fb * a.m3),
        }
    }

    /// The same of values that are known to be one: rounding must not give it a spread.
    pub(crate) fn of_a_constant(self) -> Self {
        Self {
            m2: 0.0,
            m3: 0.0,
            m4: 0.0,
            ..self
        }
    }

    /// The sample variance (n − 1).
    pub(crate) fn variance(&self) -> Option<f64> {
        (self.n >= 2.0)
            .then(|| self.m2 / (self.n - 1.0))
            .filter(|v| v.is_finite())
    }

    /// The adjusted Fisher–Pearson coefficient G1 (Joanes and Gill 1998), from three values on.
    pub(crate) fn skewness(&self) -> Option<f64> {
        let n = self.n;
        if n < 3.0 || self.m2 <= 0.0 {
            return None;
        }
        let g1 = n * (n - 1.0).sqrt() / (n - 2.0) * (self.m3 / self.m2.powf(1.5));
        Some(g1).filter(|g| g.is_finite())
    }

    /// The adjusted excess kurtosis G2 (Joanes and Gill 1998), from four values on.
    pub(crate) fn kurtosis(&self) -> Option<f64> {
        let n = self.n;
        if n < 4.0 || self.m2 <= 0.0 {
            return None;
        }
        let ratio = self.m4 / (self.m2 * self.m2);
        let g2 = n * (n + 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ratio
            - 3.0 * (n - 1.0).powi(2) / ((n - 2.0) * (n - 3.0));
        Some(g2).filter(|g| g.is_finite())
    }
}

/// A sum of doubles that keeps what each addition rounds away (Neumaier 1974), by Knuth's exact
/// addition, which takes no branch.
#[derive(Clone, Copy, Debug, Default)]
struct Compensated {
    sum: f64,
    rest: f64,
}

impl Compensated {
    #[inline]
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        let of_value = sum - self.sum;
        self.rest += (self.sum - (sum - of_value)) + (value - of_value);
        self.sum = sum;
    }

    fn total(self) -> f64 {
        self.sum + self.rest
    }

    /// The sum over `n`, with what the division and the last addition round away.
    fn divided(self, n: f64) -> f64 {
        let total = self.total();
        let rest = (self.sum - total) + self.rest;
        let quotient = total / n;
        let left = (-quotient).mul_add(n, total);
        quotient + (left + rest) / n
    }
}

/// A sum of doubles that does not overflow on the way: large ones are summed up in another unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    usual: Compensated,
    /// In units of [`UNIT`].
    large: Compensated,
}

/// From here on doubles are large: 2^900.
const LARGE: f64 = f64::from_bits((1023 + 900) << 52);
/// 2^64: as many of the largest doubles as can be counted.
const UNIT: f64 = 18_446_744_073_709_551_616.0;

impl Sum {
    pub(crate) fn extend(&mut self, values: &[f64]) {
        let large: u64 = values.iter().map(|x| u64::from(x.abs() >= LARGE)).sum();
        if large == 0 {
            values.iter().for_each(|&value| self.usual.add(value));
            return;
        }
        for &value in values {
            if value.abs() < LARGE {
                self.usual.add(value);
            } else {
                self.large.add(value / UNIT);
            }
        }
    }

    /// The sum; infinite where it is no double.
    pub(crate) fn total(self) -> f64 {
        self.divided(1.0)
    }

    /// The sum over `n`.
    pub(crate) fn divided(self, n: f64) -> f64 {
        let (usual, large) = (self.usual.total(), self.large.total());
        if large == 0.0 {
            return self.usual.divided(n);
        }
        (large + usual / UNIT) / n * UNIT
    }
}

#[cfg(test)]
mod tests;
