//! Typesets PDFs with typst in child processes.
//!
//! typst keeps what it interns until its process exits, and cannot be interrupted. So a child
//! typesets some hundred documents, one after the other, and is then replaced; a document that is
//! cancelled is killed with its child.
//!
//! A caller's template is a program, and a logo is decoded by libraries that have had bugs: a
//! document with either gets a new child of its own, which is not reused. It sees no other
//! caller's data and leaves nothing behind; exceeding a limit of time or memory is an error of the
//! template.

pub mod child;
mod child_pool;
mod exchange;
mod protocol;

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use lastcall_child::host::{OomKills, Program};
use lastcall_domain::Cancel;
use lastcall_domain::trace::Scope;
use tokio::sync::{mpsc, oneshot};

use crate::error::RenderError;
use crate::pdf::Manuscript;
use child_pool::{Command, Job};

/// The children of a typesetter and their limits.
#[derive(Clone, Debug)]
pub struct TypesetterConfig {
    /// The program of a child; it has to call [`child::main`].
    pub program: Program,
    /// The folder in which each child has a temporary folder of its own. It is created if it is
    /// missing; leftovers of dead processes are removed.
    pub scratch: PathBuf,
    /// Bytes of address space that a document may use beyond those of the idle child.
    pub memory: u64,
    /// Seconds of CPU time for a document with a caller's template or logo, including the start of
    /// its child.
    pub template_cpu_seconds: u64,
    /// Whether such a document is rejected if the kernel does not support the sandbox.
    pub require_sandbox: bool,
    /// The number of documents after which a child is replaced.
    pub max_documents: u32,
    /// The peak memory in bytes after which a child is replaced.
    pub max_resident: u64,
    /// How long an idle child is kept for the next document.
    pub keep_idle: Duration,
    /// Distinguishes children that the OOM killer killed from those killed otherwise.
    pub oom_kills: OomKills,
}

impl TypesetterConfig {
    /// The defaults: 512 MiB of memory, 10 s for templates, 200 documents or 192 MiB, a minute
    /// idle.
    pub fn new(program: Program, scratch: impl Into<PathBuf>) -> Self {
        Self {
            program,
            scratch: scratch.into(),
            memory: 512 << 20,
            template_cpu_seconds: 10,
            require_sandbox: false,
            max_documents: 200,
            max_resident: 192 << 20,
            keep_idle: Duration::from_secs(60),
            oom_kills: OomKills::find(),
        }
    }
}

/// Typesets documents in child processes, one for each concurrent caller.
///
/// One thread with a runtime of its own starts, serves and reaps all children: the parent death
/// signal of a child is tied to the thread that started it.
#[derive(Debug)]
pub struct Typesetter {
    commands: mpsc::UnboundedSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Typesetter {
    /// Removes leftovers of dead processes from the scratch folder. Children are started when there
    /// is a document.
    ///
    /// # Errors
    /// If the scratch folder is not writable or the thread cannot be started.
    pub fn new(config: TypesetterConfig) -> io::Result<Self> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let thread = child_pool::start(config, inbox)?;
        Ok(Self {
            commands,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Typesets a document, and returns the bytes of its PDF. If it is cancelled, its child is
    /// reaped when this returns.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`], and errors of the document or the machine.
    ///
    /// # Cancel safety
    /// Dropping the future kills the child as `cancel` does, without waiting for its exit.
    pub async fn typeset(
        &self,
        manuscript: Manuscript,
        cancel: &Cancel,
    ) -> Result<Vec<u8>, RenderError> {
        let (done, outcome) = oneshot::channel();
        let job = Job {
            manuscript,
            cancel: cancel.clone(),
            scope: Scope::current(),
            done,
        };
        let sent = self.commands.send(Command::Typeset(Box::new(job)));
        sent.map_err(|_| shutting_down())?;
        outcome.await.unwrap_or_else(|_| Err(shutting_down()))
    }

    /// Kills and reaps all children, removes their folders and joins the thread. Later documents
    /// fail with [`RenderError::Unavailable`].
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
            log::error!("the typesetting pool's thread panicked");
        }
    }
}

fn shutting_down() -> RenderError {
    RenderError::Unavailable("typesetting is shutting down".to_owned())
}
