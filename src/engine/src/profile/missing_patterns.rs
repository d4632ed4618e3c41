//! Missing-value patterns.

use std::cmp::Reverse;

use hashbrown::HashMap;
use lastcall_domain::profile::{MissingPattern, MissingPatterns};

use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::stats::distinct::mix;

/// How many patterns are named.
const NAMED: usize = 10;
/// The most patterns that are counted, and the most columns in all of them together.
const MAX_PATTERNS: usize = 1_000;
const MAX_COLUMNS: usize = 1 << 20;

/// The patterns so far.
pub(super) struct MissingPatternCounts {
    seed: u64,
    complete: u64,
    others: u64,
    /// By the hashes of their columns.
    patterns: HashMap<u64, (u64, Vec<u32>), foldhash::fast::FixedState>,
    columns: usize,
    /// The hash of each row's pattern; 0 for a complete row.
    hashes: Vec<u64>,
}

impl MissingPatternCounts {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            complete: 0,
            others: 0,
            patterns: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            columns: 0,
            hashes: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        batch: &Batch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        self.hashes.clear();
        self.hashes.resize(batch.rows, 0);
        let mut any = false;
        for (at, column) in batch.columns.iter().enumerate() {
            if column.missing.count() == 0 {
                continue;
            }
            any = true;
            let key = mix(at as u64 ^ self.seed) | 1;
            // A sum, so that the order of columns does not matter and no two cancel out.
            for row in column.missing.rows() {
                self.hashes[row] = self.hashes[row].wrapping_add(key);
            }
        }
        if !any {
            self.complete += batch.rows as u64;
            return Ok(());
        }
        context.check()?;
        for row in 0..batch.rows {
            match self.hashes[row] {
                0 => self.complete += 1,
                hash => self.count(batch, row, hash),
            }
        }
        Ok(())
    }

    fn count(&mut self, batch: &Batch, row: usize, hash: u64) {
        if let Some((count, _)) = self.patterns.get_mut(&hash) {
            *count += 1;
            return;
        }
        if self.patterns.len() >= MAX_PATTERNS || self.columns >= MAX_COLUMNS {
            self.others += 1;
            return;
        }
        let columns = batch.columns.iter().enumerate();
        let missing = columns.filter(|(_, column)| column.missing.at(row));
        let missing: Vec<u32> = missing.map(|(at, _)| at as u32).collect();
        self.columns += missing.len();
        self.patterns.insert(hash, (1, missing));
    }

    pub(super) fn finish(self, names: &[String]) -> MissingPatterns {
        let mut patterns: Vec<(u64, Vec<u32>)> = self.patterns.into_values().collect();
        patterns.sort_unstable_by(|a, b| (Reverse(a.0), &a.1).cmp(&(Reverse(b.0), &b.1)));
        let others: u64 = patterns.iter().skip(NAMED).map(|(rows, _)| rows).sum();
        let name = |at: u32| names.get(at as usize).cloned().unwrap_or_default();
        let patterns = patterns.into_iter().take(NAMED);
        MissingPatterns {
            complete_rows: self.complete,
            patterns: patterns
                .map(|(rows, columns)| MissingPattern {
                    columns: columns.into_iter().map(name).collect(),
                    rows,
                })
                .collect(),
            other_rows: self.others + others,
        }
    }
}
