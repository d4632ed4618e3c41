//! Whole jobs: accepted (on disk), claimed, run, their result and end on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lastcall_domain::store::{Admission, Submission};
use lastcall_domain::{Job, JobId, JobSpec, Owner, Service, Session, TableFormat};

use crate::Outcome;
use crate::nothing::Nothing;
use crate::tree::{MAX_QUEUED, Tree};

/// Prints the seconds until the last submission was on disk and until the last job had ended.
pub(crate) async fn run(jobs: u64, submitters: u32, workers: usize, folder: &str) -> Outcome<()> {
    let tree = Arc::new(Tree::start(folder, workers, Arc::new(Nothing)).await?);
    let session = Session::new(
        Owner::anonymous(),
        Duration::from_secs(3600),
        tree.clock.now(),
    );
    tree.store.create_session(session.clone(), None).await?;

    // Submitters are clients of the service: threads of their own, as HTTP's are.
    let clients = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let begin = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let submitting: Vec<_> = (0..submitters)
        .map(|_| {
            let (tree, session, next) = (tree.clone(), session.clone(), next.clone());
            clients.spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < jobs {
                    submit(&tree, &session).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for submitter in submitting {
        submitter.await??;
    }
    let submitted = begin.elapsed();
    while tree.succeeded() < jobs {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let done = begin.elapsed();
    clients.shutdown_background();

    let left = tree.unfinished().await?;
    if left > 0 {
        return Err(format!("{left} jobs have not ended").into());
    }
    println!(
        "{{\"jobs\":{jobs},\"submit_seconds\":{:.6},\"seconds\":{:.6}}}",
        submitted.as_secs_f64(),
        done.as_secs_f64()
    );
    tree.store.close().await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is over, and the rest would only be taken down"
    )]
    std::process::exit(0)
}

async fn submit(tree: &Tree, session: &Session) -> Outcome<()> {
    let spec = JobSpec::Sql {
        query: "select 1".to_owned(),
        parameters: Vec::new(),
        format: TableFormat::Json,
    };
    let owner = session.owner.clone();
    let job = Job::new(JobId::new(), session.id, owner, spec, tree.clock.now());
    let submission = Submission {
        job,
        idempotency: None,
        max_queued: MAX_QUEUED,
    };
    match tree.store.submit(submission).await? {
        Admission::Created(_) => {
            tree.handle.wake(Service::Analysis);
            Ok(())
        }
        other => Err(format!("a job was not accepted: {other:?}").into()),
    }
}
