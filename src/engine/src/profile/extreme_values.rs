//! The sort order of a column, and its extreme values with their rows.

use lastcall_domain::profile::{Extreme, SortOrder};

use crate::batch::Missing;
use crate::keys::Key;

/// How many of the smallest and of the largest values are named.
const NAMED: usize = 5;

/// The extreme values so far, and the sort order.
pub(super) struct ExtremeValues<K = u64> {
    /// Rows before the next batch.
    rows: u64,
    pub(super) min: K,
    pub(super) max: K,
    /// The smallest, ascending, and the largest, descending; of equal ones those that came first.
    lowest: Vec<(K, u64)>,
    highest: Vec<(K, u64)>,
    order: Order<K>,
    /// Values outside this range are not named.
    ends: (K, K),
}

impl<K: Key> ExtremeValues<K> {
    pub(super) fn new() -> Self {
        Self::naming(K::ENDS)
    }

    /// Only names values between `ends`.
    pub(super) fn naming(ends: (K, K)) -> Self {
        Self {
            ends,
            rows: 0,
            min: K::ENDS.1,
            max: K::ENDS.0,
            lowest: Vec::new(),
            highest: Vec::new(),
            order: Order::new(),
        }
    }

    /// Adds the keys of a batch of `rows` rows.
    pub(super) fn extend(&mut self, keys: &[K], missing: &Missing, rows: usize) {
        let last = |kept: &[(K, u64)]| kept.get(NAMED - 1).map(|&(key, _)| key);
        let full = last(&self.lowest).zip(last(&self.highest));
        let (low, high) = full.unwrap_or((K::ENDS.1, K::ENDS.0));
        // Of equal values, those that came first are kept.
        let is_beyond = |key: K| key < low || key > high;
        // Most batches have no new extreme value.
        if keys.iter().any(|&key| is_beyond(key)) {
            let places = places(self.rows, keys, missing, rows);
            for (key, row) in places.filter(|&(key, _)| is_beyond(key)) {
                self.add(key, row);
            }
        }
        self.order.extend(keys);
        self.rows += rows as u64;
    }

    fn add(&mut self, key: K, row: u64) {
        self.min = self.min.min(key);
        self.max = self.max.max(key);
        let (first, last) = self.ends;
        if first <= key && key <= last {
            keep(&mut self.lowest, (key, row), |a, b| a < b);
            keep(&mut self.highest, (key, row), |a, b| a > b);
        }
    }

    /// The smallest and the largest of the values that are named.
    pub(super) fn range(&self) -> Option<(K, K)> {
        let first = |kept: &[(K, u64)]| kept.first().map(|&(key, _)| key);
        first(&self.lowest).zip(first(&self.highest))
    }

    pub(super) fn sorted(&self) -> Option<SortOrder> {
        self.order.finish()
    }

    /// The smallest and the largest values.
    pub(super) fn extremes<E>(
        &self,
        value: impl Fn(K) -> E + Copy,
    ) -> (Vec<Extreme<E>>, Vec<Extreme<E>>) {
        let shown = |places: &[(K, u64)]| {
            let places = places.iter();
            let extreme = |&(key, row): &(K, u64)| Extreme {
                value: value(key),
                row,
            };
            places.map(extreme).collect()
        };
        (shown(&self.lowest), shown(&self.highest))
    }
}

/// The keys with their row numbers, last row first: in ascending data, the largest then come first,
/// and few are kept only to be dropped.
fn places<'a, K: Key>(
    before: u64,
    keys: &'a [K],
    missing: &'a Missing,
    rows: usize,
) -> impl Iterator<Item = (K, u64)> {
    let present = (0..rows).rev().filter(|&row| !missing.at(row));
    let numbers = present.map(move |row| before + row as u64 + 1);
    keys.iter().rev().copied().zip(numbers)
}

/// Inserts a value in order if it ranks before the last kept one.
fn keep<K: Key>(kept: &mut Vec<(K, u64)>, place: (K, u64), before: impl Fn(K, K) -> bool) {
    let first = |a: (K, u64), b: (K, u64)| before(a.0, b.0) || (a.0 == b.0 && a.1 < b.1);
    if kept.len() == NAMED && kept.last().is_some_and(|&worst| !first(place, worst)) {
        return;
    }
    let at = kept.partition_point(|&other| first(other, place));
    kept.insert(at, place);
    kept.truncate(NAMED);
}

/// The possible sort orders so far.
pub(super) struct Order<K> {
    last: Option<K>,
    varies: bool,
    ascending: bool,
    descending: bool,
    repeats: bool,
}

impl<K: Ord + Copy> Order<K> {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            varies: false,
            ascending: true,
            descending: true,
            repeats: false,
        }
    }

    fn extend(&mut self, keys: &[K]) {
        if !self.is_open() {
            return;
        }
        for &key in keys {
            self.add(key);
            if !self.is_open() {
                return;
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.ascending || self.descending
    }

    #[inline]
    pub(super) fn add(&mut self, key: K) {
        if let Some(last) = self.last.replace(key) {
            self.follow(last.cmp(&key));
        }
    }

    /// Adds the comparison of a value with the next one.
    #[inline]
    pub(super) fn follow(&mut self, order: std::cmp::Ordering) {
        self.varies |= order.is_ne();
        self.repeats |= order.is_eq();
        self.ascending &= order.is_le();
        self.descending &= order.is_ge();
    }

    pub(super) fn finish(&self) -> Option<SortOrder> {
        match (self.varies, self.ascending, self.descending, self.repeats) {
            (true, true, false, false) => Some(SortOrder::StrictlyAscending),
            (true, true, false, true) => Some(SortOrder::Ascending),
            (true, false, true, false) => Some(SortOrder::StrictlyDescending),
            (true, false, true, true) => Some(SortOrder::Descending),
            _ => None,
        }
    }
}
