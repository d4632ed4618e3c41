//! One pass over a dataset, after which texts can be counted again.

use lastcall_domain::ReadOptions;
use lastcall_domain::compare::{ColumnSide, Side};

use super::categories::Counting;
use super::distribution::{Distribution, Observed};
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::pipeline::{self, Consumer, Resources};
use crate::read::dataset::{Dataset, Plan};
use crate::{EngineError, Source, passes, read};

/// How many lanes there are for a helper to choose from.
const LANES_PER_THREAD: usize = 4;

/// A dataset, seen whole.
pub(super) struct Seen {
    pub(super) side: Side,
    pub(super) columns: Vec<SeenColumn>,
    dataset: Box<dyn Dataset>,
    plan: Plan,
}

pub(super) struct SeenColumn {
    pub(super) name: String,
    pub(super) kind: Kind,
    count: u64,
    missing: u64,
    pub(super) distribution: Distribution,
}

impl SeenColumn {
    /// Whether nothing tells of what type the column is: it has no values, and is text for want of
    /// them.
    pub(super) fn is_untyped(&self) -> bool {
        self.count == 0 && self.kind == Kind::Text
    }

    pub(super) fn side(&self) -> ColumnSide {
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

impl Seen {
    /// Reads a dataset. Both of a comparison are in memory in the end.
    pub(super) fn of(
        source: &Source,
        options: &ReadOptions,
        resources: &Resources<'_>,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let dataset = read::open(source, options, resources, context)?;
        let bytes = resources.limits.columns / 2;
        let settled = passes::infer_until_stable(
            dataset,
            resources,
            context,
            |plan| {
                let budgets = plan.budgets(bytes);
                let columns = plan.kinds.iter().zip(budgets);
                columns
                    .map(|(&kind, budget)| Observed::new(kind, budget, source.seed))
                    .collect::<Vec<_>>()
            },
            |observed| lanes(observed, resources.helpers),
        )?;
        settled.findings.report(&*settled.dataset)?;
        let names = settled.plan.names.into_iter();
        let kinds = settled.plan.kinds;
        let mut columns = Vec::with_capacity(kinds.len());
        for ((name, kind), observed) in names.zip(kinds).zip(settled.state) {
            context.check()?;
            columns.push(SeenColumn {
                name,
                kind,
                count: observed.count,
                missing: observed.missing,
                distribution: observed.finish(context)?,
            });
        }
        Ok(Self {
            side: Side {
                name: source.name.clone(),
                rows: settled.findings.rows,
                columns: columns.len() as u64,
                missing_cells: columns.iter().map(|column| column.missing).sum(),
            },
            columns,
            dataset: settled.dataset,
            plan: settled.as_read,
        })
    }

    /// Reads the dataset once more, to count some texts.
    pub(super) fn count(
        &self,
        counting: &mut [Counting],
        resources: &Resources<'_>,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        if counting.is_empty() {
            return Ok(());
        }
        let most = LANES_PER_THREAD * (resources.helpers + 1);
        let per_lane = counting.len().div_ceil(most).max(1);
        let lanes = counting.chunks_mut(per_lane);
        let lanes =
            lanes.map(|counting| Box::new(CountingLane(counting)) as Box<dyn Consumer + '_>);
        let input = self.dataset.open(self.plan.names.len())?;
        let parse = |chunk| self.dataset.parse(chunk, &self.plan);
        pipeline::run(input, &parse, lanes.collect(), resources, context)
    }
}

/// Few lanes with many columns each: what is done for a lane is more than for a column.
fn lanes(observed: &mut [Observed], helpers: usize) -> Vec<Box<dyn Consumer + '_>> {
    let per_lane = observed.len().div_ceil(LANES_PER_THREAD * (helpers + 1));
    let parts = observed.chunks_mut(per_lane.max(1)).enumerate();
    let lane = |(number, columns)| {
        let first = number * per_lane;
        Box::new(ObservedLane { columns, first }) as Box<dyn Consumer + '_>
    };
    parts.map(lane).collect()
}

struct ObservedLane<'a> {
    columns: &'a mut [Observed],
    first: usize,
}

impl Consumer for ObservedLane<'_> {
    fn take(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        for (observed, cells) in self.columns.iter_mut().zip(&batch.columns[self.first..]) {
            context.check()?;
            observed.add(cells, context)?;
        }
        Ok(())
    }
}

struct CountingLane<'a>(&'a mut [Counting]);

impl Consumer for CountingLane<'_> {
    fn take(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        for counting in &mut *self.0 {
            let cells = batch.columns.get(counting.column);
            let cells = cells.ok_or_else(|| EngineError::internal("a column is gone"))?;
            counting.add(cells, context)?;
        }
        Ok(())
    }
}
