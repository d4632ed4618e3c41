//! Row-level parts of a profile, besides correlations and duplicates.

use lastcall_domain::profile::{Associations, DuplicateRow, MissingPatterns, Sample};

use super::categories::Categories;
use super::gaps::Gaps;
use super::repeats::Repeats;
use super::sample::Rows;
use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::stats::distinct::mix;

/// What is looked at in each row.
pub(super) struct RowFacts {
    seed: u64,
    seen: u64,
    hashes: Vec<u64>,
    rows: Rows,
    repeats: Repeats,
    gaps: Gaps,
    categories: Categories,
}

/// What is known in the end.
pub(super) struct Facts {
    pub(super) sample: Sample,
    pub(super) duplicates: Vec<DuplicateRow>,
    pub(super) missing_patterns: MissingPatterns,
    pub(super) associations: Associations,
}

impl RowFacts {
    pub(super) fn new(kinds: &[Kind], seed: u64) -> Self {
        Self {
            seed,
            seen: 0,
            hashes: Vec::new(),
            rows: Rows::default(),
            repeats: Repeats::new(seed),
            gaps: Gaps::new(seed),
            categories: Categories::new(kinds),
        }
    }

    pub(super) fn add(
        &mut self,
        batch: &Batch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let numbers = self.seen..self.seen + batch.rows as u64;
        self.seen = numbers.end;
        self.hashes.clear();
        self.hashes
            .extend(numbers.map(|number| mix(number ^ self.seed)));
        self.rows.add(batch, &self.hashes);
        self.categories.add(batch, &self.hashes);
        self.repeats.add(batch);
        context.check()?;
        self.gaps.add(batch, context)
    }

    pub(super) fn finish(
        self,
        names: &[String],
        kinds: &[Kind],
        context: JobContext<'_>,
    ) -> Result<Facts, EngineError> {
        Ok(Facts {
            sample: self.rows.finish(names, kinds),
            duplicates: self.repeats.finish(kinds),
            missing_patterns: self.gaps.finish(names),
            associations: self.categories.finish(names, context)?,
        })
    }
}
