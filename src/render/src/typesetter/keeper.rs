//! The thread that owns every child: starts them, hands documents to them, reaps them.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use lastcall_child::host::{Death, Process, Scratch};
use lastcall_domain::Cancel;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::exchange::{Ending, Setter};
use super::{TypesetterConfig, shutting_down};
use crate::error::RenderError;
use crate::pdf::Manuscript;

/// The pause before a document is set once more whose child the kernel killed for want of memory.
const OOM_PAUSE: Duration = Duration::from_millis(500);

/// What the keeper is asked for.
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
    pub(super) done: oneshot::Sender<Result<Vec<u8>, RenderError>>,
}

/// Starts the thread.
pub(super) fn start(
    config: TypesetterConfig,
    inbox: mpsc::UnboundedReceiver<Command>,
) -> io::Result<JoinHandle<()>> {
    let scratch = Scratch::new(&config.scratch, "pdf-")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .thread_name("pdf-files")
        .build()?;
    std::thread::Builder::new()
        .name("pdf-keeper".into())
        .spawn(move || {
            let keeper = Rc::new(Keeper {
                config,
                scratch,
                idle: RefCell::default(),
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
    config: TypesetterConfig,
    scratch: Scratch,
    /// Children without work and since when, the one that waits longest first.
    idle: RefCell<Vec<(Instant, Setter)>>,
    closing: Cancel,
}

/// Why an attempt at a document has no PDF.
enum Attempt {
    Failed(RenderError),
    /// Its child was killed, and not by the keeper.
    Killed(Killed),
}

#[derive(Clone, Copy)]
enum Killed {
    /// By the kernel, for want of memory of the machine or the container.
    OutOfMemory,
    /// By somebody.
    ByHand,
}

impl Keeper {
    async fn run(
        self: Rc<Self>,
        mut inbox: mpsc::UnboundedReceiver<Command>,
    ) -> Option<oneshot::Sender<()>> {
        let mut tasks = JoinSet::new();
        let reply = loop {
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Typeset(job)) => {
                        tasks.spawn_local(self.clone().serve(*job));
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
                log::warn!("out of memory: the kernel killed a typesetting child; another begins");
                let cancel = job.cancel.clone();
                tokio::select! {
                    () = sleep(OOM_PAUSE) => {}
                    () = cancel.cancelled() => {}
                    () = self.closing.cancelled() => {}
                }
            }
            answer = self.attempt(&mut job).await;
        }
        let answer = answer.map_err(|failed| match failed {
            Attempt::Failed(error) => error,
            Attempt::Killed(Killed::OutOfMemory) => RenderError::Exhausted(
                "the machine ran out of memory while the PDF was set".to_owned(),
            ),
            Attempt::Killed(Killed::ByHand) => {
                RenderError::Unavailable("the typesetting child was killed".to_owned())
            }
        });
        // Whoever asked may have given up waiting.
        let _ = job.done.send(answer);
    }

    async fn attempt(&self, job: &mut Job) -> Result<Vec<u8>, Attempt> {
        let kills = self.config.oom_kills.count();
        let mut setter = self.take().await?;
        let ending = tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err(Ending::Because(RenderError::Cancelled)),
            () = job.done.closed() => Err(Ending::Because(RenderError::Cancelled)),
            () = self.closing.cancelled() => Err(Ending::Because(shutting_down())),
            ending = setter.typeset(&job.manuscript, self.config.memory) => ending,
        };
        match ending {
            Ok(pdf) => {
                self.put_back(setter).await;
                Ok(pdf)
            }
            Err(Ending::Because(error)) => {
                setter.process.end().await;
                Err(Attempt::Failed(error))
            }
            Err(Ending::Lost) => Err(self.explain(&setter.process.post_mortem().await, kills)),
        }
    }

    /// What became of a child that was lost.
    fn explain(&self, death: &Death, kills: Option<u64>) -> Attempt {
        let counted = self.config.oom_kills.count();
        match death.signal() {
            // The kernel counts before it kills. Where it does not, nobody else kills a child.
            Some(Signal::SIGKILL) if counted.is_some() && counted == kills => {
                Attempt::Killed(Killed::ByHand)
            }
            Some(Signal::SIGKILL) => Attempt::Killed(Killed::OutOfMemory),
            // Rust's allocator aborts after a message, its stack guard as well.
            Some(Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS) => Attempt::Failed(
                RenderError::Exhausted("the PDF needs more memory than it may have".to_owned()),
            ),
            _ => {
                let said = death.stderr.lines().next().unwrap_or("it said nothing");
                let why = format!("the typesetting child ended early: {said}");
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
        let folder = self.scratch.folder("document-");
        let process = folder.and_then(|folder| Process::start(&self.config.program, folder));
        process.map(Setter::new).map_err(|error| {
            let why = format!("no child can be started: {error}");
            Attempt::Failed(RenderError::Unavailable(why))
        })
    }

    async fn put_back(&self, setter: Setter) {
        if setter.is_spent(&self.config) {
            setter.process.end().await;
        } else {
            self.idle.borrow_mut().push((Instant::now(), setter));
        }
    }
}
