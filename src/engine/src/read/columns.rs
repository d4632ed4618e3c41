//! A selection of the columns of a dataset.

use lastcall_domain::{Format, InvalidOption, ReadReport};

use super::dataset::{Chunk, Dataset, Input, Plan, TypeGuess};
use crate::batch::{Batch, hash_rows};
use crate::parse::{Hints, Kind, Style, TypeSet};
use crate::{EngineError, Source};

/// How many names an error lists.
const NAMED: usize = 20;

/// A dataset restricted to some columns, in the order of the data.
pub(super) struct Selected {
    dataset: Box<dyn Dataset>,
    /// All columns, and whether they are kept.
    all: Vec<(String, bool)>,
    columns: Vec<String>,
    /// The seed of row hashes.
    seed: u64,
}

impl Selected {
    /// Keeps the columns of these names.
    ///
    /// # Errors
    /// If a name is unknown, except in NDJSON, where it may occur later.
    pub(super) fn of(
        dataset: Box<dyn Dataset>,
        columns: &[String],
        source: &Source,
    ) -> Result<Box<dyn Dataset>, EngineError> {
        let names = dataset.type_guesses().into_iter().map(|guess| guess.name);
        let all: Vec<(String, bool)> = names
            .map(|name| {
                let kept = columns.contains(&name);
                (name, kept)
            })
            .collect();
        let unknown = columns
            .iter()
            .find(|column| !all.iter().any(|(name, _)| name == *column));
        if let Some(unknown) =
            unknown.filter(|_| !matches!(source.format, Format::Ndjson | Format::Json))
        {
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            let more = if names.len() > NAMED { ", …" } else { "" };
            let listed = names[..names.len().min(NAMED)].join("`, `");
            let detail = format!("there is no `{unknown}`, only `{listed}`{more}");
            return Err(InvalidOption::new("columns", detail).into());
        }
        Ok(Box::new(Self {
            dataset,
            all,
            columns: columns.to_vec(),
            seed: source.seed,
        }))
    }

    fn kept<T>(&self, all: Vec<T>) -> Vec<T> {
        let kept = self
            .all
            .iter()
            .map(|(_, kept)| *kept)
            .chain(std::iter::repeat(false));
        let columns = all.into_iter().zip(kept);
        columns
            .filter(|(_, kept)| *kept)
            .map(|(column, _)| column)
            .collect()
    }

    /// A plan for all columns, with excluded ones as text. Columns found later follow those of the
    /// sample.
    fn whole(&self, plan: &Plan) -> Plan {
        let mut whole = Plan::default();
        let mut kept = 0..plan.kinds.len();
        let mut push = |name: &str, at: Option<usize>| {
            whole.names.push(name.to_owned());
            whole.kinds.push(at.map_or(Kind::Text, |at| plan.kinds[at]));
            whole
                .styles
                .push(at.map_or(Style::Plain, |at| plan.styles[at]));
            whole.varied.push(at.is_some_and(|at| plan.varied[at]));
        };
        for (name, is_kept) in &self.all {
            push(name, if *is_kept { kept.next() } else { None });
        }
        for at in kept {
            push(&plan.names[at], Some(at));
        }
        whole
    }
}

impl Dataset for Selected {
    fn type_guesses(&self) -> Vec<TypeGuess> {
        self.kept(self.dataset.type_guesses())
    }

    fn declared(&self) -> Option<Vec<TypeSet>> {
        self.dataset.declared().map(|kinds| self.kept(kinds))
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
        self.dataset.open(width.max(self.all.len()))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let mut batch = self.dataset.parse(chunk, &self.whole(plan))?;
        let found = batch
            .columns
            .split_off(self.all.len().min(batch.columns.len()));
        batch.columns = self.kept(std::mem::take(&mut batch.columns));
        batch.columns.extend(found);
        batch.more.retain(|(name, _)| self.columns.contains(name));
        batch.row_hashes = vec![0; batch.rows];
        for column in &batch.columns {
            hash_rows(column, &mut batch.row_hashes, self.seed);
        }
        Ok(batch)
    }

    fn in_other_encoding(&self) -> Option<Box<dyn Dataset>> {
        Some(Box::new(Self {
            dataset: self.dataset.in_other_encoding()?,
            all: self.all.clone(),
            columns: self.columns.clone(),
            seed: self.seed,
        }))
    }

    fn report(&self) -> ReadReport {
        self.dataset.report()
    }
}
