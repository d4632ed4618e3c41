//! The profile: all statistics of all columns, from one pass over the data.

mod alerts;
mod categories;
mod column;
mod duplicate_examples;
mod duplicates;
mod extreme_values;
mod likely_types;
mod missing_patterns;
mod numbers;
mod rows;
mod sample;
mod scaled_integers;
mod shapes;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
pub(crate) mod texts;
mod times;

use lastcall_domain::ProfileOptions;
use lastcall_domain::profile::{Column, Correlations, DatasetSummary, Profile};

use self::column::ColumnStats;
use self::duplicates::Duplicates;
use self::rows::RowFacts;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::limits::Limits;
use crate::parse::CellRules;
use crate::passes::{self, StablePass};
use crate::pipeline::{Consumer, Resources};
use crate::read;
use crate::read::dataset::Plan;
use crate::stats::pearson::{MOST_COLUMNS, PearsonAccumulator};
use crate::{EngineError, Source};

/// How many consumers there are for each thread.
const CONSUMERS_PER_THREAD: usize = 4;

/// Profiles a dataset.
pub(crate) fn profile(
    source: &Source,
    options: &ProfileOptions,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Profile, EngineError> {
    let dataset = read::open(source, &options.read, resources, context)?;
    let stable = passes::infer_until_stable(
        dataset,
        resources,
        context,
        |plan| ProfileStats::new(plan, &resources.limits, source.seed),
        |figures| figures.consumers(CONSUMERS_PER_THREAD * (resources.helpers + 1)),
    )?;
    finish(source, options, stable, context)
}

struct ProfileStats {
    columns: Vec<ColumnStats>,
    pairs: PearsonAccumulator,
    left_out: usize,
    duplicates: Duplicates,
    rows: RowFacts,
}

impl ProfileStats {
    fn new(plan: &Plan, limits: &Limits, seed: u64) -> Self {
        let budgets = plan.budgets(limits.columns);
        let numeric = plan
            .kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| kind.is_numeric());
        let mut numeric: Vec<usize> = numeric.map(|(at, _)| at).collect();
        let left_out = numeric.len().saturating_sub(MOST_COLUMNS);
        numeric.truncate(MOST_COLUMNS);
        Self {
            columns: plan
                .kinds
                .iter()
                .zip(budgets)
                .map(|(&kind, budget)| ColumnStats::new(kind, budget, seed))
                .collect(),
            pairs: PearsonAccumulator::new(numeric, limits.rank_rows, seed),
            left_out,
            duplicates: Duplicates::new(limits.row_hashes),
            rows: RowFacts::new(&plan.kinds, seed),
        }
    }

    /// At most about `max` consumers.
    fn consumers(&mut self, max: usize) -> Vec<Box<dyn Consumer + '_>> {
        let per_consumer = self.columns.len().div_ceil(max).max(1);
        let mut consumers: Vec<Box<dyn Consumer + '_>> = vec![Box::new(RowsConsumer {
            pairs: &mut self.pairs,
            duplicates: &mut self.duplicates,
            rows: &mut self.rows,
        })];
        for (index, columns) in self.columns.chunks_mut(per_consumer).enumerate() {
            consumers.push(Box::new(ColumnsConsumer {
                columns,
                first: index * per_consumer,
            }));
        }
        consumers
    }
}

fn finish(
    source: &Source,
    options: &ProfileOptions,
    stable: StablePass<ProfileStats>,
    context: JobContext<'_>,
) -> Result<Profile, EngineError> {
    let StablePass {
        dataset,
        plan,
        inferred,
        state: figures,
        ..
    } = stable;
    let names = plan
        .names
        .iter()
        .zip(&plan.kinds)
        .filter(|(_, kind)| kind.is_numeric());
    let names = names
        .map(|(name, _)| name.clone())
        .take(MOST_COLUMNS)
        .collect();
    let rules = CellRules::new(&options.read)?;
    let facts = figures.rows.finish(&plan.names, &plan.kinds, context)?;
    let mut mixtures = Vec::with_capacity(figures.columns.len());
    let mut columns: Vec<Column> = Vec::with_capacity(figures.columns.len());
    for (column, name) in figures.columns.into_iter().zip(plan.names) {
        context.check()?;
        let mixture = column.mixture();
        let (column, likely) = column.finish(name, &rules, context)?;
        mixtures.push((mixture, likely));
        columns.push(column);
    }
    let correlations = correlations(names, figures.pairs, figures.left_out, &columns, context)?;
    let (duplicate_rows, error) = figures.duplicates.finish(context)?;
    let summary = DatasetSummary {
        name: source.name.clone(),
        format: source.format,
        bytes: source.size()?,
        rows: inferred.rows,
        columns: columns.len() as u64,
        missing_cells: columns.iter().map(|column| column.missing).sum(),
        duplicate_rows,
        duplicate_rows_estimated: error.is_some(),
        duplicate_rows_error: error,
    };
    let read = inferred.report(&*dataset)?;
    let alerts = alerts::alerts(
        &summary,
        &columns,
        &mixtures,
        &correlations,
        &options.alerts,
    );
    context.progress.set(1.0);
    Ok(Profile {
        dataset: summary,
        columns,
        correlations,
        associations: facts.associations,
        missing_patterns: facts.missing_patterns,
        duplicates: facts.duplicates,
        sample: facts.sample,
        alerts,
        warnings: read.warnings.iter().map(Into::into).collect(),
        read,
    })
}

fn correlations(
    names: Vec<String>,
    pairs: PearsonAccumulator,
    left_out: usize,
    columns: &[Column],
    context: JobContext<'_>,
) -> Result<Correlations, EngineError> {
    let mut correlated = pairs.finish(context)?;
    let ranks = &mut correlated.ranks;
    let sample = ranks.is_sample().then(|| ranks.rows() as u64);
    let mut correlations = Correlations {
        columns: names,
        pearson: correlated.pearson,
        spearman: ranks.correlations(context)?,
        spearman_estimated: sample.is_some(),
        spearman_sample: sample,
        columns_left_out: left_out as u64,
    };
    diagonal(&mut correlations, columns);
    Ok(correlations)
}

/// A column correlates perfectly with itself, unless it is constant.
fn diagonal(correlations: &mut Correlations, columns: &[Column]) {
    let numeric = columns.iter().filter_map(|column| column.numeric.as_ref());
    for (at, figures) in numeric.take(correlations.columns.len()).enumerate() {
        // The histogram of finite values has more than one interval if they differ.
        let varies = figures.histogram.counts.len() > 1;
        let one = varies.then_some(1.0);
        correlations.pearson[at][at] = one;
        correlations.spearman[at][at] = one;
    }
}

struct ColumnsConsumer<'a> {
    columns: &'a mut [ColumnStats],
    first: usize,
}

impl Consumer for ColumnsConsumer<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        for (figures, cells) in self.columns.iter_mut().zip(&batch.columns[self.first..]) {
            context.check()?;
            figures.add(cells, context)?;
        }
        Ok(())
    }
}

/// Consumes whole rows.
struct RowsConsumer<'a> {
    pairs: &'a mut PearsonAccumulator,
    duplicates: &'a mut Duplicates,
    rows: &'a mut RowFacts,
}

impl Consumer for RowsConsumer<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        self.duplicates.add(&batch.row_hashes, context)?;
        self.rows.add(batch, context)?;
        self.pairs.add(batch, context)
    }
}
