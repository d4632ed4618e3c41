//! The service's side: accepts queries, keeps processes ready, returns results.

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

use crate::answer::{Answer, ResultFormat};
use crate::config::{MAX_QUERY_BYTES, SqlConfig};
use crate::error::{Fault, SqlError};
use crate::query::SqlQuery;
use crate::tables::Tables;
use child_pool::{Command, Conversation, Job, Resolution};

/// Runs queries, each in a child process of its own.
///
/// One thread with a runtime of its own starts, feeds, watches and reaps all children: the
/// operating system ties a child's life to the thread that started it, and callers may come from
/// runtimes that end before this value does. Share it in an `Arc`.
#[derive(Debug)]
pub struct Sql {
    commands: mpsc::UnboundedSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sql {
    /// Sweeps what dead processes left in the scratch folder and starts the spare children. It
    /// does not wait until they are warm.
    ///
    /// # Errors
    /// [`SqlError::Unavailable`] when the scratch folder cannot be written or the thread cannot be
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

    /// Runs a query. The timeout spans everything: parsing, opening the tables, running.
    ///
    /// When this returns, the child is dead and reaped and its temporary folder removed.
    ///
    /// # Errors
    /// Whatever is wrong with the query; see [`SqlError`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the query like [`Cancel::cancel`] does, only that nobody waits for
    /// the child's end.
    pub async fn query<'a>(
        &self,
        query: impl Into<SqlQuery<'a>>,
        tables: &dyn Tables,
        format: ResultFormat,
        timeout: Duration,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Answer, SqlError> {
        let query = query.into();
        if query.text.len() > MAX_QUERY_BYTES {
            return Err(SqlError::Refused(Fault::new(format!(
                "the query has {} bytes, more than {MAX_QUERY_BYTES}",
                query.text.len()
            ))));
        }
        let outcome = self
            .converse(query, tables, format, timeout, cancel, progress)
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

    async fn converse(
        &self,
        query: SqlQuery<'_>,
        tables: &dyn Tables,
        format: ResultFormat,
        timeout: Duration,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Answer, SqlError> {
        let (needs, mut needed) = oneshot::channel();
        let (found, tables_found) = oneshot::channel();
        let (done, mut answer) = oneshot::channel();
        self.send(Command::Query(Box::new(Job {
            conversation: Conversation {
                query: query.text.to_owned(),
                parameters: query.parameters.to_vec(),
                format,
                progress: progress.clone(),
                tables: Resolution::Open(needs, tables_found),
            },
            timeout,
            started: Instant::now(),
            cancel: cancel.clone(),
            scope: Scope::current(),
            done,
        })))?;
        let needs = tokio::select! {
            biased;
            answer = &mut answer => return ended(answer),
            needs = &mut needed => needs,
        };
        // The sender is dropped only on the way to an answer.
        let Ok(needs) = needs else {
            return ended(answer.await);
        };
        let resolved = tokio::select! {
            biased;
            answer = &mut answer => return ended(answer),
            resolved = resolve::resolve(&needs, tables) => resolved,
        };
        // A refusal means that the query has ended; the answer says how.
        let _ = found.send(resolved);
        ended(answer.await)
    }

    /// Which nets of the operating system hold a query. Where one is missing, limits and the
    /// plan's checks hold it alone.
    ///
    /// # Errors
    /// [`SqlError::Unavailable`] when no child can be started.
    pub async fn capabilities(&self) -> Result<Capabilities, SqlError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Capabilities(reply))?;
        ended(answer.await)
    }

    /// Ends queries that still run, kills and reaps all children, removes the folders and joins
    /// the thread. Queries after it fail with [`SqlError::Unavailable`].
    pub async fn shutdown(&self) {
        let (reply, ended) = oneshot::channel();
        if self.commands.send(Command::Shutdown(reply)).is_ok() {
            // An error means that the thread has ended already.
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

/// The outcome that the pool sent, if it lived to send it.
fn ended<T>(
    outcome: Result<Result<T, SqlError>, oneshot::error::RecvError>,
) -> Result<T, SqlError> {
    outcome.unwrap_or_else(|_| Err(shutting_down()))
}
