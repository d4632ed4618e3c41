//! Typesets PDFs by typst in child processes.
//!
//! typst keeps what it interns for as long as its process lives, and cannot be interrupted. So a
//! child sets some hundred documents, one after the other, and is then replaced by another: what
//! it has gathered goes with it, and a document that is called off is killed with its child.
//!
//! A caller's template is a program, and a logo is decoded by libraries that have had their bugs:
//! a document with either has a child of its own, which has set nothing before and sets nothing
//! after. It sees no other caller's data, leaves nothing behind, and where it takes more time or
//! memory than it may, that is the template's fault.

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

/// What a typesetter's children are and may use.
#[derive(Clone, Debug)]
pub struct TypesetterConfig {
    /// What a child runs; it has to call [`child::main`].
    pub program: Program,
    /// The folder in which each child has a temporary folder of its own. It is made when it is
    /// missing; what dead processes left in it is removed.
    pub scratch: PathBuf,
    /// Bytes of address space that a document may add to what the idle child has mapped.
    pub memory: u64,
    /// Seconds of processor time that a document with a caller's template or logo may take, the
    /// start of its child included.
    pub template_cpu_seconds: u64,
    /// Whether such a document is refused where the kernel cannot shut its child in.
    pub require_sandbox: bool,
    /// A child is replaced after so many documents…
    pub max_documents: u32,
    /// …or once it has had so many bytes in memory.
    pub max_resident: u64,
    /// How long a child without work is kept for the next document.
    pub keep_idle: Duration,
    /// What tells a child that the kernel killed for want of memory from one that somebody killed.
    pub oom_kills: OomKills,
}

impl TypesetterConfig {
    /// The defaults: 512 MiB of memory, 10 s for templates, 200 documents or 192 MiB, a minute of
    /// idleness.
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

/// Sets documents in child processes, as many at once as there are callers.
///
/// One thread with a runtime of its own starts, feeds, watches and reaps all children: the
/// operating system ties a child's life to the thread that started it.
#[derive(Debug)]
pub struct Typesetter {
    commands: mpsc::UnboundedSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Typesetter {
    /// Sweeps what dead processes left in the scratch folder. Children are started when there is
    /// a document.
    ///
    /// # Errors
    /// When the scratch folder cannot be written or the thread cannot be started.
    pub fn new(config: TypesetterConfig) -> io::Result<Self> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let thread = child_pool::start(config, inbox)?;
        Ok(Self {
            commands,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Sets a document; the bytes of its PDF. Where it is called off, its child is dead and reaped
    /// when this returns.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`], and what is wrong with the document or with the machine.
    ///
    /// # Cancel safety
    /// Dropping the future kills the child like `cancel` does, only that nobody waits for its end.
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

    /// Kills and reaps all children, removes their folders and joins the thread. Documents after
    /// it fail with [`RenderError::Unavailable`].
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
            log::error!("the typesetting pool's thread panicked");
        }
    }
}

fn shutting_down() -> RenderError {
    RenderError::Unavailable("typesetting is shutting down".to_owned())
}
