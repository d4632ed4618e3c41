//! Measures a sweep against the number of live and of expired sessions.
//!
//! ```sh
//! cargo run --release -p lastcall-store --example sweep [LIVE]... [--url URL]
//! ```
//!
//! Without numbers it is 1,000, 10,000 and 100,000 live sessions; without a URL a fresh SQLite
//! file in the working directory's file system. A sweep that finds nothing should cost the same
//! in every line, and one that finds something in proportion to what it finds.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lastcall_domain::{Clock, Limits, Owner, Session, SessionId, Store, SystemClock};

/// Sessions made at once.
const TOGETHER: usize = 256;
/// How often an empty sweep is measured.
const RUNS: usize = 51;
/// How many expired sessions a full one finds.
const EXPIRED: [usize; 2] = [10, 100];

#[tokio::main]
async fn main() {
    let mut live = Vec::new();
    let mut url = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--url" => url = arguments.next(),
            number => live.push(number.parse().expect("a number of sessions")),
        }
    }
    if live.is_empty() {
        live = vec![1_000, 10_000, 100_000];
    }
    let folder = tempfile::tempdir_in(".").unwrap();
    let file = format!("sqlite://{}", folder.path().join("sweep.db").display());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url = url.unwrap_or(file);
    let store = lastcall_store::open_store(&url, clock, Limits::default());
    let store = store.await.unwrap();

    println!(
        "{:>10}  {:>16}  expired: time, time per session",
        "live", "none expired"
    );
    let mut made = 0;
    for live in live {
        make(&store, live - made, Duration::from_secs(86_400)).await;
        made = live;
        print!(
            "{live:>10}  {:>13.1} µs",
            empty(&store).await.as_secs_f64() * 1e6
        );
        for expired in EXPIRED {
            make(&store, expired, Duration::ZERO).await;
            let took = full(&store, expired).await.as_secs_f64();
            let each = took / expired as f64;
            print!(
                "  {expired:>4}: {:>7.1} ms, {:>6.0} µs",
                took * 1e3,
                each * 1e6
            );
        }
        println!();
    }
    store.close().await.unwrap();
}

async fn make(store: &Arc<dyn Store>, count: usize, ttl: Duration) {
    let mut left = count;
    while left > 0 {
        let some = left.min(TOGETHER);
        left -= some;
        let made = (0..some).map(|_| {
            let session = Session::new(Owner::anonymous(), ttl, SystemClock.now());
            store.create_session(session, None)
        });
        for made in join_all(made).await {
            made.unwrap();
        }
    }
}

/// The median time of a sweep that finds nothing.
async fn empty(store: &Arc<dyn Store>) -> Duration {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        let found = store.begin_removal(SystemClock.now(), 100).await.unwrap();
        times.push(begin.elapsed());
        assert_eq!(found, []);
    }
    times.sort();
    times[RUNS / 2]
}

/// The time of a sweep that removes all that has expired.
async fn full(store: &Arc<dyn Store>, expired: usize) -> Duration {
    let begin = Instant::now();
    let mut removed: Vec<SessionId> = Vec::new();
    loop {
        let some = store.begin_removal(SystemClock.now(), 100).await.unwrap();
        if some.is_empty() {
            break;
        }
        store.finish_removal(&some).await.unwrap();
        removed.extend(some);
    }
    assert_eq!(removed.len(), expired);
    begin.elapsed()
}
