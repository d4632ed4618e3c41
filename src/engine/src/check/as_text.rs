//! A dataset with some columns read as text, whatever they hold.

use std::collections::BTreeSet;

use lastcall_domain::ReadReport;
use lastcall_domain::profile::Warning;

use crate::EngineError;
use crate::batch::Batch;
use crate::parse::{Hints, TypeSet};
use crate::read::dataset::{Chunk, Dataset, Input, Plan, TypeGuess};

pub(super) struct AsText {
    dataset: Box<dyn Dataset>,
    columns: BTreeSet<String>,
}

impl AsText {
    pub(super) fn of(dataset: Box<dyn Dataset>, columns: &BTreeSet<String>) -> Box<dyn Dataset> {
        if columns.is_empty() {
            return dataset;
        }
        Box::new(Self {
            dataset,
            columns: columns.clone(),
        })
    }
}

impl Dataset for AsText {
    fn type_guesses(&self) -> Vec<TypeGuess> {
        let mut guesses = self.dataset.type_guesses();
        for guess in &mut guesses {
            if self.columns.contains(&guess.name) {
                guess.kinds = TypeSet::TEXT;
            }
        }
        guesses
    }

    fn declared(&self) -> Option<Vec<TypeSet>> {
        let mut kinds = self.dataset.declared()?;
        for (kinds, guess) in kinds.iter_mut().zip(self.dataset.type_guesses()) {
            if self.columns.contains(&guess.name) {
                *kinds = TypeSet::TEXT;
            }
        }
        Some(kinds)
    }

    fn declared_is_final(&self) -> bool {
        self.dataset.declared_is_final()
    }

    fn hints(&self) -> Hints {
        self.dataset.hints()
    }

    fn has_lines(&self) -> bool {
        self.dataset.has_lines()
    }

    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError> {
        self.dataset.open(width)
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let mut batch = self.dataset.parse(chunk, plan)?;
        for (column, name) in batch.columns.iter_mut().zip(&plan.names) {
            if self.columns.contains(name) {
                column.kinds = TypeSet::TEXT;
            }
        }
        // The same for columns that only occur in later rows.
        for (name, kinds) in &mut batch.more {
            if self.columns.contains(name) {
                *kinds = TypeSet::TEXT;
            }
        }
        Ok(batch)
    }

    fn in_other_encoding(&self) -> Option<Box<dyn Dataset>> {
        Some(Self::of(self.dataset.in_other_encoding()?, &self.columns))
    }

    fn warnings(&self) -> Vec<Warning> {
        self.dataset.warnings()
    }

    fn report(&self) -> ReadReport {
        self.dataset.report()
    }
}
