//! A check as a consumer of the pass over the rows.

use super::cell::Column;
use super::tally::Tally;
use super::test::Test;
use super::unfit::Unfit;
use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::CellRules;
use crate::pipeline::Consumer;

/// In how many groups checks are made on each thread.
const GROUPS: usize = 2;

/// A check that sees all rows.
pub(super) struct CheckLane<'a> {
    /// Which check it is.
    pub(super) at: usize,
    pub(super) columns: Vec<Column>,
    pub(super) test: Result<Test<'a>, Unfit>,
    pub(super) tally: Tally,
    pub(super) rules: &'a CellRules,
    /// The rows of the batches before.
    pub(super) row: u64,
}

impl CheckLane<'_> {
    /// Whether it looks at rows at all.
    fn reads(&self) -> bool {
        matches!(&self.test, Ok(test) if !matches!(test, Test::Nothing))
    }
}

/// The checks that look at rows, in some groups for each thread: there may be thousands, and every
/// batch is handed to every group.
pub(super) fn grouped<'l>(
    lanes: &'l mut [CheckLane<'_>],
    helpers: usize,
) -> Vec<Box<dyn Consumer + 'l>> {
    let count = GROUPS * (helpers + 1);
    let mut groups: Vec<Vec<&mut CheckLane<'_>>> = Vec::new();
    let reading = lanes.iter_mut().filter(|lane| lane.reads());
    for (at, lane) in reading.enumerate() {
        match groups.get_mut(at % count) {
            Some(group) => group.push(lane),
            None => groups.push(vec![lane]),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|group| Box::new(CheckLanes(group)) as Box<dyn Consumer>)
        .collect()
}

/// Several checks.
struct CheckLanes<'l, 'a>(Vec<&'l mut CheckLane<'a>>);

impl Consumer for CheckLanes<'_, '_> {
    fn take(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        let mut lanes = self.0.iter_mut();
        lanes.try_for_each(|lane| lane.take(batch, context))
    }
}

impl CheckLane<'_> {
    fn take(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        let Self {
            columns,
            test,
            tally,
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
                    tally.add(number, columns, batch, at);
                }
            }
        }
        *row += batch.rows as u64;
        Ok(())
    }
}
