//! A check as a consumer of batches.

use super::cell::Column;
use super::failed_rows::FailedRows;
use super::test::Test;
use super::unfit::Unfit;
use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::CellRules;
use crate::pipeline::Consumer;

/// Groups of checks for each thread.
const GROUPS: usize = 2;

/// A check over all rows.
pub(super) struct CheckConsumer<'a> {
    /// The index of the check.
    pub(super) at: usize,
    pub(super) columns: Vec<Column>,
    pub(super) test: Result<Test<'a>, Unfit>,
    pub(super) failed: FailedRows,
    pub(super) rules: &'a CellRules,
    /// The number of rows in earlier batches.
    pub(super) row: u64,
}

impl CheckConsumer<'_> {
    /// Whether the check reads rows at all.
    fn reads(&self) -> bool {
        matches!(&self.test, Ok(test) if !matches!(test, Test::Nothing))
    }
}

/// The checks that read rows, in a few groups for each thread: there may be thousands of checks,
/// and every group takes every batch.
pub(super) fn grouped<'l>(
    consumers: &'l mut [CheckConsumer<'_>],
    helpers: usize,
) -> Vec<Box<dyn Consumer + 'l>> {
    let count = GROUPS * (helpers + 1);
    let mut groups: Vec<Vec<&mut CheckConsumer<'_>>> = Vec::new();
    let reading = consumers.iter_mut().filter(|consumer| consumer.reads());
    for (at, consumer) in reading.enumerate() {
        match groups.get_mut(at % count) {
            Some(group) => group.push(consumer),
            None => groups.push(vec![consumer]),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|group| Box::new(CheckConsumers(group)) as Box<dyn Consumer>)
        .collect()
}

/// Several checks.
struct CheckConsumers<'l, 'a>(Vec<&'l mut CheckConsumer<'a>>);

impl Consumer for CheckConsumers<'_, '_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        let mut consumers = self.0.iter_mut();
        consumers.try_for_each(|consumer| consumer.consume(batch, context))
    }
}

impl CheckConsumer<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        let Self {
            columns,
            test,
            failed,
            rules,
            row,
            ..
        } = self;
        if let Ok(test) = test {
            for at in 0..batch.rows {
                if at % 1024 == 0 {
                    context.check()?;
                }
                let number = *row + at as u64 + 1;
                if test.fails(columns, batch, at, number, rules) {
                    failed.add(number, columns, batch, at);
                }
            }
        }
        *row += batch.rows as u64;
        Ok(())
    }
}
