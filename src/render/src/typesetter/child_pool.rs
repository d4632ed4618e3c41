//! The pool of typesetting processes, on a thread of its own: starts them, sends documents to
//! them, reaps them.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;

use lastcall_child::host::{ChildExit, Killed, Process, Scratch, spawn_owner};
use lastcall_domain::trace::{self, Scope};
use lastcall_domain::{Cancel, Dependency};
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::exchange::{ExchangeError, TypesetProcess};
use super::{TypesetterConfig, shutting_down};
use crate::error::RenderError;
use crate::pdf::Manuscript;

/// A command to the pool.
#[derive(Debug)]
pub(super) enum Command {
    Typeset(Box<Job>),
    Shutdown(oneshot::Sender<()>),
}

/// A document to typeset.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) manuscript: Manuscript,
    pub(super) cancel: Cancel,
    /// The trace and the job that it belongs to.
    pub(super) scope: Scope,
    pub(super) done: oneshot::Sender<Result<Vec<u8>, RenderError>>,
}

/// Starts the thread.
pub(super) fn start(
    config: TypesetterConfig,
    inbox: mpsc::UnboundedReceiver<Command>,
) -> io::Result<JoinHandle<()>> {
    let scratch = Scratch::new(&config.scratch, "pdf-")?;
    let run = move || {
        let pool = Rc::new(ChildPool {
            config,
            scratch,
            idle: RefCell::default(),
            closing: Cancel::new(),
        });
        pool.run(inbox)
    };
    spawn_owner("pdf", 2, run, |reply| {
        if let Some(reply) = reply {
            // The caller may have stopped waiting.
            let _ = reply.send(());
        }
    })
}

struct ChildPool {
    config: TypesetterConfig,
    scratch: Scratch,
    /// Idle children and since when, longest first.
    idle: RefCell<Vec<(Instant, TypesetProcess)>>,
    closing: Cancel,
}

/// Why an attempt failed.
enum AttemptError {
    Failed(RenderError),
    /// Its child was killed, but not by the pool.
    Killed(Killed),
}

