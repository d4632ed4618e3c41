//! Row-level parts of a profile, besides correlations and duplicates.

use lastcall_domain::profile::{Associations, DuplicateRow, MissingPatterns, Sample};

use super::categories::Categories;
use super::duplicate_examples::DuplicateExamples;
use super::missing_patterns::MissingPatternCounts;
use super::sample::Rows;
use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::stats::distinct::mix;

/// The row-level statistics so far.
pub(super) struct RowFacts {
    seed: u64,
    seen: u64,
    hashes: Vec<u64>,
    rows: Rows,
    examples: DuplicateExamples,
    patterns: MissingPatternCounts,
    categories: Categories,
}

/// The final row-level statistics.
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
            examples: DuplicateExamples::new(seed),
            patterns: MissingPatternCounts::new(seed),
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
        self.examples.add(batch);
        context.check()?;
        self.patterns.add(batch, context)
    }

    pub(super) fn finish(
        self,
        names: &[String],
        kinds: &[Kind],
        context: JobContext<'_>,
    ) -> Result<Facts, EngineError> {
        Ok(Facts {
            sample: self.rows.finish(names, kinds),
            duplicates: self.examples.finish(kinds),
            missing_patterns: self.patterns.finish(names),
            associations: self.categories.finish(names, context)?,
        })
    }
}
