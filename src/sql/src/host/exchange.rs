//! The conversation with a child about one query.

use std::time::Duration;

use lastcall_domain::Progress;
use tokio::sync::oneshot;

use super::collect::Collector;
use super::process::{Frame, Process};
use super::scratch::Scratch;
use super::shutting_down;
use crate::answer::{Answer, ResultFormat};
use crate::config::SqlConfig;
use crate::error::SqlError;
use crate::protocol::{Failure, FailureKind, Need, Query, Reply, Request, Table};

/// Why a conversation ended without an answer.
#[derive(Debug)]
pub(super) enum Ending {
    /// For a reason that is known.
    Because(SqlError),
    /// The child is gone, or no longer speaks the protocol.
    Lost,
}

impl From<std::io::Error> for Ending {
    fn from(_: std::io::Error) -> Self {
        Self::Lost
    }
}

/// What is to be done, and whom to ask on the way.
pub(super) struct Order {
    pub query: String,
    pub format: ResultFormat,
    pub timeout: Duration,
    pub progress: Progress,
    pub needs: oneshot::Sender<Vec<Need>>,
    pub tables: oneshot::Receiver<Result<Vec<Table>, SqlError>>,
}

/// Runs a query in a child that has not had one.
pub(super) async fn run(
    process: &mut Process,
    config: &SqlConfig,
    scratch: &Scratch,
    order: Order,
) -> Result<Answer, Ending> {
    process.hello().await.ok_or(Ending::Lost)?;
    let query = Query {
        sql: order.query,
        format: order.format,
        folder: process.folder().to_owned(),
        memory: config.memory,
        max_spill: config.max_spill,
        max_rows: config.max_rows,
        threads: config.threads,
        // Beyond what all threads can use in the time; the timeout itself strikes first.
        cpu_seconds: (order.timeout.as_secs() + 2).saturating_mul(config.threads as u64 + 1),
    };
    process.send(&Request::Query(query)).await?;
    let needs = match process.receive().await? {
        Frame::Control(Reply::Needs(needs)) => needs,
        Frame::Control(Reply::Failed(failure)) => return Err(Ending::Because(failure.into())),
        Frame::Control(_) | Frame::Data(_) => return Err(Ending::Lost),
    };
    let tables = if needs.is_empty() {
        Vec::new()
    } else {
        // Both fail only if whoever asked is gone, and then this future is about to be dropped.
        order
            .needs
            .send(needs)
            .map_err(|_| Ending::Because(shutting_down()))?;
        let tables = order
            .tables
            .await
            .map_err(|_| Ending::Because(SqlError::Cancelled))?;
        tables.map_err(Ending::Because)?
    };
    process.send(&Request::Tables(tables)).await?;
    let mut collector = Collector::new(scratch, config.max_bytes);
    loop {
        match process.receive().await? {
            Frame::Data(bytes) => collector.push(&bytes).await.map_err(Ending::Because)?,
            Frame::Control(Reply::Progress(done)) => order.progress.set(done),
            Frame::Control(Reply::Failed(failure)) => return Err(Ending::Because(failure.into())),
            Frame::Control(Reply::Done(done)) => {
                let (body, bytes) = collector.finish().await.map_err(Ending::Because)?;
                return Ok(Answer {
                    body,
                    bytes,
                    media_type: order.format.media_type(),
                    row_count: done.row_count,
                    truncated: done.truncated,
                });
            }
            Frame::Control(Reply::Hello(_) | Reply::Needs(_)) => return Err(Ending::Lost),
        }
    }
}

impl From<Failure> for SqlError {
    fn from(Failure { kind, fault }: Failure) -> Self {
        match kind {
            FailureKind::Syntax => Self::Syntax(fault),
            FailureKind::UnknownTable => Self::UnknownTable(fault),
            FailureKind::UnknownColumn => Self::UnknownColumn(fault),
            FailureKind::UnknownFunction => Self::UnknownFunction(fault),
            FailureKind::Invalid => Self::Invalid(fault),
            FailureKind::Refused => Self::Refused(fault),
            FailureKind::Failed => Self::Failed(fault),
            FailureKind::Exhausted => Self::Exhausted(fault),
        }
    }
}
