//! What a claim costs with jobs of so many owners in the queue.
//! Usage: `claims URL OWNERS [JOBS]`, on an empty store.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use lastcall_domain::store::{ClaimOrder, Submission};
use lastcall_domain::{
    Clock, InstanceId, Job, JobId, JobSpec, Limits, Owner, Service, Session, SystemClock,
};
use lastcall_store::open_store;

const CLAIMS: usize = 300;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("claims URL OWNERS [JOBS]")?;
    let owners: usize = args.next().ok_or("claims URL OWNERS [JOBS]")?.parse()?;
    let jobs: usize = args.next().map_or(Ok(100_000), |jobs| jobs.parse())?;
    let store = open_store(&url, Arc::new(SystemClock), Limits::default()).await?;
    let mut sessions = Vec::new();
    for n in 0..owners {
        let owner = Owner::new(format!("owner-{n:04}"));
        let session = Session::new(owner, Duration::from_secs(86_400), SystemClock.now());
        store.create_session(session.clone(), None).await?;
        sessions.push(session);
    }
    let mut queued = 0;
    while queued < jobs {
        let some = (jobs - queued).min(500);
        let submitted = (queued..queued + some).map(|n| {
            let session = &sessions[n % owners];
            let spec = JobSpec::Sql {
                query: "select 1".to_owned(),
                parameters: Vec::new(),
                format: lastcall_domain::TableFormat::Json,
            };
            let (owner, now) = (session.owner.clone(), SystemClock.now());
            store.submit(Submission {
                job: Job::new(JobId::new(), session.id, owner, spec, now),
                idempotency: None,
                max_queued: u64::MAX,
            })
        });
        for admission in futures_util::future::join_all(submitted).await {
            admission?;
        }
        queued += some;
    }
    for limit in [1, 4, 64] {
        let mut times = Vec::new();
        let mut claimed = 0;
        for _ in 0..CLAIMS {
            let order = ClaimOrder::new(
                Service::Analysis,
                InstanceId::new(),
                Duration::from_secs(3600),
                limit,
            );
            let since = Instant::now();
            claimed += store.claim(order).await?.len();
            times.push(since.elapsed());
        }
        times.sort();
        println!(
            "{owners} owners, limit {limit}: median {:?}, 99th of 100 {:?}, {claimed} jobs",
            times[CLAIMS / 2],
            times[CLAIMS * 99 / 100]
        );
    }
    store.close().await?;
    Ok(())
}
