//! The categories for comparing two text columns: chosen once, from both, then counted on both
//! sides.
//!
//! If each side kept its own most frequent texts, a text that just missed the list of one side
//! would count as absent there, and two samples of the same texts would seem far apart.

use std::cmp::Ordering;

use hashbrown::HashTable;

use crate::EngineError;
use crate::batch::{ColumnBatch, Values};
use crate::job::JobContext;
use crate::stats::text_counts::{Named, TextCounts};

/// The most categories; other texts are combined.
const MAX_CATEGORIES: usize = 50;

/// The texts with the largest sums of shares on both sides; ties by text.
pub(super) fn choose(
    (words, total): (&TextCounts, u64),
    (others, total_of_other): (&TextCounts, u64),
    context: JobContext<'_>,
) -> Result<Vec<Named<'static>>, EngineError> {
    let mut chosen: Vec<(f64, Named<'_>)> = Vec::with_capacity(MAX_CATEGORIES + 1);
    let share = |count: u64, total: u64| count as f64 / total.max(1) as f64;
    let both = words.entries().map(|(text, count)| {
        let other = others.count(&text);
        let shares = share(count, total) + share(other, total_of_other);
        (shares, text)
    });
    let new = others
        .entries()
        .filter(|(text, _)| words.count(text) == 0)
        .map(|(text, count)| (share(count, total_of_other), text));
    for (number, (shares, text)) in both.chain(new).enumerate() {
        if number % (1 << 14) == 0 {
            context.check()?;
        }
        let before = |(s, t): &(f64, Named<'_>)| match s.total_cmp(&shares) {
            Ordering::Equal => *t < text,
            order => order.is_gt(),
        };
        if chosen.len() == MAX_CATEGORIES && chosen.last().is_some_and(before) {
            continue;
        }
        let at = chosen.partition_point(before);
        chosen.insert(at, (shares, text));
        chosen.truncate(MAX_CATEGORIES);
    }
    let texts = chosen.into_iter().map(|(_, text)| text.into_owned());
    Ok(texts.collect())
}

/// The counts of some texts, and of all others combined, from the held counts.
pub(super) fn counts(words: &TextCounts, total: u64, texts: &[Named<'_>]) -> Vec<u64> {
    with_rest(texts.iter().map(|text| words.count(text)).collect(), total)
}

fn with_rest(mut counts: Vec<u64>, total: u64) -> Vec<u64> {
    let named: u64 = counts.iter().sum();
    counts.push(total.saturating_sub(named));
    counts
}

/// Counts some texts in another pass, if more were seen than are held.
pub(super) struct Counting {
    /// The index of the column.
    pub(super) column: usize,
    texts: Vec<Named<'static>>,
    table: HashTable<usize>,
    counts: Vec<u64>,
}

impl Counting {
    pub(super) fn new(column: usize, texts: &[Named<'static>]) -> Self {
        let mut table = HashTable::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            table.insert_unique(text.hash, at, |&at: &usize| texts[at].hash);
        }
        Self {
            column,
            table,
            counts: vec![0; texts.len()],
            texts: texts.to_vec(),
        }
    }

    pub(super) fn add(
        &mut self,
        batch: &ColumnBatch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let Values::Text(texts) = &batch.values else {
            return Err(EngineError::internal("a batch is not of the planned kind"));
        };
        context.check()?;
        let Self { table, counts, .. } = self;
        for (row, &hash) in texts.hashes().iter().enumerate() {
            if batch.missing.at(row) {
                continue;
            }
            let same = |&at: &usize| {
                let text = &self.texts[at];
                text.hash == hash && Named::new(texts.get(row), hash).name == text.name
            };
            if let Some(&at) = table.find(hash, same) {
                counts[at] += 1;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, total: u64) -> Vec<u64> {
        with_rest(self.counts, total)
    }
}
