//! The pool of query processes, on a thread of its own: starts them, sends queries to them, reaps
//! them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use lastcall_child::guest::sandbox::Capabilities;
use lastcall_child::host::{Killed, Scratch, spawn_owner};
use lastcall_domain::trace::{self, Scope};
use lastcall_domain::{Cancel, Dependency, Progress, SqlParameter, running_time};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::collect::Collector;
use super::exchange::{self, ExchangeError};
use super::exit_status::{explain, out_of_memory};
use super::process::QueryProcess;
use super::shutting_down;
use crate::config::SqlConfig;
use crate::error::SqlError;
use crate::protocol::{Need, Query, Table};
use crate::result::{QueryResult, ResultFormat};

/// The time limit for a child to become ready in [`Sql::capabilities`](super::Sql::capabilities).
const WARM_UP: Duration = Duration::from_secs(30);

/// A command to the pool.
#[derive(Debug)]
pub(super) enum Command {
    Query(Box<Job>),
    Capabilities(oneshot::Sender<Result<Capabilities, SqlError>>),
    Shutdown(oneshot::Sender<()>),
}

/// A query to run.
#[derive(Debug)]
pub(super) struct Job {
    pub exchange: Exchange,
    pub timeout: Duration,
    pub started: Instant,
    pub cancel: Cancel,
    /// The trace and the job that it belongs to.
    pub scope: Scope,
    pub done: oneshot::Sender<Result<QueryResult, SqlError>>,
}

/// What is exchanged with a child: a query and its tables.
#[derive(Debug)]
pub(super) struct Exchange {
    pub query: String,
    /// The values of its placeholders.
    pub parameters: Vec<SqlParameter>,
    pub format: ResultFormat,
    pub progress: Progress,
    /// The tables that it names.
    pub tables: TableResolution,
}

/// The tables of a query, which the caller resolves.
#[derive(Debug)]
pub(super) enum TableResolution {
    /// Sends the needed tables to the caller, and receives their files.
    Pending(oneshot::Sender<Vec<Need>>, ResolvedTables),
    /// Already resolved.
    Resolved(Vec<Table>),
}

/// Receives the files of tables.
pub(super) type ResolvedTables = oneshot::Receiver<Result<Vec<Table>, SqlError>>;

impl TableResolution {
    /// The tables that a child names.
    async fn tables(&mut self, needs: Vec<Need>) -> Result<Vec<Table>, ExchangeError> {
        if needs.is_empty() {
            return Ok(Vec::new());
        }
        if let Self::Pending(..) = self {
            let pending = std::mem::replace(self, Self::Resolved(Vec::new()));
            let Self::Pending(needed, found) = pending else {
                return Err(ExchangeError::Lost);
            };
            // Both fail only if the caller is gone, and then this future is about to be dropped.
            let gone = || ExchangeError::Failed(SqlError::Cancelled);
            needed.send(needs).map_err(|_| gone())?;
            let found = found.await.map_err(|_| gone())?;
            *self = Self::Resolved(found.map_err(ExchangeError::Failed)?);
        }
        match self {
            Self::Resolved(tables) => Ok(tables.clone()),
            Self::Pending(..) => Err(ExchangeError::Lost),
        }
    }
}

/// Starts the thread.
pub(super) fn start(
    config: SqlConfig,
    inbox: mpsc::UnboundedReceiver<Command>,
) -> io::Result<JoinHandle<()>> {
    let scratch = Scratch::new(&config.scratch, "sql-")?;
    let run = move || {
        let pool = Rc::new(ChildPool {
            config,
            scratch,
            spares: RefCell::default(),
            closing: Cancel::new(),
        });
        pool.run(inbox)
    };
    spawn_owner("sql", 4, run, |reply| {
        if let Some(reply) = reply {
            // The caller may have stopped waiting.
            let _ = reply.send(());
        }
    })
}

struct ChildPool {
    config: SqlConfig,
    scratch: Scratch,
    spares: RefCell<VecDeque<QueryProcess>>,
    closing: Cancel,
}

