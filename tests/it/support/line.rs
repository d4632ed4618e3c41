//! A line to a server that can be cut and mended, while the server itself stays up for whoever
//! has another.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use super::database::Database;

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// They go through.
    Whole,
    /// They wait, and no error is reported.
    Silent,
    /// Connections end, and new ones are turned away.
    Gone,
    /// Connections end, and every request is answered with this HTTP status.
    TurnedAway(u16),
}

/// Passes bytes between a port of its own and a server.
pub(crate) struct Line {
    /// The URL of the database, or of the HTTP server, by this line.
    pub(crate) url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    server: String,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    state: State,
    over: bool,
    ends: Vec<TcpStream>,
    withheld: usize,
}

impl Line {
    pub(crate) fn to(database: &Database) -> Self {
        let (head, rest) = database.url.split_once('@').unwrap();
        let (server, rest) = rest.split_once('/').unwrap();
        Self::new(server, |address| format!("{head}@{address}/{rest}"))
    }

    /// To an HTTP server at this address.
    pub(crate) fn to_server(server: &str) -> Self {
        Self::new(server, |address| format!("http://{address}"))
    }

    fn new(server: &str, url: impl Fn(SocketAddr) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            inner: Mutex::new(Inner {
                state: State::Whole,
                over: false,
                ends: Vec::new(),
                withheld: 0,
            }),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        Self {
            url: url(address),
            address,
            shared,
            listener: Some(std::thread::spawn(move || listen(&listener, &theirs))),
        }
    }

    /// Cuts or mends it.
    pub(crate) fn set(&self, state: State) {
        let mut inner = self.shared.lock();
        inner.state = state;
        if matches!(state, State::Gone | State::TurnedAway(_)) {
            for end in inner.ends.drain(..) {
                // The other side may have ended it already.
                let _ = end.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
    }

    /// How often it has withheld something from the server.
    pub(crate) fn withheld(&self) -> usize {
        self.shared.lock().withheld
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.set(State::Gone);
        // One more connection, so that the listener sees it.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            // Where it has panicked, the test has failed already.
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Both ends of a new connection, unless there is none to be had.
    fn connect(&self, client: TcpStream) -> Option<(TcpStream, TcpStream)> {
        let server = TcpStream::connect(&self.server).ok()?;
        let mut inner = self.lock();
        if inner.state == State::Gone {
            inner.withheld += 1;
            return None;
        }
        for end in [&client, &server] {
            end.set_nodelay(true).ok()?;
            inner.ends.push(end.try_clone().ok()?);
        }
        Some((client, server))
    }

    /// Waits until bytes may pass; `false` where they never will.
    fn may_pass(&self) -> bool {
        let mut inner = self.lock();
        if inner.state == State::Silent {
            inner.withheld += 1;
        }
        let silent = |inner: &mut Inner| inner.state == State::Silent;
        let inner = self.changed.wait_while(inner, silent).unwrap();
        inner.state == State::Whole
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((client, _)) = listener.accept() {
        if shared.lock().over {
            return;
        }
        let state = shared.lock().state;
        if let State::TurnedAway(status) = state {
            // The client may have disconnected.
            std::thread::spawn(move || turn_away(client, status).ok());
            continue;
        }
        let Some((client, server)) = shared.connect(client) else {
            continue;
        };
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let shared = Arc::clone(shared);
            std::thread::spawn(move || pass(from, to, &shared));
        }
    }
}

/// Answers one request with this status.
fn turn_away(mut client: TcpStream, status: u16) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = (&client).take(length.unwrap_or(0));
    std::io::copy(&mut body, &mut std::io::sink())?;
    let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    client.write_all(answer.as_bytes())
}

fn pass(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !shared.may_pass() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Either side sees that the other has closed or disappeared.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
