//! How one dataset differs from another, column by column.

mod distances;
mod distribution;

use lastcall_domain::ReadOptions;
use lastcall_domain::compare::{
    ColumnChange, ColumnSide, ColumnStatus, Comparison, Drift, KolmogorovSmirnov, Side,
};

use self::distances::{jensen_shannon, stability_index};
use self::distribution::{Distribution, Observed};
use crate::batch::Batch;
use crate::cell::Kind;
use crate::ctl::Ctl;
use crate::pipeline::{Lane, Resources};
use crate::{EngineError, Source, passes, read};

/// Compares two datasets.
pub(crate) fn compare(
    baseline: &Source,
    candidate: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    ctl: Ctl<'_>,
) -> Result<Comparison, EngineError> {
    let half = lastcall_domain::Progress::new();
    let first = Ctl {
        progress: &half,
        ..ctl
    };
    let before = observe(baseline, options, resources, first)?;
    ctl.progress.set(0.5);
    let second = lastcall_domain::Progress::new();
    let second = Ctl {
        progress: &second,
        ..ctl
    };
    let after = observe(candidate, options, resources, second)?;
    let mut columns = Vec::new();
    let mut added = after.columns;
    for old in before.columns {
        ctl.check()?;
        let new = added
            .iter()
            .position(|new| new.name == old.name)
            .map(|at| added.remove(at));
        columns.push(change(old, new));
    }
    columns.extend(added.into_iter().map(|new| ColumnChange {
        candidate: Some(new.side()),
        ..unmatched(new.name, ColumnStatus::Added)
    }));
    ctl.progress.set(1.0);
    Ok(Comparison {
        baseline: before.side,
        candidate: after.side,
        columns,
    })
}

/// A dataset, seen whole.
struct Seen {
    side: Side,
    columns: Vec<SeenColumn>,
}

struct SeenColumn {
    name: String,
    kind: Kind,
    count: u64,
    missing: u64,
    distribution: Distribution,
}

impl SeenColumn {
    fn side(&self) -> ColumnSide {
        let rows = self.count + self.missing;
        ColumnSide {
            kind: self.kind.column_type(),
            count: self.count,
            missing: self.missing,
            missing_share: if rows == 0 {
                0.0
            } else {
                self.missing as f64 / rows as f64
            },
        }
    }
}

fn observe(
    source: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    ctl: Ctl<'_>,
) -> Result<Seen, EngineError> {
    let dataset = read::open(source, options, resources, ctl)?;
    // Both datasets are in memory in the end.
    let bytes = resources.limits.columns / 2;
    let settled = passes::settle(
        dataset,
        resources,
        ctl,
        |plan| {
            let budgets = plan.budgets(bytes);
            plan.kinds
                .iter()
                .zip(budgets)
                .map(|(&kind, budget)| Observed::new(kind, budget))
                .collect::<Vec<_>>()
        },
        |observed| {
            let lanes = observed.iter_mut().enumerate();
            lanes
                .map(|(at, observed)| Box::new(ObservedLane { at, observed }) as Box<dyn Lane>)
                .collect()
        },
    )?;
    settled.findings.report(&*settled.dataset)?;
    let mut columns = Vec::new();
    for ((name, kind), observed) in settled
        .plan
        .names
        .into_iter()
        .zip(settled.plan.kinds)
        .zip(settled.state)
    {
        columns.push(SeenColumn {
            name,
            kind,
            count: observed.count,
            missing: observed.missing,
            distribution: observed.finish(ctl)?,
        });
    }
    Ok(Seen {
        side: Side {
            name: source.name.clone(),
            rows: settled.findings.rows,
            columns: columns.len() as u64,
            missing_cells: columns.iter().map(|column| column.missing).sum(),
        },
        columns,
    })
}

struct ObservedLane<'a> {
    at: usize,
    observed: &'a mut Observed,
}

impl Lane for ObservedLane<'_> {
    fn take(&mut self, batch: &Batch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        self.observed.add(&batch.columns[self.at], ctl)
    }
}

fn unmatched(name: String, status: ColumnStatus) -> ColumnChange {
    ColumnChange {
        name,
        status,
        baseline: None,
        candidate: None,
        psi: None,
        drift: None,
        jensen_shannon: None,
        kolmogorov_smirnov: None,
        estimated: false,
        error: None,
    }
}

fn change(old: SeenColumn, new: Option<SeenColumn>) -> ColumnChange {
    let side = old.side();
    let Some(new) = new else {
        return ColumnChange {
            baseline: Some(side),
            ..unmatched(old.name, ColumnStatus::Removed)
        };
    };
    let same = old.kind.column_type() == new.kind.column_type();
    let status = if same {
        ColumnStatus::Kept
    } else {
        ColumnStatus::Retyped
    };
    let shares = old.distribution.shares(&new.distribution);
    let psi = shares.as_ref().map(|(p, q)| stability_index(p, q));
    let smirnov = old.distribution.smirnov(&new.distribution);
    let error = smirnov.and_then(|(_, error)| error);
    ColumnChange {
        baseline: Some(side),
        candidate: Some(new.side()),
        psi,
        drift: psi.map(Drift::of),
        jensen_shannon: shares.as_ref().map(|(p, q)| jensen_shannon(p, q)),
        kolmogorov_smirnov: smirnov.map(|(test, _)| test),
        estimated: error.is_some() || old.distribution.is_sketch() || new.distribution.is_sketch(),
        error,
        ..unmatched(old.name, status)
    }
}

/// The test of two samples of these sizes.
fn test(statistic: f64, n: u64, m: u64) -> KolmogorovSmirnov {
    KolmogorovSmirnov {
        statistic,
        p_value: crate::figures::significance::kolmogorov(statistic, n, m),
    }
}
