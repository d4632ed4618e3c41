//! Counts the distinct values of a column: exactly while they fit in memory, sketched beyond.
//!
//! Values are keys: unsigned integers that order as the values do. Three stages: a hash table for
//! columns with few values; sorted runs, merged like a log-structured tree, for many; then
//! sketches. What was counted exactly is replayed into the sketches, so that they know all of it.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::distinct::DistinctSketch;
use super::frequent::{Top, size_for};
use super::quantile_sketch::OrderSketch;
use crate::EngineError;
use crate::job::JobContext;
use crate::keys::Key;

/// A column with more different values than this leaves the hash table.
const TABLE: usize = 65_536;

/// The values of a column.
pub(crate) struct ValueCounts<K = u64> {
    budget: usize,
    /// Of the hashes.
    seed: u64,
    stage: Stage<K>,
}

enum Stage<K> {
    Table(HashMap<K, u64, FixedState>),
    Runs(Runs<K>),
    Sketched(Box<Sketches<K>>),
}

struct Sketches<K> {
    seed: u64,
    order: OrderSketch<K>,
    distinct: DistinctSketch,
}

/// What is known of the values in the end.
pub(crate) struct Values<K = u64> {
    /// The values (when sketched, some of them), ascending, and how many each stands for.
    pub(crate) weighted: Vec<(K, u64)>,
    pub(crate) distinct: u64,
    /// The relative error of `distinct` where it is an estimate.
    pub(crate) distinct_error: Option<f64>,
    pub(crate) top: Top<K>,
    /// The error of ranks in `weighted`, as a fraction, where it is a sketch.
    pub(crate) rank_error: Option<f64>,
}

impl<K: Key> ValueCounts<K> {
    /// Holds values in about `budget` bytes.
    pub(crate) fn new(budget: usize, seed: u64) -> Self {
        Self {
            budget,
            seed,
            stage: Stage::Table(HashMap::with_hasher(FixedState::with_seed(seed))),
        }
    }

