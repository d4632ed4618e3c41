//! A line to a server that can be cut and mended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// They go through.
    Whole,
    /// They are dropped without an error.
    Silent,
    /// Those of new connections are dropped, for good.
    Void,
    /// They go through up to a commit, and with it the connection ends before the server receives
    /// it.
    CutBeforeCommit,
    /// They go through up to the answer to a commit, and with it the connection ends.
    CutAfterCommit,
}

/// Passes bytes between a port of its own and a server.
pub(crate) struct Proxy {
    /// Its port.
    pub(crate) port: u16,
    line: Arc<watch::Sender<Line>>,
    /// The number of connections whose bytes are dropped.
    voided: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before the server at this address.
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(watch::Sender::new(Line::Whole));
        let state = Arc::clone(&line);
        let (count, voided) = watch::channel(0);
        let task = tokio::spawn(async move {
            let mut void = Vec::new();
            while let Ok((client, _)) = listener.accept().await {
                if *state.borrow() == Line::Void {
                    void.push(client);
                    count.send_replace(void.len());
                } else if let Ok(server) = TcpStream::connect(&server).await {
                    let (up, down) = (client.into_split(), server.into_split());
                    let commits = Arc::new(AtomicBool::new(false));
                    let asks = Pass::Asks(Arc::clone(&commits));
                    tokio::spawn(pass(up.0, down.1, state.subscribe(), asks));
                    let answers = Pass::Answers(commits);
                    tokio::spawn(pass(down.0, up.1, state.subscribe(), answers));
                }
            }
        });
        Self {
            port,
            line,
            voided,
            task,
        }
    }

    /// Waits for this number of connections whose bytes are dropped.
    pub(crate) async fn voided(&self, count: usize) {
        let mut voided = self.voided.clone();
        voided.wait_for(|now| *now >= count).await.unwrap();
    }

    /// Cuts or mends the line.
    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A direction of a connection, and whether a commit was requested on it.
enum Pass {
    Asks(Arc<AtomicBool>),
    Answers(Arc<AtomicBool>),
}

impl Pass {
    /// Whether the connection ends here.
    fn is_cut(&self, line: Line, bytes: &[u8]) -> bool {
        match self {
            Self::Asks(commits) => {
                let is_commit = bytes.windows(7).any(|word| word == b"COMMIT\0");
                if is_commit && line == Line::CutAfterCommit {
                    commits.store(true, Ordering::SeqCst);
                }
                is_commit && line == Line::CutBeforeCommit
            }
            Self::Answers(commits) => commits.load(Ordering::SeqCst),
        }
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut line: watch::Receiver<Line>,
    pass: Pass,
) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let whole = line.wait_for(|line| *line != Line::Silent).await.is_ok();
        let cut = pass.is_cut(*line.borrow(), &bytes[..count]);
        if cut || !whole || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}