impl ChildPool {
    async fn run(
        self: Rc<Self>,
        mut inbox: mpsc::UnboundedReceiver<Command>,
    ) -> Option<oneshot::Sender<()>> {
        let mut tasks = JoinSet::new();
        self.refill();
        let reply = loop {
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Query(job)) => {
                        let scope = job.scope.clone();
                        tasks.spawn_local(scope.run(self.clone().serve(*job)));
                    }
                    Some(Command::Capabilities(reply)) => {
                        tasks.spawn_local(self.clone().probe(reply));
                    }
                    Some(Command::Shutdown(reply)) => break Some(reply),
                    None => break None,
                },
                Some(_) = tasks.join_next() => {}
            }
        };
        self.closing.cancel();
        while tasks.join_next().await.is_some() {}
        // Later commands are dropped with the inbox; their senders notice.
        let spares = std::mem::take(&mut *self.spares.borrow_mut());
        for spare in spares {
            spare.inner.end().await;
        }
        reply
    }

    /// Serves a query. Its child is reaped before the result is sent.
    async fn serve(self: Rc<Self>, mut job: Job) {
        let mut result = self.attempt_or_outage(&mut job).await;
        if let Err(AttemptError::OutOfMemory) = result {
            log::warn!("out of memory: the kernel killed a query process; retrying the query");
            let oom_kills = &self.config.oom_kills;
            oom_kills
                .pause_before_retry(&job.cancel, &self.closing)
                .await;
            result = self.attempt_or_outage(&mut job).await;
        }
        let result = result.map_err(|failed| match failed {
            AttemptError::Failed(error) => error,
            AttemptError::OutOfMemory => out_of_memory(),
        });
        // The caller may have stopped waiting.
        let _ = job.done.send(result);
    }

    /// As [`attempt`](Self::attempt), if it panics for want of a thread.
    async fn attempt_or_outage(&self, job: &mut Job) -> Result<QueryResult, AttemptError> {
        let attempt = AssertUnwindSafe(self.attempt(job)).catch_unwind();
        attempt.await.unwrap_or_else(|panic| {
            let Some(dependency) = Dependency::of_panic(&*panic) else {
                resume_unwind(panic);
            };
            let detail = "no thread can be started to write the result".to_owned();
            Err(SqlError::Environment { dependency, detail }.into())
        })
    }

    async fn attempt(&self, job: &mut Job) -> Result<QueryResult, AttemptError> {
        let mut process = self.take().await?;
        self.refill();
        // The span ends when the child is gone.
        let span = trace::child("sql child process");
        if let Some(id) = process.inner.id() {
            span.set("process.pid", || id);
        }
        let kills = self.config.oom_kills.count();
        let left = job.timeout.saturating_sub(job.started.elapsed());
        let ending = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(ExchangeError::Failed(SqlError::Cancelled)),
            () = job.done.closed() => Err(ExchangeError::Failed(SqlError::Cancelled)),
            () = self.closing.cancelled() => Err(ExchangeError::Failed(shutting_down())),
            () = running_time::sleep(left) => {
                Err(ExchangeError::Failed(SqlError::Timeout(job.timeout)))
            }
            ending = self.run_on(&mut process, &mut job.exchange, left) => ending,
        };
        match ending {
            Ok(result) => {
                process.inner.end().await;
                Ok(result)
            }
            Err(ExchangeError::Failed(error)) => {
                process.inner.end().await;
                span.fail(error.code());
                Err(error.into())
            }
            Err(ExchangeError::Lost) => {
                let exit = process.inner.wait_for_exit().await;
                span.fail("child_lost");
                match self.config.oom_kills.killed(&exit, kills) {
                    Some(Killed::OutOfMemory) => Err(AttemptError::OutOfMemory),
                    Some(Killed::ByHand) | None => Err(explain(&exit, job.timeout).into()),
                }
            }
        }
    }

    async fn run_on(
        &self,
        process: &mut QueryProcess,
        job: &mut Exchange,
        left: Duration,
    ) -> Result<QueryResult, ExchangeError> {
        let config = &self.config;
        let mut query = Query {
            sql: job.query.clone(),
            parameters: job.parameters.clone(),
            format: job.format,
            folder: process.inner.folder().to_owned(),
            memory: config.memory,
            max_spill: config.max_spill,
            max_rows: config.max_rows,
            threads: config.threads,
            require_sandbox: config.require_sandbox,
            // More than all threads can use within the timeout, which expires first.
            cpu_seconds: (left.as_secs() + 2).saturating_mul(config.threads as u64 + 1),
        };
        let needs = match exchange::send_query(process, &query).await {
            // The query is not at fault if a waiting spare was killed.
            Err(ExchangeError::Lost) if process.inner.was_killed().await => {
                let fresh = self.start().map_err(ExchangeError::Failed)?;
                std::mem::replace(process, fresh).inner.end().await;
                query.folder = process.inner.folder().to_owned();
                exchange::send_query(process, &query).await?
            }
            needs => needs?,
        };
        let tables = job.tables.tables(needs).await?;
        let collector = Collector::new(&self.scratch, config.max_bytes);
        exchange::receive_result(process, tables, job.format, collector, &job.progress).await
    }

    async fn probe(self: Rc<Self>, reply: oneshot::Sender<Result<Capabilities, SqlError>>) {
        let capabilities = match self.take().await {
            Ok(mut process) => {
                let hello = tokio::select! {
                    hello = process.hello() => Some(hello),
                    () = tokio::time::sleep(WARM_UP) => None,
                    () = self.closing.cancelled() => None,
                };
                match hello {
                    Some(Some(capabilities)) => {
                        self.spares.borrow_mut().push_front(process);
                        Ok(capabilities)
                    }
                    Some(None) => {
                        let exit = process.inner.wait_for_exit().await;
                        Err(explain(&exit, WARM_UP))
                    }
                    None => {
                        process.inner.end().await;
                        Err(SqlError::Unavailable("the child does not start".into()))
                    }
                }
            }
            Err(error) => Err(error),
        };
        // The caller may have stopped waiting.
        let _ = reply.send(capabilities);
    }

    /// A spare that is alive, or a new child.
    async fn take(&self) -> Result<QueryProcess, SqlError> {
        loop {
            let spare = self.spares.borrow_mut().pop_front();
            let Some(mut spare) = spare else {
                return self.start();
            };
            if spare.inner.lives() {
                return Ok(spare);
            }
            spare.inner.end().await;
        }
    }

    fn start(&self) -> Result<QueryProcess, SqlError> {
        QueryProcess::start(&self.config, &self.scratch)
    }

    /// Starts children until there are enough spares. A failure is reported by the query that finds
    /// no spare.
    fn refill(&self) {
        let mut spares = self.spares.borrow_mut();
        while spares.len() < self.config.spares && !self.closing.is_cancelled() {
            match QueryProcess::start(&self.config, &self.scratch) {
                Ok(process) => spares.push_back(process),
                Err(error) => {
                    log::warn!("cannot start a spare child for SQL queries: {error}");
                    return;
                }
            }
        }
    }
}

/// Why an attempt failed.
enum AttemptError {
    Failed(SqlError),
    /// The OOM killer killed its child.
    OutOfMemory,
}

impl From<SqlError> for AttemptError {
    fn from(error: SqlError) -> Self {
        Self::Failed(error)
    }
}