impl ChildPool {
    async fn run(
        self: Rc<Self>,
        mut inbox: mpsc::UnboundedReceiver<Command>,
    ) -> Option<oneshot::Sender<()>> {
        let mut tasks = JoinSet::new();
        let reply = loop {
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Typeset(job)) => {
                        let scope = job.scope.clone();
                        tasks.spawn_local(scope.run(self.clone().serve(*job)));
                    }
                    Some(Command::Shutdown(reply)) => break Some(reply),
                    None => break None,
                },
                // A finished document may have left its child idle.
                Some(_) = tasks.join_next() => {}
                expired = self.idle_too_long() => {
                    tasks.spawn_local(expired.inner.end());
                }
            }
        };
        self.closing.cancel();
        while tasks.join_next().await.is_some() {}
        // Later commands are dropped with the inbox; their senders notice.
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        for (_, process) in idle {
            process.inner.end().await;
        }
        reply
    }

    /// Waits until a child has been idle for too long.
    async fn idle_too_long(&self) -> TypesetProcess {
        loop {
            let since = self.idle.borrow().first().map(|(since, _)| *since);
            match since {
                Some(since) => sleep_until(since + self.config.keep_idle).await,
                None => std::future::pending().await,
            }
            let mut idle = self.idle.borrow_mut();
            if idle.first().map(|(since, _)| *since) == since {
                return idle.remove(0).1;
            }
        }
    }

    /// Serves a document. If it is cancelled, its child is reaped before the reply is sent.
    async fn serve(self: Rc<Self>, mut job: Job) {
        let mut result = self.attempt(&mut job).await;
        if let Err(AttemptError::Killed(why)) = &result {
            if let Killed::OutOfMemory = why {
                log::warn!(
                    "out of memory: the kernel killed a typesetting process; retrying in another"
                );
                let oom_kills = &self.config.oom_kills;
                oom_kills
                    .pause_before_retry(&job.cancel, &self.closing)
                    .await;
            }
            result = self.attempt(&mut job).await;
        }
        let result = result.map_err(|failed| match failed {
            AttemptError::Failed(error) => error,
            AttemptError::Killed(Killed::OutOfMemory) => RenderError::Exhausted(
                "the machine ran out of memory while the PDF was typeset".to_owned(),
            ),
            AttemptError::Killed(Killed::ByHand) => {
                RenderError::Unavailable("the typesetting process was killed".to_owned())
            }
        });
        // The caller may have stopped waiting.
        let _ = job.done.send(result);
    }

    async fn attempt(&self, job: &mut Job) -> Result<Vec<u8>, AttemptError> {
        let kills = self.config.oom_kills.count();
        let untrusted = job.manuscript.theme.is_untrusted();
        let mut process = match untrusted {
            true => self.start()?,
            false => self.take().await?,
        };
        let span = trace::child("pdf child process");
        if let Some(id) = process.inner.id() {
            span.set("process.pid", || id);
        }
        let ending = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(ExchangeError::Failed(RenderError::Cancelled)),
            () = job.done.closed() => Err(ExchangeError::Failed(RenderError::Cancelled)),
            () = self.closing.cancelled() => Err(ExchangeError::Failed(shutting_down())),
            ending = process.typeset(&job.manuscript, &self.config) => ending,
        };
        match ending {
            Ok(pdf) if untrusted => {
                process.inner.end().await;
                Ok(pdf)
            }
            Ok(pdf) => {
                self.put_back(process).await;
                Ok(pdf)
            }
            Err(ExchangeError::Failed(error)) => {
                span.fail(error.code());
                process.inner.end().await;
                Err(AttemptError::Failed(error))
            }
            Err(ExchangeError::Lost) => {
                span.fail("child_lost");
                let exit = process.inner.wait_for_exit().await;
                let limit = untrusted.then(|| self.limit_of_template(&exit)).flatten();
                Err(match limit {
                    Some(why) => AttemptError::Failed(RenderError::Template(why)),
                    None => self.explain(&exit, kills),
                })
            }
        }
    }

    /// The limit that a template exceeded, if its child ended because of one.
    fn limit_of_template(&self, exit: &ChildExit) -> Option<String> {
        match exit.signal()? {
            Signal::SIGXCPU => {
                let seconds = self.config.template_cpu_seconds;
                Some(format!("it needs more than {seconds} s of processor time"))
            }
            // Rust's allocator aborts after a message, its stack guard as well.
            Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS => {
                let mebibytes = self.config.memory >> 20;
                Some(format!(
                    "it needs more memory than {mebibytes} MiB, or calls itself too deeply"
                ))
            }
            _ => None,
        }
    }

    /// Converts the exit of a lost child to an error.
    fn explain(&self, exit: &ChildExit, kills: Option<u64>) -> AttemptError {
        if let Some(killed) = self.config.oom_kills.killed(exit, kills) {
            return AttemptError::Killed(killed);
        }
        match exit.signal() {
            // Rust's allocator aborts after a message, its stack guard as well.
            Some(Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS) => AttemptError::Failed(
                RenderError::Exhausted("the PDF needs more memory than it may have".to_owned()),
            ),
            _ => {
                let message = exit.stderr.lines().next().unwrap_or("no message");
                let why = format!("the typesetting process exited early: {message}");
                AttemptError::Failed(RenderError::Unavailable(why))
            }
        }
    }

    /// The child that was used last and is alive, or a new one.
    async fn take(&self) -> Result<TypesetProcess, AttemptError> {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let Some((_, mut process)) = idle else {
                return self.start();
            };
            if process.inner.lives() {
                return Ok(process);
            }
            process.inner.end().await;
        }
    }

    fn start(&self) -> Result<TypesetProcess, AttemptError> {
        let failed = |dependency, error: io::Error| {
            let detail = format!("cannot start a typesetting process: {error}");
            AttemptError::Failed(match dependency {
                Some(dependency) => RenderError::Environment { dependency, detail },
                None => RenderError::Unavailable(detail),
            })
        };
        let folder = self.scratch.folder("document-");
        // The error has no code of the operating system; the scratch folder is the cause.
        let folder = folder.map_err(|error| failed(Some(Dependency::Scratch), error))?;
        let process = Process::start(&self.config.program, folder).map(TypesetProcess::new);
        process.map_err(|error| failed(Dependency::of_shortage(&error), error))
    }

    async fn put_back(&self, process: TypesetProcess) {
        if process.needs_replacement(&self.config) {
            process.inner.end().await;
        } else {
            self.idle.borrow_mut().push((Instant::now(), process));
        }
    }
}
