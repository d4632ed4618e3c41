//! The host: accepts queries, keeps processes ready, returns results.

mod child_pool;
mod collect;
mod exchange;
mod exit_status;
mod process;
mod resolve;

use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lastcall_child::guest::sandbox::Capabilities;
use lastcall_domain::trace::Scope;
use lastcall_domain::{Cancel, Progress};
use tokio::sync::{mpsc, oneshot};

use crate::config::{MAX_QUERY_BYTES, SqlConfig};
use crate::error::{Fault, SqlError};
use crate::query::SqlQuery;
use crate::result::{QueryResult, ResultFormat};
use crate::tables::Tables;
use child_pool::{Command, Exchange, Job, TableResolution};

/// Runs queries, each in a child process of its own.
///
/// One thread with a runtime of its own starts, serves and reaps all children: the parent death
/// signal of a child is tied to the thread that started it, and callers may use runtimes that end
/// before this value does. Share it in an `Arc`.
#[derive(Debug)]
pub struct Sql {
    commands: mpsc::UnboundedSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sql {
    /// Removes leftovers of dead processes from the scratch folder, and starts the spare children
    /// without waiting for them.
    ///
    /// # Errors
    /// [`SqlError::Unavailable`] if the scratch folder is not writable or the thread cannot be
    /// started.
    pub fn new(config: SqlConfig) -> Result<Self, SqlError> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let thread = child_pool::start(config, inbox)
            .map_err(|error| SqlError::Unavailable(error.to_string()))?;
        Ok(Self {
            commands,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs a query. The timeout includes everything: parsing, opening the tables, running.
    ///
    /// When this returns, the child is reaped and its temporary folder removed.
    ///
    /// # Errors
    /// See [`SqlError`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the query as [`Cancel::cancel`] does, without waiting for the
    /// child's exit.
    pub async fn query<'a>(
        &self,
        query: impl Into<SqlQuery<'a>>,
        tables: &dyn Tables,
        format: ResultFormat,
        timeout: Duration,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<QueryResult, SqlError> {
        let query = query.into();
        if query.text.len() > MAX_QUERY_BYTES {
            return Err(SqlError::Refused(Fault::new(format!(
                "the query has {} bytes, more than {MAX_QUERY_BYTES}",
                query.text.len()
            ))));
        }
        let outcome = self
            .run(query, tables, format, timeout, cancel, progress)
            .await;
        match outcome {
            Err(SqlError::Syntax(fault)) if fault.suggestion.is_none() => {
                let names = tables.names().await.unwrap_or_default();
                let hint = resolve::missing_quotes(query.text, &names);
                Err(SqlError::Syntax(fault.suggest(hint)))
            }
            outcome => outcome,
        }
    }

    async fn run(
        &self,
        query: SqlQuery<'_>,
        tables: &dyn Tables,
        format: ResultFormat,
        timeout: Duration,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<QueryResult, SqlError> {
        let (needs, mut needed) = oneshot::channel();
        let (found, tables_found) = oneshot::channel();
        let (done, mut result) = oneshot::channel();
        self.send(Command::Query(Box::new(Job {
            exchange: Exchange {
                query: query.text.to_owned(),
                parameters: query.parameters.to_vec(),
                format,
                progress: progress.clone(),
                tables: TableResolution::Pending(needs, tables_found),
            },
            timeout,
            started: Instant::now(),
            cancel: cancel.clone(),
            scope: Scope::current(),
            done,
        })))?;
        let needs = tokio::select! {
            biased;
            result = &mut result => return unwrap_reply(result),
            needs = &mut needed => needs,
        };
        // The sender is dropped only when a result follows.
        let Ok(needs) = needs else {
            return unwrap_reply(result.await);
        };
        let resolved = tokio::select! {
            biased;
            result = &mut result => return unwrap_reply(result),
            resolved = resolve::resolve(&needs, tables) => resolved,
        };
        // An error means that the query has ended; the result has the reason.
        let _ = found.send(resolved);
        unwrap_reply(result.await)
    }

    /// The sandbox features of the operating system. If one is missing, only the limits and the
    /// checks of plans restrict queries.
    ///
    /// # Errors
    /// [`SqlError::Unavailable`] if no child can be started.
    pub async fn capabilities(&self) -> Result<Capabilities, SqlError> {
        let (reply, result) = oneshot::channel();
        self.send(Command::Capabilities(reply))?;
        unwrap_reply(result.await)
    }

    /// Ends running queries, kills and reaps all children, removes the folders and joins the
    /// thread. Later queries fail with [`SqlError::Unavailable`].
    pub async fn shutdown(&self) {
        let (reply, ended) = oneshot::channel();
        if self.commands.send(Command::Shutdown(reply)).is_ok() {
            // An error means that the thread has already ended.
            let _ = ended.await;
        }
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            log::error!("the query pool's thread panicked");
        }
    }

    fn send(&self, command: Command) -> Result<(), SqlError> {
        self.commands.send(command).map_err(|_| shutting_down())
    }
}

fn shutting_down() -> SqlError {
    SqlError::Unavailable("SQL is shutting down".into())
}

/// The pool's reply; an error if the pool has shut down.
fn unwrap_reply<T>(
    outcome: Result<Result<T, SqlError>, oneshot::error::RecvError>,
) -> Result<T, SqlError> {
    outcome.unwrap_or_else(|_| Err(shutting_down()))
}
