//! One child process: its start, its frames and its end.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::death;
use super::scratch::Scratch;
use crate::config::SqlConfig;
use crate::error::SqlError;
use crate::protocol::{CONTROL, Capabilities, DATA, HEAD, MAX_FRAME, Reply, Request};

/// How much of a child's standard error is kept, in bytes; the rest is read and thrown away.
const MAX_STDERR: usize = 16 * 1024;
/// How long a child that closed its output may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// A frame from the child.
pub(super) enum Frame {
    Control(Reply),
    Data(Vec<u8>),
}

/// One child process with the temporary folder that is its own.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<Vec<u8>>,
    folder: TempDir,
    capabilities: Option<Capabilities>,
}

impl Process {
    /// Starts a child in a process group and a folder of its own, with an empty environment.
    ///
    /// The group keeps a Ctrl+C on the terminal from the children, which a drain still needs.
    pub(super) fn start(config: &SqlConfig, scratch: &Scratch) -> io::Result<Self> {
        let folder = scratch.folder()?;
        let mut child = Command::new(&config.program)
            .args(&config.args)
            .env_clear()
            // Every arena of glibc reserves 64 MiB of the address space that the limit counts.
            .env("MALLOC_ARENA_MAX", "2")
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
            capabilities: None,
        })
    }

    /// The child's temporary folder.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Whether the child has not ended.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the child's greeting; nothing if the child is lost.
    pub(super) async fn hello(&mut self) -> Option<Capabilities> {
        if self.capabilities.is_none() {
            match self.receive().await {
                Ok(Frame::Control(Reply::Hello(capabilities))) => {
                    self.capabilities = Some(capabilities)
                }
                _ => return None,
            }
        }
        self.capabilities
    }

    /// Sends a request.
    pub(super) async fn send(&mut self, request: &Request) -> io::Result<()> {
        let payload = serde_json::to_vec(request)?;
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        let mut frame = Vec::with_capacity(HEAD + payload.len());
        frame.push(CONTROL);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&payload);
        self.stdin.write_all(&frame).await
    }

    /// The next frame.
    pub(super) async fn receive(&mut self) -> io::Result<Frame> {
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

    /// Whether a child that closed its output was killed, by whomever.
    pub(super) async fn was_killed(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let gone = tokio::time::timeout(LAST_BREATH, self.child.wait()).await;
        matches!(gone, Ok(Ok(status)) if status.signal() == Some(Signal::SIGKILL as i32))
    }

    /// Kills the child if it lives, reaps it and removes its folder.
    pub(super) async fn end(mut self) {
        self.kill();
        self.reap().await;
        self.remove_folder().await;
    }

    /// Reaps a child that closed its output without an answer, and finds out why it did.
    pub(super) async fn post_mortem(mut self, timeout: Duration) -> SqlError {
        let gone = tokio::time::timeout(LAST_BREATH, self.child.wait()).await;
        let status = match gone {
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) | Err(_) => {
                self.kill();
                self.reap().await;
                None
            }
        };
        // Ends at once: the last writer is dead.
        let stderr = tokio::time::timeout(LAST_BREATH, &mut self.stderr).await;
        let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr);
        if !stderr.trim().is_empty() {
            log::debug!("a child of a SQL query said: {}", stderr.trim());
        }
        self.remove_folder().await;
        death::explain(status, &stderr, timeout)
    }

    fn kill(&mut self) {
        // No id means that the child is reaped: its number may be another's by now.
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // The group is the child's own from its start; an error means that all of it is gone.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    async fn reap(&mut self) {
        if let Err(error) = self.child.wait().await {
            log::warn!("cannot reap a child of a SQL query: {error}");
        }
    }

    async fn remove_folder(self) {
        let folder = self.folder;
        let removed = tokio::task::spawn_blocking(move || folder.close()).await;
        if let Ok(Err(error)) = removed {
            log::warn!("cannot remove the temporary folder of a SQL query: {error}");
        }
    }
}

/// Reads to the end and keeps the first bytes: there is where a runtime says what went wrong.
async fn keep_head(mut stderr: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
        let room = MAX_STDERR - kept.len();
        kept.extend_from_slice(&buffer[..n.min(room)]);
    }
    kept
}
