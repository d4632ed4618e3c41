//! Quantiles of values in memory, and a sketch for more values than fit.
//!
//! Values are keys: unsigned integers that order as the values do.

use lastcall_domain::profile::Number;

use crate::keys::Key;

/// Values with how often they occur, ascending.
pub(crate) type Weighted<K = u64> = [(K, u64)];

/// The value at a rank, counted from 0, in ascending values with counts summed up.
fn at_rank<K: Key>(values: &Weighted<K>, sums: &[u64], rank: u64) -> Option<K> {
    let index = sums.partition_point(|&sum| sum <= rank);
    values.get(index).map(|&(key, _)| key)
}

/// Counts summed up: how many values there are up to each.
pub(crate) fn running<K>(values: &Weighted<K>) -> Vec<u64> {
    let mut total = 0;
    values
        .iter()
        .map(|&(_, count)| {
            total += count;
            total
        })
        .collect()
}

/// The quantile by linear interpolation between the two nearest ranks (Hyndman and Fan 1996,
/// type 7), which is NumPy's `linear`, computed in the same order of operations.
pub(crate) fn quantile<K: Key>(
    values: &Weighted<K>,
    sums: &[u64],
    q: f64,
    number: impl Fn(K) -> f64,
) -> Option<f64> {
    let n = *sums.last()?;
    let position = q * (n - 1) as f64;
    let low = position.floor();
    let t = position - low;
    let a = number(at_rank(values, sums, low as u64)?);
    if t == 0.0 {
        return finite(a);
    }
    let b = number(at_rank(values, sums, low as u64 + 1)?);
    let step = b - a;
    finite(if step.is_infinite() && a.is_finite() && b.is_finite() {
        // Their distance is no double, the value between them is.
        a * (1.0 - t) + b * t
    } else if t >= 0.5 {
        b - step * (1.0 - t)
    } else {
        a + step * t
    })
}

/// The same of whole numbers over 10^`scale`, to the last digit.
pub(crate) fn percentile<K: Key>(
    values: &Weighted<K>,
    sums: &[u64],
    percent: u32,
    digits: impl Fn(K) -> i128,
    scale: u8,
) -> Option<Number> {
    let position = u128::from(*sums.last()?).checked_sub(1)? * u128::from(percent);
    let low = u64::try_from(position / 100).ok()?;
    let part = (position % 100) as i128;
    let a = digits(at_rank(values, sums, low)?);
    if part == 0 {
        return Some(Number::decimal(a, scale));
    }
    let b = digits(at_rank(values, sums, low + 1)?);
    let exact = || {
        let step = b.checked_sub(a)?.checked_mul(part)?;
        a.checked_mul(100)?.checked_add(step)
    };
    Some(match exact() {
        Some(digits) => Number::decimal(digits, scale + 2),
        None if a == b => Number::decimal(a, scale),
        None => {
            let t = part as f64 / 100.0;
            let power = 10f64.powi(i32::from(scale));
            Number::Float((a as f64 * (1.0 - t) + b as f64 * t) / power)
        }
    })
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|v| v.is_finite())
}

/// The distance of the quartiles of whole numbers over 10^`scale`, to the last digit.
pub(crate) fn difference<K: Key>(
    values: &Weighted<K>,
    sums: &[u64],
    digits: impl Fn(K) -> i128 + Copy,
    scale: u8,
) -> Option<Number> {
    // Each quartile in hundredths.
    let quartile = |percent: u128| {
        let position = u128::from(*sums.last()?).checked_sub(1)? * percent;
        let low = u64::try_from(position / 100).ok()?;
        let part = (position % 100) as i128;
        let a = digits(at_rank(values, sums, low)?);
        let b = match part {
            0 => a,
            _ => digits(at_rank(values, sums, low + 1)?),
        };
        a.checked_mul(100)?
            .checked_add(b.checked_sub(a)?.checked_mul(part)?)
    };
    let (low, high) = (quartile(25)?, quartile(75)?);
    Some(Number::decimal(high.checked_sub(low)?, scale + 2))
}

