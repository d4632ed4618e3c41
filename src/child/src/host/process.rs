//! One child process: its start, its frames and its end.

use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::{CHUNK, CONTROL, DATA, HEAD, MAX_FRAME};

/// How much of a child's standard error is kept, in bytes; the rest is discarded.
const MAX_STDERR: usize = 16 * 1024;
/// How long a child that closed its output may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// What a child runs.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// The arguments.
    pub args: Vec<OsString>,
    /// The environment. Nothing else is inherited.
    pub env: Vec<(OsString, OsString)>,
}

/// A frame from the child.
#[derive(Debug)]
pub enum Frame<T> {
    /// A message.
    Control(T),
    /// Bytes.
    Data(Vec<u8>),
}

/// How a child ended that closed its output unexpectedly.
#[derive(Debug)]
pub struct ChildExit {
    /// Its status; `None` if it had to be killed because it did not exit.
    pub status: Option<ExitStatus>,
    /// The beginning of its standard error.
    pub stderr: String,
}

impl ChildExit {
    /// The signal that ended it.
    pub fn signal(&self) -> Option<Signal> {
        use std::os::unix::process::ExitStatusExt;
        let signal = self.status?.signal()?;
        Signal::try_from(signal).ok()
    }
}

/// One child process with its own temporary folder. Must be started and used on a thread that
/// outlives it, within a `LocalSet`: when the thread ends, the kernel kills the child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<Vec<u8>>,
    folder: TempDir,
    /// Somebody else has reaped it, as process 1 does with inherited children: its id may be reused
    /// by now.
    is_taken: bool,
}

impl Process {
    /// Starts a child in its own process group and folder.
    ///
    /// The group keeps a Ctrl+C on the terminal from the children, which a drain still needs.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn start(program: &Program, folder: TempDir) -> io::Result<Self> {
        let mut child = Command::new(&program.path)
            .args(&program.args)
            .env_clear()
            // Every arena of glibc reserves 64 MiB of the address space that the limit counts.
            .env("MALLOC_ARENA_MAX", "2")
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a pipe to the child is missing"));
        };
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::with_capacity(128 * 1024, stdout),
            stderr: tokio::task::spawn_local(keep_head(stderr)),
            folder,
            is_taken: false,
        })
    }

    /// The child's temporary folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The process id, until the child was reaped.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether the child is still running.
    pub fn lives(&mut self) -> bool {
        let ended = self.child.try_wait();
        self.is_taken = ended.is_err();
        matches!(ended, Ok(None))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// If the child is gone.
    pub async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        self.write_frame(CONTROL, &serde_json::to_vec(message)?)
            .await
    }

    /// Sends data.
    ///
    /// # Errors
    /// If the child is gone.
    pub async fn send_data(&mut self, data: &[u8]) -> io::Result<()> {
        for chunk in data.chunks(CHUNK) {
            self.write_frame(DATA, chunk).await?;
        }
        Ok(())
    }

    async fn write_frame(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        let mut frame = Vec::with_capacity(HEAD + payload.len());
        frame.push(kind);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(payload);
        self.stdin.write_all(&frame).await
    }

    /// The next frame.
    ///
    /// # Errors
    /// If the child is gone or violates the protocol.
    pub async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Frame<T>> {
        let mut head = [0; HEAD];
        self.stdout.read_exact(&mut head).await?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other("the child sent a frame that is too long"));
        }
        let mut payload = vec![0; length];
        self.stdout.read_exact(&mut payload).await?;
        match kind {
            CONTROL => Ok(Frame::Control(serde_json::from_slice(&payload)?)),
            DATA => Ok(Frame::Data(payload)),
            kind => Err(io::Error::other(format!(
                "the child sent a frame of kind {kind}"
            ))),
        }
    }

    /// Whether a child that closed its output was killed, by anybody.
    pub async fn was_killed(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let gone = tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await;
        matches!(gone, Ok(Ok(status)) if status.signal() == Some(Signal::SIGKILL as i32))
    }

    /// Kills the child if it is alive, reaps it and removes its folder.
    pub async fn end(mut self) {
        if self.lives() {
            self.kill();
            self.reap().await;
        }
        self.remove_folder().await;
    }

    /// Reaps a child that closed its output unexpectedly, and reports how it ended.
    pub async fn wait_for_exit(mut self) -> ChildExit {
        let gone = tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await;
        let status = match gone {
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) => {
                self.is_taken = true;
                None
            }
            Err(_) => {
                self.kill();
                self.reap().await;
                None
            }
        };
        // Completes at once: the last writer is dead.
        let stderr = tokio::time::timeout(EXIT_TIMEOUT, &mut self.stderr).await;
        let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
        if !stderr.is_empty() {
            log::debug!("standard error of a child: {stderr}");
        }
        self.remove_folder().await;
        ChildExit { status, stderr }
    }

    fn kill(&mut self) {
        // Without an id the child is reaped: its number may be reused by now.
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // The group is the child's own from its start; an error means that none of it is left.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    async fn reap(&mut self) {
        if let Err(error) = self.child.wait().await {
            log::warn!("cannot reap a child: {error}");
        }
    }

    async fn remove_folder(self) {
        let Self {
            child,
            folder,
            is_taken,
            ..
        } = self;
        if is_taken {
            // Dropping it would kill it by its id.
            std::mem::forget(child);
        }
        let remove = || tokio::task::spawn_blocking(move || folder.close());
        // It panics if no thread can be started, and removes the folder once one can be.
        let Ok(removed) = catch_unwind(AssertUnwindSafe(remove)) else {
            log::warn!("no thread can be started; the temporary folder of a child stays for now");
            return;
        };
        if let Ok(Err(error)) = removed.await {
            log::warn!("cannot remove the temporary folder of a child: {error}");
        }
    }
}

/// Reads to the end and keeps the first bytes, where a runtime reports what went wrong.
async fn keep_head(mut stderr: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
        let room = MAX_STDERR - kept.len();
        kept.extend_from_slice(&buffer[..n.min(room)]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use nix::sys::wait::waitpid;

    use super::*;

    fn program(name: &str) -> Program {
        Program {
            path: name.into(),
            args: Vec::new(),
            env: Vec::new(),
        }
    }

    fn alone<F: Future>(test: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test)
    }

    #[test]
    fn a_child_that_somebody_else_has_waited_for_is_neither_killed_nor_waited_for() {
        alone(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_owned();
            let mut process = Process::start(&program("/bin/true"), folder).unwrap();
            let id = i32::try_from(process.child.id().unwrap()).unwrap();
            waitpid(Pid::from_raw(id), None).unwrap();
            assert!(!process.lives());
            assert!(process.is_taken);
            process.end().await;
            assert!(!path.exists());
        });
    }

    #[test]
    fn a_child_that_is_ended_is_gone() {
        alone(async {
            let mut process =
                Process::start(&program("/bin/cat"), tempfile::tempdir().unwrap()).unwrap();
            let id = i32::try_from(process.child.id().unwrap()).unwrap();
            assert!(process.lives());
            process.end().await;
            assert!(nix::sys::signal::kill(Pid::from_raw(id), None).is_err());
        });
    }
}
