//! The exchange with a child about one query.

use lastcall_child::host::Frame;
use lastcall_domain::{Dependency, Progress};

use super::collect::Collector;
use super::process::QueryProcess;
use crate::answer::{Answer, ResultFormat};
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

/// Hands a query to a child that has not had one, and hears which tables it names.
pub(super) async fn ask(process: &mut QueryProcess, query: &Query) -> Result<Vec<Need>, Ending> {
    process.hello().await.ok_or(Ending::Lost)?;
    let process = &mut process.inner;
    process.send(&Request::Query(query.clone())).await?;
    match process.receive().await? {
        Frame::Control(Reply::Needs(needs)) => Ok(needs),
        Frame::Control(Reply::Failed(failure)) => Err(Ending::Because(failure.into())),
        Frame::Control(_) | Frame::Data(_) => Err(Ending::Lost),
    }
}

/// Hands over the tables and takes the answer.
pub(super) async fn answer(
    process: &mut QueryProcess,
    tables: Vec<Table>,
    format: ResultFormat,
    mut collector: Collector<'_>,
    progress: &Progress,
) -> Result<Answer, Ending> {
    let process = &mut process.inner;
    process.send(&Request::Tables(tables)).await?;
    loop {
        match process.receive().await? {
            Frame::Data(bytes) => collector.push(&bytes).await.map_err(Ending::Because)?,
            Frame::Control(Reply::Progress(done)) => progress.set(done),
            Frame::Control(Reply::Failed(failure)) => return Err(Ending::Because(failure.into())),
            Frame::Control(Reply::Done(done)) => {
                let (body, bytes) = collector.finish().await.map_err(Ending::Because)?;
                return Ok(Answer {
                    body,
                    bytes,
                    media_type: format.media_type(),
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
            FailureKind::Unprotected => Self::Unprotected(fault),
            FailureKind::ScratchFull => Self::Environment {
                dependency: Dependency::Scratch,
                detail: fault.message,
            },
        }
    }
}