/// The two values in the middle, which are one where their number is odd.
fn middle<K: Key>(values: &Weighted<K>, sums: &[u64]) -> Option<(K, K)> {
    let n = *sums.last()?;
    let low = at_rank(values, sums, n.checked_sub(1)? / 2)?;
    Some((low, at_rank(values, sums, n / 2)?))
}

/// The two distances in the middle of those of all values from a point, by `distance`. From the
/// point on values are further away in both directions, so that their distances are merged.
fn middle_distances<K: Key, D: PartialOrd + Copy>(
    values: &Weighted<K>,
    sums: &[u64],
    first_above: usize,
    distance: impl Fn(K) -> D,
) -> Option<(D, D)> {
    let n = *sums.last()?;
    let ranks = (n.checked_sub(1)? / 2, n / 2);
    let (mut below, mut above) = (first_above, first_above);
    let mut passed = 0;
    let mut lower = None;
    loop {
        let left = below.checked_sub(1).map(|at| (distance(values[at].0), at));
        let right = values.get(above).map(|value| distance(value.0));
        let (next, count) = match (left, right) {
            (Some((left, at)), right) if right.is_none_or(|right| left <= right) => {
                below = at;
                (left, values[at].1)
            }
            (_, Some(right)) => {
                above += 1;
                (right, values[above - 1].1)
            }
            _ => return None,
        };
        passed += count;
        if lower.is_none() && passed > ranks.0 {
            lower = Some(next);
        }
        if let Some(lower) = lower
            && passed > ranks.1
        {
            return Some((lower, next));
        }
    }
}

/// The median of the distances from the median.
pub(crate) fn median_distance<K: Key>(
    values: &Weighted<K>,
    sums: &[u64],
    number: impl Fn(K) -> f64,
) -> Option<f64> {
    let (a, b) = middle(values, sums)?;
    let median = number(a) / 2.0 + number(b) / 2.0;
    let first_above = values.partition_point(|&(key, _)| number(key) < median);
    let distance = |key| (number(key) - median).abs();
    let (low, high) = middle_distances(values, sums, first_above, distance)?;
    finite(low / 2.0 + high / 2.0)
}

/// The same of whole numbers over 10^`scale`, to the last digit.
pub(crate) fn whole_median_distance<K: Key>(
    values: &Weighted<K>,
    sums: &[u64],
    digits: impl Fn(K) -> i128,
    scale: u8,
) -> Option<Number> {
    let (a, b) = middle(values, sums)?;
    // Twice the median is whole.
    let twice = digits(a).checked_add(digits(b))?;
    let doubled = |key| digits(key).saturating_mul(2);
    let first_above = values.partition_point(|&(key, _)| doubled(key) < twice);
    let distance = |key| doubled(key).saturating_sub(twice).saturating_abs();
    let (low, high) = middle_distances(values, sums, first_above, distance)?;
    // A quarter is 25 hundredths.
    let hundredths = low.checked_add(high)?.checked_mul(25)?;
    Some(Number::decimal(hundredths, scale + 2))
}

/// A sketch of the order of many values: buffers of up to 4,096 values, two of equal weight merged
/// into one of twice the weight by keeping every other value (Munro and Paterson 1980; Manku,
/// Rajagopalan and Lindsay 1998).
///
/// Which value of a pair is kept alternates, so that equal data gives equal results; a merge at
/// weight w shifts no rank by more than w, which bounds the error for every input. The first merge
/// is done by sorting as many values at once, which is less work.
#[derive(Clone, Debug)]
pub(crate) struct OrderSketch<K = u64> {
    width: usize,
    fresh: Vec<K>,
    /// Room to sort in.
    spare: Vec<K>,
    /// How often `fresh` was full.
    full: u64,
    /// At index i a sorted buffer of weight 2 · 2^i.
    levels: Vec<Option<Vec<K>>>,
    odd: Vec<bool>,
    merges: Vec<u64>,
}

/// Of how many values that are sorted at once one is kept.
const FIRST_WEIGHT: usize = 2;

impl<K: Key> OrderSketch<K> {
    /// A sketch for a column with about `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        let width = 1 << super::frequent::size_for(budget);
        Self {
            width,
            fresh: Vec::with_capacity(FIRST_WEIGHT * width),
            spare: Vec::new(),
            full: 0,
            levels: Vec::new(),
            odd: Vec::new(),
            merges: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, key: K) {
        self.fresh.push(key);
        if self.fresh.len() == FIRST_WEIGHT * self.width {
            self.carry();
        }
    }

