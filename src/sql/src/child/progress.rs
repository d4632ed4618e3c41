//! The progress of a query: the share of rows that its scans have read.
//!
//! Work after the last scan (a sort, an aggregation) is not measured; the progress stays below 1
//! until the result is complete.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::protocol::Reply;
use lastcall_child::guest::Wire;

/// The interval between two reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);
/// The maximum before the end.
const MAX_UNFINISHED: f64 = 0.99;

/// Reports the progress of a plan's scans.
pub(super) struct ScanProgress {
    /// Each scan with its number of rows.
    scans: Vec<(Arc<dyn ExecutionPlan>, usize)>,
    wire: Wire,
    ticks: Interval,
    last: f64,
}

impl ScanProgress {
    pub(super) fn new(plan: &Arc<dyn ExecutionPlan>, wire: Wire) -> Self {
        let mut scans = Vec::new();
        find_scans(plan, &mut scans);
        let mut ticks = interval(REPORT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            scans,
            wire,
            ticks,
            last: 0.0,
        }
    }

    /// Runs a future, and reports progress to the host meanwhile.
    ///
    /// # Errors
    /// If the host is gone.
    pub(super) async fn watch<T>(&mut self, work: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                output = &mut work => return Ok(output),
                _ = self.ticks.tick() => self.report()?,
            }
        }
    }

    fn report(&mut self) -> Result<()> {
        let all: usize = self.scans.iter().map(|(_, rows)| rows).sum();
        let read: usize = self
            .scans
            .iter()
            .map(|(scan, rows)| read(scan).min(*rows))
            .sum();
        let done = MAX_UNFINISHED * read as f64 / all.max(1) as f64;
        if done > self.last {
            self.last = done;
            self.wire.send(&Reply::Progress(done))?;
        }
        Ok(())
    }
}

/// The rows that a scan has read.
fn read(scan: &Arc<dyn ExecutionPlan>) -> usize {
    scan.metrics()
        .and_then(|metrics| metrics.output_rows())
        .unwrap_or(0)
}

fn find_scans(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<(Arc<dyn ExecutionPlan>, usize)>) {
    let inputs = plan.children();
    if inputs.is_empty() {
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
        let rows = statistics
            .ok()
            .and_then(|found| found.num_rows.get_value().copied());
        found.extend(rows.map(|rows| (plan.clone(), rows)));
    }
    for input in inputs {
        find_scans(input, found);
    }
}
