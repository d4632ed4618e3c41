//! Measures the durable submissions and complete jobs per second of a store, alone and in groups.
//!
//! ```sh
//! cargo run --release -p lastcall-store --example throughput [URL] [SECONDS]
//! ```
//!
//! Without a URL it is a fresh SQLite file in the working directory's file system. All figures
//! are of one run on one machine; the ratios are what can be compared.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lastcall_domain::store::{
    Admission, ClaimOrder, JobResult, Outcome, ResultLocation, Submission,
};
use lastcall_domain::{
    Clock, InstanceId, Job, JobId, JobSpec, Limits, Owner, ProfileOptions, Service, Session, Store,
    SystemClock,
};
use tokio::sync::Mutex;

const CLIENTS: usize = 64;
const WORKERS: usize = 8;
const CLAIM: u32 = 32;
const LEASE: Duration = Duration::from_secs(60);

type Shared = Arc<dyn Store>;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = tempfile::tempdir_in(".").unwrap();
    let file = format!("sqlite://{}", folder.path().join("throughput.db").display());
    let url = arguments.next().unwrap_or(file);
    let seconds = arguments.next().map_or(3.0, |text| text.parse().unwrap());
    let span = Duration::from_secs_f64(seconds);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = lastcall_store::open_store(&url, clock, Limits::default());
    let store = store.await.unwrap();
    let ttl = Duration::from_secs(3600);
    let session = Session::new(Owner::anonymous(), ttl, SystemClock.now());
    store.create_session(session.clone(), None).await.unwrap();

    println!("{:<52}{:>12}{:>8}", "", "per second", "ratio");
    let alone = submits(&store, &session, 1, None, span).await;
    let line = |what: &str, rate: f64| {
        println!("{what:<52}{rate:>12.0}{:>8.1}", rate / alone);
    };
    line("submissions, 1 client", alone);
    let turn = Some(Arc::new(Mutex::new(())));
    let each = submits(&store, &session, CLIENTS, turn, span).await;
    line("submissions, 64 clients, one commit each", each);
    let group = submits(&store, &session, CLIENTS, None, span).await;
    line("submissions, 64 clients, group commit", group);
    drain(&store).await;
    let whole = whole_jobs(&store, &session, span).await;
    line("whole jobs (submit, claim, complete), 64 clients", whole);
    println!("group commit against one commit each: {:.1}", group / each);
    store.close().await.unwrap();
}

fn submission(session: &Session) -> Submission {
    let spec = JobSpec::Profile {
        dataset: "flights".to_owned().try_into().unwrap(),
        options: ProfileOptions::default(),
    };
    let owner = session.owner.clone();
    Submission {
        job: Job::new(JobId::new(), session.id, owner, spec, SystemClock.now()),
        idempotency: None,
        max_queued: u64::MAX,
    }
}

/// Submissions per second of so many clients; with a `turn`, one after the other.
async fn submits(
    store: &Shared,
    session: &Session,
    clients: usize,
    turn: Option<Arc<Mutex<()>>>,
    span: Duration,
) -> f64 {
    let begin = Instant::now();
    let tasks = (0..clients).map(|_| {
        let (store, session, turn) = (Arc::clone(store), session.clone(), turn.clone());
        tokio::spawn(async move {
            let mut count = 0_u64;
            while begin.elapsed() < span {
                let _mine = match &turn {
                    Some(turn) => Some(turn.lock().await),
                    None => None,
                };
                let admission = store.submit(submission(&session)).await.unwrap();
                assert!(matches!(admission, Admission::Created(_)));
                count += 1;
            }
            count
        })
    });
    let counts = join_all(tasks.collect::<Vec<_>>()).await;
    let count: u64 = counts.into_iter().map(Result::unwrap).sum();
    count as f64 / begin.elapsed().as_secs_f64()
}

/// Whole jobs per second: clients submit while workers claim and complete.
async fn whole_jobs(store: &Shared, session: &Session, span: Duration) -> f64 {
    let begin = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let clients = (0..CLIENTS).map(|_| {
        let (store, session) = (Arc::clone(store), session.clone());
        tokio::spawn(async move {
            while begin.elapsed() < span {
                store.submit(submission(&session)).await.unwrap();
            }
        })
    });
    let workers = (0..WORKERS).map(|_| {
        let (store, done) = (Arc::clone(store), Arc::clone(&done));
        tokio::spawn(async move {
            while begin.elapsed() < span {
                let ended = work(&store).await;
                done.fetch_add(ended, Ordering::Relaxed);
            }
        })
    });
    let tasks: Vec<_> = clients.chain(workers).collect();
    for task in tasks {
        task.await.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

/// Claims some jobs and completes them; how many.
async fn work(store: &Shared) -> u64 {
    let claimed = store
        .claim(ClaimOrder::new(
            Service::Analysis,
            InstanceId::new(),
            LEASE,
            CLAIM,
        ))
        .await;
    let claimed = claimed.unwrap();
    let ends = claimed.iter().map(|job| {
        let result = JobResult {
            media_type: "application/json".to_owned(),
            bytes: 2,
            location: ResultLocation::Inline("{}".into()),
            content_key: None,
        };
        store.complete(job.claim(), Outcome::Succeeded(result))
    });
    for result in join_all(ends).await {
        result.unwrap().unwrap();
    }
    if claimed.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    claimed.len() as u64
}

/// Ends all that is queued.
async fn drain(store: &Shared) {
    while work(store).await > 0 {}
}
