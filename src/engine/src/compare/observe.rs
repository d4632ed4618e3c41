//! One pass over a dataset, after which texts can be counted again.

use lastcall_domain::ReadOptions;
use lastcall_domain::compare::{ColumnSide, Side};

use super::categories::Counting;
use super::distribution::{ColumnObserver, Distribution};
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::pipeline::{self, Consumer, Resources};
use crate::read::dataset::{Dataset, Plan};
use crate::{EngineError, Source, passes, read};

/// How many consumers there are for each thread.
const CONSUMERS_PER_THREAD: usize = 4;

/// A dataset after a pass over all rows.
pub(super) struct ObservedDataset {
    pub(super) side: Side,
    pub(super) columns: Vec<ObservedColumn>,
    dataset: Box<dyn Dataset>,
    plan: Plan,
}

pub(super) struct ObservedColumn {
    pub(super) name: String,
    pub(super) kind: Kind,
    count: u64,
    missing: u64,
    pub(super) distribution: Distribution,
}

impl ObservedColumn {
    /// Whether the type of the column is unknown: it is text only because it has no values.
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

impl ObservedDataset {
    /// Reads a dataset. The results of both sides of a comparison are in memory in the end.
    pub(super) fn of(
        source: &Source,
        options: &ReadOptions,
        resources: &Resources<'_>,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let dataset = read::open(source, options, resources, context)?;
        let bytes = resources.limits.columns / 2;
        let stable = passes::infer_until_stable(
            dataset,
            resources,
            context,
            |plan| {
                let budgets = plan.budgets(bytes);
                let columns = plan.kinds.iter().zip(budgets);
                columns
                    .map(|(&kind, budget)| ColumnObserver::new(kind, budget, source.seed))
                    .collect::<Vec<_>>()
            },
            |observed| consumers(observed, resources.helpers),
        )?;
        stable.inferred.report(&*stable.dataset)?;
        let names = stable.plan.names.into_iter();
        let kinds = stable.plan.kinds;
        let mut columns = Vec::with_capacity(kinds.len());
        for ((name, kind), observed) in names.zip(kinds).zip(stable.state) {
            context.check()?;
            columns.push(ObservedColumn {
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
                rows: stable.inferred.rows,
                columns: columns.len() as u64,
                missing_cells: columns.iter().map(|column| column.missing).sum(),
            },
            columns,
            dataset: stable.dataset,
            plan: stable.as_read,
        })
    }

    /// Reads the dataset again to count some texts.
    pub(super) fn count(
        &self,
        counting: &mut [Counting],
        resources: &Resources<'_>,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        if counting.is_empty() {
            return Ok(());
        }
        let most = CONSUMERS_PER_THREAD * (resources.helpers + 1);
        let per_consumer = counting.len().div_ceil(most).max(1);
        let consumers = counting.chunks_mut(per_consumer);
        let consumers = consumers
            .map(|counting| Box::new(CountingConsumer(counting)) as Box<dyn Consumer + '_>);
        let input = self.dataset.open(self.plan.names.len())?;
        let parse = |chunk| self.dataset.parse(chunk, &self.plan);
        pipeline::run(input, &parse, consumers.collect(), resources, context)
    }
}

/// Few consumers with many columns each, as a consumer costs more than a column.
fn consumers(observed: &mut [ColumnObserver], helpers: usize) -> Vec<Box<dyn Consumer + '_>> {
    let per_consumer = observed
        .len()
        .div_ceil(CONSUMERS_PER_THREAD * (helpers + 1));
    let parts = observed.chunks_mut(per_consumer.max(1)).enumerate();
    let consumer = |(number, columns)| {
        let first = number * per_consumer;
        Box::new(ObservedConsumer { columns, first }) as Box<dyn Consumer + '_>
    };
    parts.map(consumer).collect()
}

struct ObservedConsumer<'a> {
    columns: &'a mut [ColumnObserver],
    first: usize,
}

impl Consumer for ObservedConsumer<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        for (observed, cells) in self.columns.iter_mut().zip(&batch.columns[self.first..]) {
            context.check()?;
            observed.add(cells, context)?;
        }
        Ok(())
    }
}

struct CountingConsumer<'a>(&'a mut [Counting]);

impl Consumer for CountingConsumer<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        for counting in &mut *self.0 {
            let cells = batch.columns.get(counting.column);
            let cells = cells.ok_or_else(|| EngineError::internal("a column is gone"))?;
            counting.add(cells, context)?;
        }
        Ok(())
    }
}
