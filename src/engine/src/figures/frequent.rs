//! The most frequent values.

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};

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

/// The logarithm of the size of sketches for a share of the memory: 12 for a mebibyte or more.
pub(crate) fn size_for(budget: usize) -> u32 {
    match budget {
        0..0x8000 => 6,
        0x8000..0x4_0000 => 8,
        0x4_0000..0x10_0000 => 10,
        _ => 12,
    }
}

/// Frequent texts among more than fit: frequent items (Misra and Gries 1982, as improved by
/// Anderson and others 2017).
pub(crate) struct FrequentTexts {
    items: FrequentItemsSketch<Vec<u8>>,
}

impl FrequentTexts {
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            items: items(size_for(budget)),
        }
    }

    /// Counts a text, which is copied only when it is new.
    #[inline]
    pub(crate) fn add(&mut self, text: &[u8], count: u64) {
        self.items.update_with_count_ref(text, count);
    }

    /// The most frequent texts; their counts are never too high.
    pub(crate) fn top(&self, most: usize) -> Top<Vec<u8>> {
        let rows = self
            .items
            .frequent_items_with_threshold(ErrorType::NoFalseNegatives, 0);
        let rows = rows.into_iter();
        let mut values: Vec<_> = rows
            .map(|row| (row.item().clone(), row.lower_bound()))
            .collect();
        values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        values.truncate(most);
        Top {
            values,
            error: Some(self.items.maximum_error()),
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "the sizes are constants within the sketch's limits"
)]
fn items(size: u32) -> FrequentItemsSketch<Vec<u8>> {
    FrequentItemsSketch::new(1 << size).expect("a power of two")
}
