//! Progress of a query: the share of rows that its scans have read.
//!
//! The part that comes after the last scan (a sort, an aggregation) is not seen; the figure stays
//! below one until the answer is complete.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::protocol::Reply;
use lastcall_child::guest::Wire;

/// How often the scans are looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// The most that is said before the end.
const NEARLY: f64 = 0.99;

/// Looks at the scans of a plan now and then.
pub(super) struct Gauge {
    /// Each scan with the rows that it is to read.
    scans: Vec<(Arc<dyn ExecutionPlan>, usize)>,
    wire: Wire,
    ticks: Interval,
    last: f64,
}

impl Gauge {
    pub(super) fn new(plan: &Arc<dyn ExecutionPlan>, wire: Wire) -> Self {
        let mut scans = Vec::new();
        find_scans(plan, &mut scans);
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            scans,
            wire,
            ticks,
            last: 0.0,
        }
    }

    /// Waits for something, and tells the host about progress while it does.
    ///
    /// # Errors
    /// When the host is gone.
    pub(super) async fn watch<T>(&mut self, work: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                output = &mut work => return Ok(output),
                _ = self.ticks.tick() => self.tell()?,
            }
        }
    }

    fn tell(&mut self) -> Result<()> {
        let all: usize = self.scans.iter().map(|(_, rows)| rows).sum();
        let read: usize = self
            .scans
            .iter()
            .map(|(scan, rows)| read(scan).min(*rows))
            .sum();
        let done = NEARLY * read as f64 / all.max(1) as f64;
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
