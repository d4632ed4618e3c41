//! The reader threads. Each has its own connection and sees committed data.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::open::Owned;

/// One query.
pub(super) type Query = Box<dyn FnOnce(&Connection) + Send>;

/// The number of reader threads.
pub(super) const READERS: usize = 3;
/// The most queued queries; beyond it, callers wait.
pub(super) const MAX_QUEUED: usize = 256;

/// Receives nothing; closes when all readers have closed their connections.
pub(super) type Closed = Receiver<Infallible>;

/// Starts the threads. They end when every sender is gone; the last one releases the file.
pub(super) fn start(
    file: &Arc<Owned>,
    connections: Vec<Connection>,
    queries: mpsc::Receiver<Query>,
) -> io::Result<(Vec<JoinHandle<()>>, Closed)> {
    let queries = Arc::new(Mutex::new(queries));
    let (open, closed) = channel();
    let threads = connections.into_iter().enumerate().map(|(n, conn)| {
        let (queries, file, open) = (Arc::clone(&queries), Arc::clone(file), open.clone());
        std::thread::Builder::new()
            .name(format!("store-reader-{n}"))
            .spawn(move || {
                run(&conn, &queries);
                // Before the lock is released.
                drop(conn);
                drop(open);
                drop(file);
            })
    });
    let threads: io::Result<Vec<_>> = threads.collect();
    Ok((threads?, closed))
}

fn run(conn: &Connection, queries: &Mutex<mpsc::Receiver<Query>>) {
    // The thread that holds the lock waits for the next query, the others for the lock.
    let next = || {
        let mut queries = queries.lock().unwrap_or_else(PoisonError::into_inner);
        queries.blocking_recv()
    };
    while let Some(query) = next() {
        query(conn);
    }
}