    /// Counts values.
    pub(crate) fn extend(
        &mut self,
        mut keys: &[K],
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        while !keys.is_empty() {
            match &mut self.stage {
                Stage::Table(table) => {
                    let limit = TABLE.min(self.budget / 64);
                    let mut taken = 0;
                    for &key in keys {
                        taken += 1;
                        *table.entry(key).or_insert(0) += 1;
                        if table.len() > limit {
                            break;
                        }
                    }
                    keys = &keys[taken..];
                    if table.len() > limit {
                        let table = std::mem::take(table);
                        self.stage = Stage::Runs(Runs::from_counts(table.into_iter(), self.budget));
                    }
                }
                Stage::Runs(runs) => {
                    keys = runs.fill(keys, context)?;
                    if runs.bytes() > self.budget / 2 {
                        self.stage =
                            Stage::Sketched(Sketches::of(runs, self.budget, self.seed, context)?);
                    }
                }
                Stage::Sketched(sketches) => {
                    sketches.order.extend(keys);
                    let seed = self.seed;
                    keys.iter()
                        .for_each(|&key| sketches.distinct.add(key.hash(seed)));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sums up.
    pub(crate) fn finish(self, context: JobContext<'_>) -> Result<Values<K>, EngineError> {
        let weighted = match self.stage {
            Stage::Table(table) => {
                let mut counts: Vec<_> = table.into_iter().collect();
                counts.sort_unstable();
                counts
            }
            Stage::Runs(runs) => {
                let run = runs.finish(context)?;
                let mut counts = Vec::with_capacity(run.keys.len());
                let mut values = run.iter();
                while counts.len() < run.keys.len() {
                    context.check()?;
                    counts.extend(values.by_ref().take(1 << 16));
                }
                counts
            }
            Stage::Sketched(sketches) => {
                let (distinct, error) = sketches.distinct.estimate();
                let rank_error = sketches.order.rank_error();
                let rows = sketches.order.count();
                // The count of a value is the difference of two ranks. What is not above the error
                // may be a value that occurs once.
                let top_error = (2.0 * rank_error * rows as f64).ceil() as u64;
                let weighted = sketches.order.finish();
                return Ok(Values {
                    distinct,
                    distinct_error: Some(error),
                    top: Top {
                        error: Some(top_error),
                        ..Top::exact(
                            same_together(&weighted).filter(|&(_, n)| n > top_error),
                            context,
                        )?
                    },
                    rank_error: Some(rank_error),
                    weighted,
                });
            }
        };
        Ok(Values {
            distinct: weighted.len() as u64,
            distinct_error: None,
            top: Top::exact(weighted.iter().copied(), context)?,
            rank_error: None,
            weighted,
        })
    }
}

/// Ascending values with the counts of equal ones added up.
fn same_together<K: Key>(weighted: &[(K, u64)]) -> impl Iterator<Item = (K, u64)> {
    let same = weighted.chunk_by(|a, b| a.0 == b.0);
    same.filter_map(|same| Some((same.first()?.0, same.iter().map(|(_, count)| count).sum())))
}

impl<K: Key> Sketches<K> {
    fn new(budget: usize, seed: u64) -> Self {
        Self {
            seed,
            order: OrderSketch::new(budget),
            distinct: DistinctSketch::new(size_for(budget) + 3),
        }
    }

    /// Of what was held exactly.
    fn of(
        runs: &mut Runs<K>,
        budget: usize,
        seed: u64,
        context: JobContext<'_>,
    ) -> Result<Box<Self>, EngineError> {
        let mut sketches = Box::new(Self::new(budget, seed));
        for run in std::mem::take(&mut runs.levels).into_iter().flatten() {
            for (at, (key, count)) in run.iter().enumerate() {
                if at % 4096 == 0 {
                    context.check()?;
                }
                sketches.add(key, count, context)?;
            }
        }
        for &key in &runs.fresh {
            sketches.add(key, 1, context)?;
        }
        Ok(sketches)
    }

    fn add(&mut self, key: K, count: u64, context: JobContext<'_>) -> Result<(), EngineError> {
        self.distinct.add(key.hash(self.seed));
        for step in 0..count {
            if step % (1 << 18) == (1 << 18) - 1 {
                context.check()?;
            }
            self.order.push(key);
        }
        Ok(())
    }
}

/// Sorted runs of values; at index i one of about 2^i times the size of the first.
struct Runs<K> {
    fresh: Vec<K>,
    /// Room to sort in.
    spare: Vec<K>,
    fresh_limit: usize,
    levels: Vec<Option<Run<K>>>,
}

/// Different values, ascending; without counts where each occurs once.
#[derive(Default)]
struct Run<K> {
    keys: Vec<K>,
    counts: Vec<u64>,
}

impl<K: Key> Runs<K> {
    fn from_counts(counts: impl Iterator<Item = (K, u64)>, budget: usize) -> Self {
        let mut pairs: Vec<_> = counts.collect();
        pairs.sort_unstable();
        let mut run = Run::default();
        for (key, count) in pairs {
            run.push(key, count);
        }
        Self {
            fresh: Vec::new(),
            spare: Vec::new(),
            fresh_limit: (budget / 64).clamp(256, 1 << 16),
            levels: vec![Some(run)],
        }
    }

    /// Adds values until there is a run more, or none is left; returns those that are left.
    fn fill<'k>(&mut self, keys: &'k [K], context: JobContext<'_>) -> Result<&'k [K], EngineError> {
        let room = self.fresh_limit - self.fresh.len();
        let (now, later) = keys.split_at(room.min(keys.len()));
        self.fresh.extend_from_slice(now);
        if self.fresh.len() == self.fresh_limit {
            self.carry(context)?;
        }
        Ok(later)
    }

    fn carry(&mut self, context: JobContext<'_>) -> Result<(), EngineError> {
        K::sort(&mut self.fresh, &mut self.spare);
        let mut run = Run::default();
        for &key in &self.fresh {
            run.push(key, 1);
        }
        self.fresh.clear();
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(None);
            }
            match self.levels[level].take() {
                Some(other) => run = other.merge(&run, context)?,
                None => {
                    // A run that repeats what is there stays small, and stays at a low level.
                    self.levels[level] = Some(run);
                    return Ok(());
                }
            }
            if run.keys.len() <= self.fresh_limit << level {
                self.levels[level] = Some(run);
                return Ok(());
            }
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        let runs = self.levels.iter().flatten();
        let held: usize = runs
            .map(|run| run.keys.capacity() * size_of::<K>() + run.counts.capacity() * 8)
            .sum();
        held + (self.fresh.capacity() + self.spare.capacity()) * size_of::<K>()
    }

    fn finish(mut self, context: JobContext<'_>) -> Result<Run<K>, EngineError> {
        self.carry(context)?;
        let mut all = Run::default();
        for run in self.levels.into_iter().flatten() {
            all = all.merge(&run, context)?;
        }
        Ok(all)
    }
}

impl<K: Key> Run<K> {
    /// Adds a value that is not below the last.
    #[inline]
    fn push(&mut self, key: K, count: u64) {
        if self.keys.last() == Some(&key) {
            if self.counts.is_empty() {
                self.counts.resize(self.keys.len(), 1);
            }
            if let Some(last) = self.counts.last_mut() {
                *last += count;
            }
            return;
        }
        if count > 1 && self.counts.is_empty() {
            self.counts.resize(self.keys.len(), 1);
        }
        // Empty either because every count is one or because there is no value yet.
        let counted = !self.counts.is_empty() || count > 1;
        self.keys.push(key);
        if counted {
            self.counts.push(count);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        let counts = self.counts.iter().copied().chain(std::iter::repeat(1));
        self.keys.iter().copied().zip(counts)
    }

    fn merge(&self, other: &Self, context: JobContext<'_>) -> Result<Self, EngineError> {
        let mut merged = Self::default();
        merged.keys.reserve(self.keys.len().max(other.keys.len()));
        let mut a = self.iter().peekable();
        let mut b = other.iter().peekable();
        for step in 0u64.. {
            if step % (1 << 16) == 0 {
                context.check()?;
            }
            let from_a = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) => x.0 <= y.0,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            if let Some((key, count)) = if from_a { a.next() } else { b.next() } {
                merged.push(key, count);
            }
        }
        Ok(merged)
    }
}
