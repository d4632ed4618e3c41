//! The pool of typesetting processes, on a thread of its own: starts them, hands documents to
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

use super::exchange::{Ending, Setter};
use super::{TypesetterConfig, shutting_down};
use crate::error::RenderError;
use crate::pdf::Manuscript;

/// What the pool is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Typeset(Box<Job>),
    Shutdown(oneshot::Sender<()>),
}

/// A document, and whoever waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) manuscript: Manuscript,
    pub(super) cancel: Cancel,
    /// The trace and the job that it is for.
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
            // Whoever asked may have given up waiting.
            let _ = reply.send(());
        }
    })
}

struct ChildPool {
    config: TypesetterConfig,
    scratch: Scratch,
    /// Children without work and since when, the one that waits longest first.
    idle: RefCell<Vec<(Instant, Setter)>>,
    closing: Cancel,
}

/// Why an attempt at a document has no PDF.
enum Attempt {
    Failed(RenderError),
    /// Its child was killed, and not by the pool.
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
                // A document that has ended may have left its child idle.
                Some(_) = tasks.join_next() => {}
                spent = self.idle_too_long() => {
                    tasks.spawn_local(spent.process.end());
                }
            }
        };
        self.closing.cancel();
        while tasks.join_next().await.is_some() {}
        // Commands that came too late are dropped with the inbox; their senders see it.
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        for (_, setter) in idle {
            setter.process.end().await;
        }
        reply
    }

    /// Waits for a child that nobody has needed for long.
    async fn idle_too_long(&self) -> Setter {
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

    /// A document from start to end. Where it is called off, its child is gone before the answer
    /// is sent.
    async fn serve(self: Rc<Self>, mut job: Job) {
        let mut answer = self.attempt(&mut job).await;
        if let Err(Attempt::Killed(why)) = &answer {
            if let Killed::OutOfMemory = why {
                log::warn!(
                    "out of memory: the kernel killed a typesetting process; retrying in another"
                );
                let oom_kills = &self.config.oom_kills;
                oom_kills
                    .pause_before_retry(&job.cancel, &self.closing)
                    .await;
            }
            answer = self.attempt(&mut job).await;
        }
        let answer = answer.map_err(|failed| match failed {
            Attempt::Failed(error) => error,
            Attempt::Killed(Killed::OutOfMemory) => RenderError::Exhausted(
                "the machine ran out of memory while the PDF was set".to_owned(),
            ),
            Attempt::Killed(Killed::ByHand) => {
                RenderError::Unavailable("the typesetting process was killed".to_owned())
            }
        });
        // Whoever asked may have given up waiting.
        let _ = job.done.send(answer);
    }

    async fn attempt(&self, job: &mut Job) -> Result<Vec<u8>, Attempt> {
        let kills = self.config.oom_kills.count();
        let untrusted = job.manuscript.look.is_untrusted();
        let mut setter = match untrusted {
            true => self.start()?,
            false => self.take().await?,
        };
        let span = trace::child("pdf child process");
        if let Some(id) = setter.process.id() {
            span.set("process.pid", || id);
        }
        let ending = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(Ending::Because(RenderError::Cancelled)),
            () = job.done.closed() => Err(Ending::Because(RenderError::Cancelled)),
            () = self.closing.cancelled() => Err(Ending::Because(shutting_down())),
            ending = setter.typeset(&job.manuscript, &self.config) => ending,
        };
        match ending {
            Ok(pdf) if untrusted => {
                setter.process.end().await;
                Ok(pdf)
            }
            Ok(pdf) => {
                self.put_back(setter).await;
                Ok(pdf)
            }
            Err(Ending::Because(error)) => {
                span.fail(error.code());
                setter.process.end().await;
                Err(Attempt::Failed(error))
            }
            Err(Ending::Lost) => {
                span.fail("child_lost");
                let exit = setter.process.wait_for_exit().await;
                let limit = untrusted.then(|| self.limit_of_template(&exit)).flatten();
                Err(match limit {
                    Some(why) => Attempt::Failed(RenderError::Template(why)),
                    None => self.explain(&exit, kills),
                })
            }
        }
    }

    /// The limit that a template ended its child by, if it did.
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

    /// How a child ended that was lost.
    fn explain(&self, exit: &ChildExit, kills: Option<u64>) -> Attempt {
        if let Some(killed) = self.config.oom_kills.killed(exit, kills) {
            return Attempt::Killed(killed);
        }
        match exit.signal() {
            // Rust's allocator aborts after a message, its stack guard as well.
            Some(Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS) => Attempt::Failed(
                RenderError::Exhausted("the PDF needs more memory than it may have".to_owned()),
            ),
            _ => {
                let said = exit.stderr.lines().next().unwrap_or("no message");
                let why = format!("the typesetting process exited early: {said}");
                Attempt::Failed(RenderError::Unavailable(why))
            }
        }
    }

    /// The child that was used last and lives, or a fresh one.
    async fn take(&self) -> Result<Setter, Attempt> {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let Some((_, mut setter)) = idle else {
                return self.start();
            };
            if setter.process.lives() {
                return Ok(setter);
            }
            setter.process.end().await;
        }
    }

    fn start(&self) -> Result<Setter, Attempt> {
        let failed = |dependency, error: io::Error| {
            let detail = format!("cannot start a typesetting process: {error}");
            Attempt::Failed(match dependency {
                Some(dependency) => RenderError::Environment { dependency, detail },
                None => RenderError::Unavailable(detail),
            })
        };
        let folder = self.scratch.folder("document-");
        // Its error does not keep the code of the operating system; whatever it was, it is this.
        let folder = folder.map_err(|error| failed(Some(Dependency::Scratch), error))?;
        let process = Process::start(&self.config.program, folder).map(Setter::new);
        process.map_err(|error| failed(Dependency::of_shortage(&error), error))
    }

    async fn put_back(&self, setter: Setter) {
        if setter.is_spent(&self.config) {
            setter.process.end().await;
        } else {
            self.idle.borrow_mut().push((Instant::now(), setter));
        }
    }
}
