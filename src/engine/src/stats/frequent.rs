//! Most frequent values.

use std::cmp::Reverse;

use hashbrown::HashTable;

use crate::EngineError;
use crate::job::JobContext;

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
    ///
    /// # Errors
    /// Where it is cancelled: there may be millions.
    pub(crate) fn exact(
        counts: impl Iterator<Item = (T, u64)>,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let mut values: Vec<(T, u64)> = Vec::with_capacity(TOP + 1);
        for (number, (value, count)) in counts.enumerate() {
            if number % (1 << 16) == 0 {
                context.check()?;
            }
            let before = |(v, c): &(T, u64)| (*c, &value) > (count, v);
            if values.len() == TOP && values.last().is_some_and(before) {
                continue;
            }
            let at = values.partition_point(before);
            values.insert(at, (value, count));
            values.truncate(TOP);
        }
        Ok(Self {
            values,
            error: None,
        })
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

/// Frequent texts among more than fit: counters for some texts, which all shrink by the median
/// when there are too many of them (Misra and Gries 1982, as improved by Anderson and others
/// 2017). No count is too high, and none is too low by more than the medians together.
pub(crate) struct FrequentTexts {
    table: HashTable<u32>,
    counters: Vec<Counter>,
    bytes: Vec<u8>,
    most: usize,
    /// How much every counter shrank.
    shrunk: u64,
}

#[derive(Clone, Copy)]
struct Counter {
    hash: u64,
    count: u64,
    start: u32,
    length: u32,
}

impl FrequentTexts {
    /// Counters in about `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        let most = 1 << size_for(budget);
        Self {
            table: HashTable::with_capacity(most),
            counters: Vec::with_capacity(most),
            bytes: Vec::new(),
            most,
            shrunk: 0,
        }
    }

    /// Counts a text, known by its hash. Texts are to be much shorter than 4 GiB together.
    #[inline]
    pub(crate) fn add(&mut self, text: &[u8], hash: u64, count: u64) {
        let Self {
            table, counters, ..
        } = self;
        if let Some(&at) = table.find(hash, |&at| counters[at as usize].hash == hash) {
            counters[at as usize].count += count;
            return;
        }
        if counters.len() == self.most {
            self.shrink();
        }
        let counter = Counter {
            hash,
            count,
            start: self.bytes.len() as u32,
            length: text.len() as u32,
        };
        self.bytes.extend_from_slice(text);
        self.insert(counter);
    }

    fn insert(&mut self, counter: Counter) {
        let Self {
            table, counters, ..
        } = self;
        let at = counters.len() as u32;
        counters.push(counter);
        table.insert_unique(counter.hash, at, |&at| counters[at as usize].hash);
    }

    /// Takes the median off all counters, so that at least half of them go.
    fn shrink(&mut self) {
        let mut counts: Vec<u64> = self.counters.iter().map(|counter| counter.count).collect();
        let middle = counts.len() / 2;
        let median = *counts.select_nth_unstable(middle).1;
        self.shrunk += median;
        let bytes = std::mem::take(&mut self.bytes);
        let counters = std::mem::replace(&mut self.counters, Vec::with_capacity(self.most));
        self.table.clear();
        for counter in counters
            .into_iter()
            .filter(|counter| counter.count > median)
        {
            let start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(text_of(&bytes, counter));
            self.insert(Counter {
                count: counter.count - median,
                start,
                ..counter
            });
        }
    }

    /// The texts that are counted: their hashes, their names and their counts.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, &[u8], u64)> {
        let entry = |counter: &Counter| {
            let text = text_of(&self.bytes, *counter);
            (counter.hash, text, counter.count)
        };
        self.counters.iter().map(entry)
    }

    /// How often a text was counted; 0 for one that is not.
    pub(crate) fn count(&self, hash: u64) -> u64 {
        let same = |&at: &u32| self.counters[at as usize].hash == hash;
        let found = self.table.find(hash, same);
        found.map_or(0, |&at| self.counters[at as usize].count)
    }

    /// The most frequent texts.
    pub(crate) fn top(&self, most: usize) -> Top<Vec<u8>> {
        let text = |counter: &Counter| text_of(&self.bytes, *counter);
        let mut counters: Vec<&Counter> = self.counters.iter().collect();
        counters.sort_unstable_by_key(|counter| (Reverse(counter.count), text(counter)));
        let top = counters.into_iter().take(most);
        Top {
            values: top
                .map(|counter| (text(counter).to_vec(), counter.count))
                .collect(),
            error: Some(self.shrunk),
        }
    }
}

fn text_of(bytes: &[u8], counter: Counter) -> &[u8] {
    let start = counter.start as usize;
    &bytes[start..start + counter.length as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distinct::mix;

    #[test]
    fn counts_are_never_too_high_and_too_low_by_no_more_than_they_say() {
        let mut texts = FrequentTexts::new(0);
        let mut truth = std::collections::HashMap::new();
        for step in 0..100_000u64 {
            // One in four is one of eight texts, more of the first ones.
            let r = mix(step);
            let n = if r.is_multiple_of(4) {
                (r >> 8).trailing_zeros().into()
            } else {
                1000 + step % 5000
            };
            let text = format!("text {n}");
            texts.add(text.as_bytes(), mix(n), 1);
            *truth.entry(text.into_bytes()).or_insert(0u64) += 1;
        }
        let top = texts.top(4);
        let error = top.error.unwrap_or(0);
        assert!(error > 0 && error < 100_000 / 30, "{error}");
        for (at, (text, count)) in top.values.iter().enumerate() {
            assert_eq!(text, format!("text {at}").as_bytes());
            let true_count = truth[text];
            assert!(
                (*count..=count + error).contains(&true_count),
                "{count} for {true_count}"
            );
        }
    }
}
