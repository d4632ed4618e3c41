//! The thread that owns every child: starts them, hands queries to them, reaps them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lastcall_domain::{Cancel, Progress, SqlParameter, running_time};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::collect::Collector;
use super::exchange::{self, Ending};
use super::process::Process;
use super::scratch::Scratch;
use super::shutting_down;
use crate::answer::{Answer, ResultFormat};
use crate::config::SqlConfig;
use crate::error::SqlError;
use crate::protocol::{Capabilities, Need, Query, Table};

/// How long a child may take until it says that it is ready, when only that is waited for.
const WARM_UP: Duration = Duration::from_secs(30);

/// What the keeper is asked for.
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
    /// Tells which tables are needed, and hears where they are. Asked once.
    pub tables: Option<(oneshot::Sender<Vec<Need>>, Found)>,
}

/// Hears where tables are.
pub(super) type Found = oneshot::Receiver<Result<Vec<Table>, SqlError>>;

/// Starts the thread.
pub(super) fn start(
    config: SqlConfig,
    inbox: mpsc::UnboundedReceiver<Command>,
) -> io::Result<JoinHandle<()>> {
    let scratch = Scratch::new(&config.scratch)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_name("sql-files")
        .build()?;
    std::thread::Builder::new()
        .name("sql-keeper".into())
        .spawn(move || {
            let keeper = Rc::new(Keeper {
                config,
                scratch,
                spares: RefCell::default(),
                closing: Cancel::new(),
            });
            let reply = LocalSet::new().block_on(&runtime, keeper.run(inbox));
            drop(runtime);
            if let Some(reply) = reply {
                // Whoever asked may have given up waiting.
                let _ = reply.send(());
            }
        })
}

struct Keeper {
    config: SqlConfig,
    scratch: Scratch,
    spares: RefCell<VecDeque<Process>>,
    closing: Cancel,
}

impl Keeper {
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
                        tasks.spawn_local(self.clone().serve(*job));
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
            spare.end().await;
        }
        reply
    }

    /// A query from start to end. Its child is gone before the answer is sent.
    async fn serve(self: Rc<Self>, mut job: Job) {
        let mut process = match self.take().await {
            Ok(process) => process,
            Err(error) => {
                let _ = job.done.send(Err(error));
                return;
            }
        };
        self.refill();
        let left = job.timeout.saturating_sub(job.started.elapsed());
        let ending = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(Ending::Because(SqlError::Cancelled)),
            () = job.done.closed() => Err(Ending::Because(SqlError::Cancelled)),
            () = self.closing.cancelled() => Err(Ending::Because(shutting_down())),
            () = running_time::sleep(left) => Err(Ending::Because(SqlError::Timeout(job.timeout))),
            ending = self.converse(&mut process, &mut job.conversation, left) => ending,
        };
        let answer = match ending {
            Ok(answer) => {
                process.end().await;
                Ok(answer)
            }
            Err(Ending::Because(error)) => {
                process.end().await;
                Err(error)
            }
            Err(Ending::Lost) => Err(process.post_mortem(job.timeout).await),
        };
        // Whoever asked may have given up waiting.
        let _ = job.done.send(answer);
    }

    async fn converse(
        &self,
        process: &mut Process,
        job: &mut Conversation,
        left: Duration,
    ) -> Result<Answer, Ending> {
        let config = &self.config;
        let mut query = Query {
            sql: std::mem::take(&mut job.query),
            parameters: std::mem::take(&mut job.parameters),
            format: job.format,
            folder: process.folder().to_owned(),
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
            Err(Ending::Lost) if process.was_killed().await => {
                let fresh = self.start().map_err(Ending::Because)?;
                std::mem::replace(process, fresh).end().await;
                query.folder = process.folder().to_owned();
                exchange::ask(process, &query).await?
            }
            needs => needs?,
        };
        let tables = match (needs.is_empty(), job.tables.take()) {
            (false, Some((ask, tables))) => {
                // Both fail only if whoever asked is gone, and then this future is about to be
                // dropped.
                ask.send(needs)
                    .map_err(|_| Ending::Because(SqlError::Cancelled))?;
                let tables = tables
                    .await
                    .map_err(|_| Ending::Because(SqlError::Cancelled))?;
                tables.map_err(Ending::Because)?
            }
            _ => Vec::new(),
        };
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
                    Some(None) => Err(process.post_mortem(WARM_UP).await),
                    None => {
                        process.end().await;
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
    async fn take(&self) -> Result<Process, SqlError> {
        loop {
            let spare = self.spares.borrow_mut().pop_front();
            let Some(mut spare) = spare else {
                return self.start();
            };
            if spare.lives() {
                return Ok(spare);
            }
            spare.end().await;
        }
    }

    fn start(&self) -> Result<Process, SqlError> {
        Process::start(&self.config, &self.scratch)
            .map_err(|error| SqlError::Unavailable(error.to_string()))
    }

    /// Starts children until there are enough spares. A failure is left to the query that finds
    /// no spare.
    fn refill(&self) {
        let mut spares = self.spares.borrow_mut();
        while spares.len() < self.config.spares && !self.closing.is_cancelled() {
            match Process::start(&self.config, &self.scratch) {
                Ok(process) => spares.push_back(process),
                Err(error) => {
                    log::warn!("cannot start a spare child for SQL queries: {error}");
                    return;
                }
            }
        }
    }
}
