//! The profile: every figure of every column, from one pass over the data.

mod alerts;
mod categories;
mod column;
mod duplicates;
mod extremes;
mod gaps;
mod likely;
mod numbers;
mod placed;
mod repeats;
mod rows;
mod sample;
mod shapes;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod texts;
mod times;
mod wholes;
mod wording;

use lastcall_domain::ProfileOptions;
use lastcall_domain::profile::{Column, Correlations, DatasetSummary, Profile};

use self::column::ColumnFigures;
use self::duplicates::Duplicates;
use self::rows::RowFacts;
use crate::batch::Batch;
use crate::cell::CellRules;
use crate::ctl::Ctl;
use crate::figures::pairs::{MOST_COLUMNS, Pairs};
use crate::limits::Limits;
use crate::passes::{self, Settled};
use crate::pipeline::{Lane, Resources};
use crate::read::{self, Plan};
use crate::{EngineError, Source};

/// How many lanes there are for a helper to choose from.
const LANES_PER_THREAD: usize = 4;

/// Profiles a dataset.
pub(crate) fn profile(
    source: &Source,
    options: &ProfileOptions,
    resources: &Resources<'_>,
    ctl: Ctl<'_>,
) -> Result<Profile, EngineError> {
    let dataset = read::open(source, &options.read, resources, ctl)?;
    let settled = passes::settle(
        dataset,
        resources,
        ctl,
        |plan| Figures::new(plan, &resources.limits, source.seed),
        |figures| figures.lanes(LANES_PER_THREAD * (resources.helpers + 1)),
    )?;
    finish(source, options, settled, ctl)
}

struct Figures {
    columns: Vec<ColumnFigures>,
    pairs: Pairs,
    left_out: usize,
    duplicates: Duplicates,
    rows: RowFacts,
}

impl Figures {
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
                .map(|(&kind, budget)| ColumnFigures::new(kind, budget, seed))
                .collect(),
            pairs: Pairs::new(numeric, limits.rank_rows, seed),
            left_out,
            duplicates: Duplicates::new(limits.row_hashes),
            rows: RowFacts::new(&plan.kinds, seed),
        }
    }

    /// About as many lanes as wished.
    fn lanes(&mut self, most: usize) -> Vec<Box<dyn Lane + '_>> {
        let per_lane = self.columns.len().div_ceil(most).max(1);
        let mut lanes: Vec<Box<dyn Lane + '_>> = vec![Box::new(RowsLane {
            pairs: &mut self.pairs,
            duplicates: &mut self.duplicates,
            rows: &mut self.rows,
        })];
        for (index, columns) in self.columns.chunks_mut(per_lane).enumerate() {
            lanes.push(Box::new(ColumnsLane {
                columns,
                first: index * per_lane,
            }));
        }
        lanes
    }
}

fn finish(
    source: &Source,
    options: &ProfileOptions,
    settled: Settled<Figures>,
    ctl: Ctl<'_>,
) -> Result<Profile, EngineError> {
    let Settled {
        dataset,
        plan,
        findings,
        state: figures,
        ..
    } = settled;
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
    let facts = figures.rows.finish(&plan.names, &plan.kinds, ctl)?;
    let mut mixtures = Vec::with_capacity(figures.columns.len());
    let mut columns: Vec<Column> = Vec::with_capacity(figures.columns.len());
    for (column, name) in figures.columns.into_iter().zip(plan.names) {
        ctl.check()?;
        let mixture = column.mixture();
        let (column, likely) = column.finish(name, &rules, ctl)?;
        mixtures.push((mixture, likely));
        columns.push(column);
    }
    let correlations = correlations(names, figures.pairs, figures.left_out, &columns, ctl)?;
    let (duplicate_rows, error) = figures.duplicates.finish(ctl)?;
    let summary = DatasetSummary {
        name: source.name.clone(),
        format: source.format,
        bytes: source.size()?,
        rows: findings.rows,
        columns: columns.len() as u64,
        missing_cells: columns.iter().map(|column| column.missing).sum(),
        duplicate_rows,
        duplicate_rows_estimated: error.is_some(),
        duplicate_rows_error: error,
    };
    let read = findings.report(&*dataset)?;
    let alerts = alerts::alerts(
        &summary,
        &columns,
        &mixtures,
        &correlations,
        &options.alerts,
    );
    ctl.progress.set(1.0);
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
    pairs: Pairs,
    left_out: usize,
    columns: &[Column],
    ctl: Ctl<'_>,
) -> Result<Correlations, EngineError> {
    let mut correlated = pairs.finish(ctl)?;
    let ranks = &mut correlated.ranks;
    let sample = ranks.is_sample().then(|| ranks.rows() as u64);
    let mut correlations = Correlations {
        columns: names,
        pearson: correlated.pearson,
        spearman: ranks.correlations(ctl)?,
        spearman_estimated: sample.is_some(),
        spearman_sample: sample,
        columns_left_out: left_out as u64,
    };
    diagonal(&mut correlations, columns);
    Ok(correlations)
}

/// A column goes along with itself, unless it does not vary.
fn diagonal(correlations: &mut Correlations, columns: &[Column]) {
    let numeric = columns.iter().filter_map(|column| column.numeric.as_ref());
    for (at, figures) in numeric.take(correlations.columns.len()).enumerate() {
        // The histogram counts the finite values, in more than one interval where they differ.
        let varies = figures.histogram.counts.len() > 1;
        let one = varies.then_some(1.0);
        correlations.pearson[at][at] = one;
        correlations.spearman[at][at] = one;
    }
}

struct ColumnsLane<'a> {
    columns: &'a mut [ColumnFigures],
    first: usize,
}

impl Lane for ColumnsLane<'_> {
    fn take(&mut self, batch: &Batch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        for (figures, cells) in self.columns.iter_mut().zip(&batch.columns[self.first..]) {
            ctl.check()?;
            figures.add(cells, ctl)?;
        }
        Ok(())
    }
}

/// What looks at whole rows.
struct RowsLane<'a> {
    pairs: &'a mut Pairs,
    duplicates: &'a mut Duplicates,
    rows: &'a mut RowFacts,
}

impl Lane for RowsLane<'_> {
    fn take(&mut self, batch: &Batch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        self.duplicates.add(&batch.row_hashes, ctl)?;
        self.rows.add(batch, ctl)?;
        self.pairs.add(batch, ctl)
    }
}
