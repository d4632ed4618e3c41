//! The pool of query processes, on a thread of its own: starts them, hands queries to them, reaps
//! them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lastcall_child::guest::sandbox::Capabilities;
use lastcall_child::host::{Killed, Scratch, spawn_owner};
use lastcall_domain::trace::{self, Scope};
use lastcall_domain::{Cancel, Progress, SqlParameter, running_time};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::collect::Collector;
use super::exchange::{self, Ending};
use super::exit_status::{explain, out_of_memory};
use super::process::QueryProcess;
use super::shutting_down;
use crate::answer::{Answer, ResultFormat};
use crate::config::SqlConfig;
use crate::error::SqlError;
use crate::protocol::{Need, Query, Table};

/// How long a child may take until it says that it is ready, when only that is waited for.
const WARM_UP: Duration = Duration::from_secs(30);

/// What the pool is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Query(Box<Job>),
    Capabilities(oneshot::Sender<Result<Capabilities, SqlError>>),
    Shutdown(oneshot::Sender<()>),
}

/// A query, and whoever waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub conversation: Conversation,
    pub timeout: Duration,
    pub started: Instant,
    pub cancel: Cancel,
    /// The trace and the job that it is for.
    pub scope: Scope,
    pub done: oneshot::Sender<Result<Answer, SqlError>>,
}

/// A query, and whom to ask on the way.
#[derive(Debug)]
pub(super) struct Conversation {
    pub query: String,
    /// The values of its placeholders.
    pub parameters: Vec<SqlParameter>,
    pub format: ResultFormat,
    pub progress: Progress,
    /// The tables that it names.
    pub tables: Resolution,
}

/// The tables of a query, which whoever asks for it finds.
#[derive(Debug)]
pub(super) enum Resolution {
    /// Tells which tables are needed, and hears where they are.
    Open(oneshot::Sender<Vec<Need>>, Found),
    /// They were asked for, once for all.
    Found(Vec<Table>),
}

/// Hears where tables are.
pub(super) type Found = oneshot::Receiver<Result<Vec<Table>, SqlError>>;

impl Resolution {
    /// The tables that a child names.
    async fn tables(&mut self, needs: Vec<Need>) -> Result<Vec<Table>, Ending> {
        if needs.is_empty() {
            return Ok(Vec::new());
        }
        if let Self::Open(..) = self {
            let open = std::mem::replace(self, Self::Found(Vec::new()));
            let Self::Open(ask, found) = open else {
                return Err(Ending::Lost);
            };
            // Both fail only if whoever asked is gone, and then this future is about to be
            // dropped.
            let gone = || Ending::Because(SqlError::Cancelled);
            ask.send(needs).map_err(|_| gone())?;
            let found = found.await.map_err(|_| gone())?;
            *self = Self::Found(found.map_err(Ending::Because)?);
        }
        match self {
            Self::Found(tables) => Ok(tables.clone()),
            Self::Open(..) => Err(Ending::Lost),
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
            // Whoever asked may have given up waiting.
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
        // Commands that came too late are dropped with the inbox; their senders see it.
        let spares = std::mem::take(&mut *self.spares.borrow_mut());
        for spare in spares {
            spare.inner.end().await;
        }
        reply
    }

    /// A query from start to end. Its child is gone before the answer is sent.
    async fn serve(self: Rc<Self>, mut job: Job) {
        let mut answer = self.attempt(&mut job).await;
        if let Err(Attempt::OutOfMemory) = answer {
            log::warn!("out of memory: the kernel killed a query process; retrying the query");
            let oom_kills = &self.config.oom_kills;
            oom_kills
                .pause_before_retry(&job.cancel, &self.closing)
                .await;
            answer = self.attempt(&mut job).await;
        }
        let answer = answer.map_err(|failed| match failed {
            Attempt::Failed(error) => error,
            Attempt::OutOfMemory => out_of_memory(),
        });
        // Whoever asked may have given up waiting.
        let _ = job.done.send(answer);
    }

    async fn attempt(&self, job: &mut Job) -> Result<Answer, Attempt> {
        let mut process = self.take().await?;
        self.refill();
        // It ends when the child is gone.
        let span = trace::child("sql child process");
        if let Some(id) = process.inner.id() {
            span.set("process.pid", || id);
        }
        let kills = self.config.oom_kills.count();
        let left = job.timeout.saturating_sub(job.started.elapsed());
        let ending = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(Ending::Because(SqlError::Cancelled)),
            () = job.done.closed() => Err(Ending::Because(SqlError::Cancelled)),
            () = self.closing.cancelled() => Err(Ending::Because(shutting_down())),
            () = running_time::sleep(left) => Err(Ending::Because(SqlError::Timeout(job.timeout))),
            ending = self.converse(&mut process, &mut job.conversation, left) => ending,
        };
        match ending {
            Ok(answer) => {
                process.inner.end().await;
                Ok(answer)
            }
            Err(Ending::Because(error)) => {
                process.inner.end().await;
                span.fail(error.code());
                Err(error.into())
            }
            Err(Ending::Lost) => {
                let exit = process.inner.wait_for_exit().await;
                span.fail("child_lost");
                match self.config.oom_kills.killed(&exit, kills) {
                    Some(Killed::OutOfMemory) => Err(Attempt::OutOfMemory),
                    Some(Killed::ByHand) | None => Err(explain(&exit, job.timeout).into()),
                }
            }
        }
    }

    async fn converse(
        &self,
        process: &mut QueryProcess,
        job: &mut Conversation,
        left: Duration,
    ) -> Result<Answer, Ending> {
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
            // More than all threads can use in the time: the timeout itself strikes first.
            cpu_seconds: (left.as_secs() + 2).saturating_mul(config.threads as u64 + 1),
        };
        let needs = match exchange::ask(process, &query).await {
            // A spare that something killed while it waited is not the query's fault.
            Err(Ending::Lost) if process.inner.was_killed().await => {
                let fresh = self.start().map_err(Ending::Because)?;
                std::mem::replace(process, fresh).inner.end().await;
                query.folder = process.inner.folder().to_owned();
                exchange::ask(process, &query).await?
            }
            needs => needs?,
        };
        let tables = job.tables.tables(needs).await?;
        let collector = Collector::new(&self.scratch, config.max_bytes);
        exchange::answer(process, tables, job.format, collector, &job.progress).await
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
        // Whoever asked may have given up waiting.
        let _ = reply.send(capabilities);
    }

    /// A spare that lives, or a fresh child.
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

    /// Starts children until there are enough spares. A failure is left to the query that finds
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

/// Why an attempt at a query has no answer.
enum Attempt {
    Failed(SqlError),
    /// The kernel killed its child for want of memory.
    OutOfMemory,
}

impl From<SqlError> for Attempt {
    fn from(error: SqlError) -> Self {
        Self::Failed(error)
    }
}
