//! Distinct counts and frequent values of more data than is counted exactly.

use std::borrow::Borrow;
use std::hash::Hash;

use datasketches::common::NumStdDev;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType};

/// How many of the most frequent values a profile names.
pub(crate) const TOP: usize = 10;

/// The most frequent values.
pub(crate) struct Top<T> {
    pub(crate) values: Vec<(T, u64)>,
    /// How far a count may be off, where they are estimates.
    pub(crate) error: Option<u64>,
}

impl<T: Ord> Top<T> {
    /// The most frequent of values that were counted exactly; ties by value.
    pub(crate) fn exact(counts: impl Iterator<Item = (T, u64)>) -> Self {
        let mut values: Vec<(T, u64)> = Vec::with_capacity(TOP + 1);
        for (value, count) in counts {
            if values.len() == TOP && values[TOP - 1].1 > count {
                continue;
            }
            let at = values.partition_point(|(v, c)| (*c, &value) > (count, v));
            values.insert(at, (value, count));
            values.truncate(TOP);
        }
        Self {
            values,
            error: None,
        }
    }
}

/// Sketches of the values of a column: HyperLogLog (Flajolet and others 2007, with the HIP
/// estimator of Cohen 2015) for how many there are, and frequent items (Misra and Gries 1982, as
/// improved by Anderson and others 2017) for which of them are frequent.
pub(crate) struct Frequent<T> {
    distinct: HllSketch,
    items: FrequentItemsSketch<T>,
}

/// The logarithm of the size of sketches for a share of the memory: 12 for a mebibyte or more.
pub(crate) fn size_for(budget: usize) -> u8 {
    match budget {
        0..0x8000 => 6,
        0x8000..0x4_0000 => 8,
        0x4_0000..0x10_0000 => 10,
        _ => 12,
    }
}

impl<T: Hash + Eq + Ord + Clone> Frequent<T> {
    pub(crate) fn new(budget: usize) -> Self {
        let size = size_for(budget);
        Self {
            distinct: sketch(size + 3),
            items: items(size),
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, value: T) {
        self.add_many(value, 1);
    }

    pub(crate) fn add_many(&mut self, value: T, count: u64) {
        self.distinct.update(&value);
        self.items.update_with_count(value, count);
    }

    /// The same for a borrowed value, which is copied only when it is new.
    #[inline]
    pub(crate) fn add_ref<Q>(&mut self, value: &Q, hash: u64, count: u64)
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        self.distinct.update(hash);
        self.items.update_with_count_ref(value, count);
    }

    /// How many different values there are, and the relative error of that at two standard
    /// deviations.
    pub(crate) fn distinct(&self) -> (u64, f64) {
        estimate(&self.distinct)
    }

    pub(crate) fn top(&self) -> Top<T> {
        let mut rows: Vec<_> = self
            .items
            .frequent_items_with_threshold(ErrorType::NoFalseNegatives, 0)
            .into_iter()
            .map(|row| (row.item().clone(), row.lower_bound()))
            .collect();
        rows.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        rows.truncate(TOP);
        Top {
            values: rows,
            error: Some(self.items.maximum_error()),
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "the sizes are constants within the sketch's limits"
)]
fn items<T: Hash + Eq>(size: u8) -> FrequentItemsSketch<T> {
    FrequentItemsSketch::new(1 << size).expect("a power of two")
}

/// A sketch for counting distinct values.
#[expect(
    clippy::expect_used,
    reason = "the sizes are constants within the sketch's limits"
)]
pub(crate) fn sketch(size: u8) -> HllSketch {
    HllSketch::new(size, HllType::Hll8).expect("between 4 and 21")
}

/// The estimate of a sketch and its relative error at two standard deviations.
pub(crate) fn estimate(sketch: &HllSketch) -> (u64, f64) {
    let estimate = sketch.estimate();
    let above = sketch.upper_bound(NumStdDev::Two) - estimate;
    let below = estimate - sketch.lower_bound(NumStdDev::Two);
    let error = if estimate > 0.0 {
        above.max(below) / estimate
    } else {
        0.0
    };
    (estimate.round() as u64, error)
}
