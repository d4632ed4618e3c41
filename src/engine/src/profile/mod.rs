//! The profile: every figure of every column, from one pass over the data.
//!
//! The first look at the data assumes a kind for each column. The pass computes the figures under
//! that assumption and finds out, from every cell, what the kinds are. Where the assumption was
//! wrong the rest of the pass only looks for kinds, and a second pass computes the figures.

mod alerts;
mod column;
mod distinct;
mod duplicates;
mod frequent;
mod held;
mod histogram;
mod moments;
mod pairs;
mod quantiles;
mod ranks;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod words;

use std::sync::atomic::{AtomicBool, Ordering};

use lastcall_domain::ProfileOptions;
use lastcall_domain::profile::{Column, Correlations, DatasetSummary, Profile};

use self::alerts::Mixture;
use self::column::ColumnFigures;
use self::duplicates::Duplicates;
use self::pairs::Pairs;
use crate::batch::Batch;
use crate::ctl::Ctl;
use crate::limits::Limits;
use crate::pipeline::{self, Lane, Resources};
use crate::read::{self, Dataset, Plan};
use crate::schema::Findings;
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
    let mut dataset = read::open(source, &options.read, resources, ctl)?;
    let mut plan = Findings::new(&*dataset).plan();
    // The second pass knows the kinds, a third the encoding as well; more can only follow from
    // a file that changes.
    for _ in 0..4 {
        let mut figures = Figures::new(&plan, &resources.limits);
        let findings = figures.pass(&*dataset, &plan, resources.helpers, ctl)?;
        if findings.is_latin()
            && let Some(latin) = dataset.in_latin()
        {
            dataset = latin;
            plan = Findings::new(&*dataset).plan();
            continue;
        }
        let found = findings.plan();
        if found == plan && findings.fits {
            return figures.finish(source, options, &*dataset, plan, findings, ctl);
        }
        plan = found;
    }
    Err(EngineError::internal(
        "the dataset changed while it was read",
    ))
}

struct Figures {
    columns: Vec<ColumnFigures>,
    pairs: Pairs,
    left_out: usize,
    duplicates: Duplicates,
}

impl Figures {
    fn new(plan: &Plan, limits: &Limits) -> Self {
        let budget = limits.columns / plan.kinds.len().max(1);
        let numeric = plan
            .kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| kind.is_numeric());
        let mut numeric: Vec<usize> = numeric.map(|(at, _)| at).collect();
        let left_out = numeric.len().saturating_sub(pairs::MOST_COLUMNS);
        numeric.truncate(pairs::MOST_COLUMNS);
        Self {
            columns: plan
                .kinds
                .iter()
                .map(|&kind| ColumnFigures::new(kind, budget))
                .collect(),
            pairs: Pairs::new(numeric, limits.rank_rows),
            left_out,
            duplicates: Duplicates::new(limits.row_hashes),
        }
    }

    /// One pass over the data; tells what the kinds are.
    fn pass(
        &mut self,
        dataset: &dyn Dataset,
        plan: &Plan,
        helpers: usize,
        ctl: Ctl<'_>,
    ) -> Result<Findings, EngineError> {
        let misfit = AtomicBool::new(false);
        let misfit = &misfit;
        let mut findings = Findings::nothing(dataset, plan);
        let most = LANES_PER_THREAD * (helpers + 1);
        let per_lane = self.columns.len().div_ceil(most).max(1);
        let mut lanes: Vec<Box<dyn Lane + '_>> = vec![
            Box::new(FindingsLane {
                findings: &mut findings,
                misfit,
            }),
            Box::new(PairsLane {
                pairs: &mut self.pairs,
                duplicates: &mut self.duplicates,
                misfit,
            }),
        ];
        for (index, columns) in self.columns.chunks_mut(per_lane).enumerate() {
            lanes.push(Box::new(ColumnsLane {
                columns,
                first: index * per_lane,
                misfit,
            }));
        }
        let input = dataset.open()?;
        pipeline::run(
            input,
            &|chunk| dataset.parse(chunk, plan),
            lanes,
            helpers,
            ctl,
        )?;
        Ok(findings)
    }

    fn finish(
        self,
        source: &Source,
        options: &ProfileOptions,
        dataset: &dyn Dataset,
        plan: Plan,
        findings: Findings,
        ctl: Ctl<'_>,
    ) -> Result<Profile, EngineError> {
        let mut mixtures = Vec::with_capacity(self.columns.len());
        let mut columns: Vec<Column> = Vec::with_capacity(self.columns.len());
        let mut correlations = Correlations {
            columns_left_out: self.left_out as u64,
            ..Correlations::default()
        };
        let names = plan
            .names
            .iter()
            .zip(&plan.kinds)
            .filter(|(_, kind)| kind.is_numeric());
        correlations.columns = names
            .map(|(name, _)| name.clone())
            .take(pairs::MOST_COLUMNS)
            .collect();
        for (figures, name) in self.columns.into_iter().zip(plan.names) {
            ctl.check()?;
            mixtures.push(Mixture {
                typed: figures.typed,
                identifiers: figures.identifiers,
            });
            columns.push(figures.finish(name, ctl)?);
        }
        let (pearson, mut ranks) = self.pairs.finish(ctl)?;
        correlations.pearson = pearson;
        if ranks.is_sample() {
            correlations.spearman_estimated = true;
            correlations.spearman_sample = Some(ranks.rows() as u64);
        }
        correlations.spearman = ranks.correlations(ctl)?;
        diagonal(&mut correlations, &columns);
        let (duplicate_rows, error) = self.duplicates.finish(ctl)?;
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
        let mut warnings = dataset.warnings();
        warnings.extend(findings.warnings(columns.len())?);
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
            alerts,
            warnings,
        })
    }
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

struct FindingsLane<'a> {
    findings: &'a mut Findings,
    misfit: &'a AtomicBool,
}

impl Lane for FindingsLane<'_> {
    fn take(&mut self, batch: &Batch, _ctl: Ctl<'_>) -> Result<(), EngineError> {
        self.findings.add(batch)?;
        if !self.findings.fits {
            self.misfit.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

struct ColumnsLane<'a> {
    columns: &'a mut [ColumnFigures],
    first: usize,
    misfit: &'a AtomicBool,
}

impl Lane for ColumnsLane<'_> {
    fn take(&mut self, batch: &Batch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        // The figures will be thrown away.
        if self.misfit.load(Ordering::Relaxed) {
            return Ok(());
        }
        for (figures, cells) in self.columns.iter_mut().zip(&batch.columns[self.first..]) {
            ctl.check()?;
            figures.add(cells, ctl)?;
        }
        Ok(())
    }
}

struct PairsLane<'a> {
    pairs: &'a mut Pairs,
    duplicates: &'a mut Duplicates,
    misfit: &'a AtomicBool,
}

impl Lane for PairsLane<'_> {
    fn take(&mut self, batch: &Batch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        if self.misfit.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.duplicates.add(&batch.row_hashes, ctl)?;
        self.pairs.add(batch, ctl)
    }
}
