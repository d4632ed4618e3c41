//! No-op jobs from their submission to their end through apalis-sqlite, on a file that keeps
//! what was committed (`synchronous=FULL`; apalis' own `setup` would switch that off).
//!
//! Usage: `bench-apalis JOBS SUBMITTERS WORKERS BATCH CONNECTIONS FOLDER`. Prints the seconds
//! until the last submission was on disk and until the last job's row said `Done`, as JSON.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteStorage};
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

static RUN: AtomicU64 = AtomicU64::new(0);

async fn nothing(_number: u64) -> Result<(), BoxDynError> {
    RUN.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Waits until every row says that its job is done: the acknowledgement, not the call. Reads the
/// rows only when all were called, so as not to take a connection from the work.
async fn all_done(pool: &SqlitePool, jobs: u64) -> Outcome<()> {
    while RUN.load(Ordering::Relaxed) < jobs {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    loop {
        let (left,): (i64,) = sqlx::query_as("SELECT count(*) FROM Jobs WHERE status <> 'Done'")
            .fetch_one(pool)
            .await?;
        let (there,): (i64,) = sqlx::query_as("SELECT count(*) FROM Jobs")
            .fetch_one(pool)
            .await?;
        if left == 0 && there == i64::try_from(jobs)? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [jobs, submitters, workers, batch, connections, folder] = arguments.as_slice() else {
        return Err("usage: JOBS SUBMITTERS WORKERS BATCH CONNECTIONS FOLDER".into());
    };
    let jobs: u64 = jobs.parse()?;

    let options = SqliteConnectOptions::new()
        .filename(format!("{folder}/apalis.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(60));
    let pool = SqlitePoolOptions::new()
        .max_connections(connections.parse()?)
        .acquire_timeout(Duration::from_secs(60))
        .connect_with(options)
        .await?;
    SqliteStorage::migrations().run(&pool).await?;

    let backend = SqliteStorage::<u64>::new(&pool)
        .with_config(Config::default().queue("no-op").batch_size(batch.parse()?));
    let worker = WorkerBuilder::new("worker")
        .backend(backend.clone().poll_with_interval(Duration::from_millis(5)))
        .concurrency(workers.parse()?)
        .build(nothing);
    let running = tokio::spawn(worker.run());

    let begin = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let submitting: Vec<_> = (0..submitters.parse::<u32>()?)
        .map(|_| {
            let (next, mut backend) = (next.clone(), backend.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= jobs {
                        return Ok::<_, Box<dyn Error + Send + Sync>>(());
                    }
                    backend.push(number).await.map_err(|e| format!("{e:?}"))?;
                }
            })
        })
        .collect();
    for submitter in submitting {
        submitter.await??;
    }
    let submitted = begin.elapsed();
    tokio::time::timeout(Duration::from_secs(300), all_done(&pool, jobs)).await??;
    let done = begin.elapsed();
    running.abort();

    println!(
        "{{\"jobs\":{jobs},\"submit_seconds\":{:.6},\"seconds\":{:.6}}}",
        submitted.as_secs_f64(),
        done.as_secs_f64()
    );
    Ok(())
}
