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

/// How many read at once.
pub(super) const READERS: usize = 3;
/// Queries that may wait for a thread; beyond it their callers wait.
pub(super) const WAITING: usize = 256;

/// Nothing comes from it; it ends when all readers have closed their connections.
pub(super) type Closed = Receiver<Infallible>;

/// Starts the threads. They end when every sender is gone; the last one lets go of the file.
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
                // Before the lock goes.
                drop(conn);
                drop(open);
                drop(file);
            })
    });
    let threads: io::Result<Vec<_>> = threads.collect();
    Ok((threads?, closed))
}

fn run(conn: &Connection, queries: &Mutex<mpsc::Receiver<Query>>) {
    // The one that holds the lock waits for the next query, the others for the lock.
    let next = || {
        let mut queries = queries.lock().unwrap_or_else(PoisonError::into_inner);
        queries.blocking_recv()
    };
    while let Some(query) = next() {
        query(conn);
    }
}