    pub(crate) fn extend(&mut self, mut keys: &[K]) {
        while !keys.is_empty() {
            let room = FIRST_WEIGHT * self.width - self.fresh.len();
            let (now, later) = keys.split_at(room.min(keys.len()));
            self.fresh.extend_from_slice(now);
            if later.is_empty() && now.len() < room {
                return;
            }
            self.carry();
            keys = later;
        }
    }

    /// Adds the full buffer as one adds 1 to a binary number.
    fn carry(&mut self) {
        K::sort(&mut self.fresh, &mut self.spare);
        let skipped = (self.full % 2) as usize;
        self.full += 1;
        let kept = self.fresh.iter().skip(skipped).step_by(FIRST_WEIGHT);
        let mut buffer: Vec<K> = kept.copied().collect();
        self.fresh.clear();
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(None);
                self.odd.push(false);
                self.merges.push(0);
            }
            let Some(other) = self.levels[level].take() else {
                self.levels[level] = Some(buffer);
                return;
            };
            buffer = every_other(&other, &buffer, self.odd[level]);
            self.odd[level] = !self.odd[level];
            self.merges[level] += 1;
        }
    }

    /// How far the rank of a value can be off, as a fraction of the count.
    pub(crate) fn rank_error(&self) -> f64 {
        let merges = self.merges.iter().enumerate();
        let shifts: u64 = merges.map(|(level, n)| n * weight(level)).sum::<u64>() + self.full;
        // Half a weight more because a value stands for those around it.
        let top = self.levels.len().checked_sub(1).map_or(1, weight);
        let n = self.count();
        if n == 0 {
            0.0
        } else {
            (shifts + top) as f64 / n as f64
        }
    }

    /// How many values there were.
    pub(crate) fn count(&self) -> u64 {
        let held = self.levels.iter().enumerate();
        let held: u64 = held
            .map(|(i, b)| b.as_ref().map_or(0, |b| b.len() as u64 * weight(i)))
            .sum();
        held + self.fresh.len() as u64
    }

    /// The values that were kept, ascending, each with the number of values it stands for.
    pub(crate) fn finish(mut self) -> Vec<(K, u64)> {
        self.fresh.sort_unstable();
        let mut all: Vec<(K, u64)> = self.fresh.iter().map(|&key| (key, 1)).collect();
        for (level, buffer) in self.levels.into_iter().enumerate() {
            let weight = weight(level);
            all.extend(buffer.into_iter().flatten().map(|key| (key, weight)));
        }
        all.sort_unstable();
        all
    }
}

/// What a value stands for at a level.
fn weight(level: usize) -> u64 {
    (FIRST_WEIGHT as u64) << level
}

/// Merges two sorted buffers of the same even length and keeps every other value. Both ends are
/// worked on in turns, as each step waits for the one before it; and values are selected without
/// a branch, as which comes first is anyone's guess.
fn every_other<K: Key>(a: &[K], b: &[K], odd: bool) -> Vec<K> {
    let mut kept = vec![K::default(); a.len()];
    // The next values at the front, and where those at the back end. Neither runs out before half
    // of all values are merged.
    let (mut i, mut j) = (0, 0);
    let (mut k, mut l) = (a.len(), b.len());
    let mut smallest = || {
        let (x, y) = (a[i], b[j]);
        i += usize::from(x <= y);
        j += usize::from(x > y);
        x.min(y)
    };
    let mut largest = || {
        let (x, y) = (a[k - 1], b[l - 1]);
        k -= usize::from(x > y);
        l -= usize::from(x <= y);
        x.max(y)
    };
    let (front, back) = kept.split_at_mut(a.len() / 2);
    for (low, high) in front.iter_mut().zip(back.iter_mut().rev()) {
        let pair = [smallest(), smallest()];
        *low = pair[usize::from(!odd)];
        let pair = [largest(), largest()];
        *high = pair[usize::from(odd)];
    }
    kept
}

#[cfg(test)]
mod tests;
