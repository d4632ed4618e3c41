//! The exchange with a child about one query.

use lastcall_child::host::Frame;
use lastcall_domain::{Dependency, Progress};

use super::collect::Collector;
use super::process::QueryProcess;
use crate::error::{Fault, SqlError};
use crate::protocol::{Failure, FailureKind, Need, Query, Reply, Request, Table};
use crate::result::{QueryResult, ResultFormat};

/// Why an exchange ended without a result.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// For a known reason.
    Failed(SqlError),
    /// The child is gone, or violates the protocol.
    Lost,
}

impl From<std::io::Error> for ExchangeError {
    fn from(_: std::io::Error) -> Self {
        Self::Lost
    }
}

/// Sends a query to a child that has not had one, and receives the tables that it names.
pub(super) async fn send_query(
    process: &mut QueryProcess,
    query: &Query,
) -> Result<Vec<Need>, ExchangeError> {
    process.hello().await.ok_or(ExchangeError::Lost)?;
    let process = &mut process.inner;
    process.send(&Request::Query(query.clone())).await?;
    match process.receive().await? {
        Frame::Control(Reply::Needs(needs)) => Ok(needs),
        Frame::Control(Reply::Failed(failure)) => Err(ExchangeError::Failed(failure.into())),
        Frame::Control(_) | Frame::Data(_) => Err(ExchangeError::Lost),
    }
}

/// Sends the tables and receives the result.
pub(super) async fn receive_result(
    process: &mut QueryProcess,
    tables: Vec<Table>,
    format: ResultFormat,
    mut collector: Collector<'_>,
    progress: &Progress,
) -> Result<QueryResult, ExchangeError> {
    let process = &mut process.inner;
    process.send(&Request::Tables(tables)).await?;
    loop {
        match process.receive().await? {
            Frame::Data(bytes) => collector
                .push(&bytes)
                .await
                .map_err(ExchangeError::Failed)?,
            Frame::Control(Reply::Progress(done)) => progress.set(done),
            Frame::Control(Reply::Failed(failure)) => {
                return Err(ExchangeError::Failed(failure.into()));
            }
            Frame::Control(Reply::Done(done)) => {
                let (body, bytes) = collector.finish().await.map_err(ExchangeError::Failed)?;
                return Ok(QueryResult {
                    body,
                    bytes,
                    media_type: format.media_type(),
                    row_count: done.row_count,
                    truncated: done.truncated,
                });
            }
            Frame::Control(Reply::Hello(_) | Reply::Needs(_)) => return Err(ExchangeError::Lost),
        }
    }
}

fn unavailable(dependency: Dependency, fault: Fault) -> SqlError {
    SqlError::Environment {
        dependency,
        detail: fault.message,
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
            FailureKind::Unprotected => Self::Unprotected(fault),
            FailureKind::TableUnreadable => unavailable(Dependency::Blobs, fault),
            FailureKind::ScratchUnavailable => unavailable(Dependency::Scratch, fault),
            FailureKind::NoThreads => unavailable(Dependency::Threads, fault),
            FailureKind::NoFileDescriptors => unavailable(Dependency::FileDescriptors, fault),
        }
    }
}
