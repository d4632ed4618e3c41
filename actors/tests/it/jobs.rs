//! What happens to jobs while the tree runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastcall_actors::ServiceState;
use lastcall_domain::store::{ResultLocation, Store};
use lastcall_domain::{Job, JobId, JobObserver, Service, State};
use tokio::time::{Instant, sleep};

use crate::fixture::{World, in_virtual_time, service};

#[test]
fn a_job_is_claimed_run_and_completed() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "ok").await;
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!(job.lifecycle.attempt, 1);
        let result = world.store.result(job.id).await.unwrap().unwrap();
        assert_eq!(result.bytes, 4);
        assert_eq!(result.location, ResultLocation::Inline("done".into()));
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.counts.claimed, status.counts.succeeded), (1, 1));
        assert_eq!((status.state, status.in_flight), (ServiceState::Running, 0));
    });
}

#[test]
fn no_more_jobs_run_at_once_than_there_are_workers() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 3;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..10 {
            jobs.push(world.run(&handle, "sleep 1s").await);
        }
        world.all_succeed(&jobs).await;
        assert_eq!(world.script.most(), 3);
    });
}

#[test]
fn jobs_are_begun_in_the_order_in_which_they_were_accepted() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 1;
        let mut jobs = Vec::new();
        for _ in 0..20 {
            jobs.push(world.submit("sleep 10ms").await);
        }
        let _handle = world.start().await;
        world.all_succeed(&jobs).await;
        assert_eq!(world.script.begun(), jobs);
    });
}

#[test]
fn nothing_is_claimed_before_the_service_is_ready() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.begin();
        let job = world.run(&handle, "ok").await;
        sleep(Duration::from_secs(10)).await;
        assert_eq!(world.job(job).state(), State::Queued);
        handle.ready();
        world.reaches(job, State::Succeeded).await;
    });
}

#[test]
fn a_job_without_a_hint_is_found_by_the_poll() {
    in_virtual_time(async {
        let world = World::new().await;
        let _handle = world.start().await;
        sleep(Duration::from_secs(100)).await;
        let job = world.submit("ok").await;
        let since = Instant::now();
        world.reaches(job, State::Succeeded).await;
        assert!(since.elapsed() <= Duration::from_millis(1300));
    });
}

#[test]
fn an_idle_service_polls_the_store_about_once_a_second() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "ok").await;
        world.reaches(job, State::Succeeded).await;
        sleep(Duration::from_secs(10)).await;
        let before = world.store.faults().calls();
        sleep(Duration::from_secs(100)).await;
        let calls = world.store.faults().calls() - before;
        // Two services that poll, and the leases of peers twice a second.
        assert!((300..=460).contains(&calls), "{calls}");
    });
}

#[test]
fn a_panicking_job_fails_alone() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let good = world.run(&handle, "sleep 20s").await;
        let bad = world.run(&handle, "panic").await;
        let bad = world.reaches(bad, State::Failed).await;
        assert_eq!(bad.error.unwrap().code, "panicked");
        assert_eq!(bad.lifecycle.attempt, 3);
        world.reaches(good, State::Succeeded).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.restarts, status.counts.panicked), (0, 3));
        assert_eq!((status.counts.failed, status.counts.retried), (1, 2));
    });
}

#[test]
fn a_permanent_failure_is_not_retried() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "fail").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(
            (job.lifecycle.attempt, job.error.unwrap().code),
            (1, "no_luck".into())
        );
    });
}

#[test]
fn a_retried_job_is_fetched_when_it_is_due() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let since = Instant::now();
        let job = world.run(&handle, "retry").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(job.lifecycle.attempt, 3);
        // Back-offs of 0.5 s and 1 s, and no wait for a poll after either.
        assert!(
            since.elapsed() < Duration::from_millis(1600),
            "{:?}",
            since.elapsed()
        );
    });
}

/// Records the jobs that end.
#[derive(Default)]
struct EndedJobs(Mutex<Vec<(JobId, State)>>);

impl JobObserver for EndedJobs {
    fn ended(&self, job: &Job) {
        self.0.lock().unwrap().push((job.id, job.state()));
    }
}

#[test]
fn the_observer_is_notified_once_of_each_job_that_ends() {
    in_virtual_time(async {
        let ended = Arc::<EndedJobs>::default();
        let mut world = World::new().await;
        world.observer = ended.clone();
        let handle = world.start().await;
        let good = world.run(&handle, "ok").await;
        world.reaches(good, State::Succeeded).await;
        let retried = world.run(&handle, "retry").await;
        world.reaches(retried, State::Failed).await;
        let cancelled = world.run(&handle, "forever").await;
        world.script.running(1).await;
        world.store.cancel(cancelled).await.unwrap();
        handle.cancel(cancelled);
        world.reaches(cancelled, State::Cancelled).await;
        let expected = [
            (good, State::Succeeded),
            (retried, State::Failed),
            (cancelled, State::Cancelled),
        ];
        assert_eq!(*ended.0.lock().unwrap(), expected);
    });
}

#[test]
fn an_attempt_that_takes_too_long_is_stopped() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.timeout = Duration::from_secs(60);
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(job.error.unwrap().code, "timeout");
        assert_eq!(world.script.stopped().len(), 3);
        assert_eq!(service(&handle, "AnalysisService").counts.timed_out, 3);
    });
}

#[test]
fn an_attempt_that_does_not_stop_loses_its_slot() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 1;
        let handle = world.start().await;
        let stubborn = world.run(&handle, "stubborn").await;
        world.script.running(1).await;
        let next = world.run(&handle, "ok").await;
        world.store.cancel(stubborn).await.unwrap();
        handle.cancel(stubborn);
        world.reaches(stubborn, State::Cancelled).await;
        world.reaches(next, State::Succeeded).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.counts.ignored_cancel, status.busy), (1, 0));
    });
}

#[test]
fn a_running_job_is_cancelled_at_once_where_it_runs() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        let since = Instant::now();
        world.store.cancel(job).await.unwrap();
        handle.cancel(job);
        world.script.running(0).await;
        assert_eq!(since.elapsed(), Duration::ZERO);
        world.reaches(job, State::Cancelled).await;
        assert_eq!(service(&handle, "AnalysisService").counts.cancelled, 1);
    });
}

#[test]
fn a_cancellation_takes_effect_at_the_next_heartbeat() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        let since = Instant::now();
        world.store.cancel(job).await.unwrap();
        world.reaches(job, State::Cancelled).await;
        assert!(
            since.elapsed() <= Duration::from_millis(1600),
            "{:?}",
            since.elapsed()
        );
    });
}

#[test]
fn a_large_result_goes_to_the_blobs_and_a_small_file_into_the_row() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        for (query, inline) in [
            ("big 65536", true),
            ("big 65537", false),
            ("file 100", true),
            ("file 100000", false),
        ] {
            let job = world.run(&handle, query).await;
            world.reaches(job, State::Succeeded).await;
            let result = world.store.result(job).await.unwrap().unwrap();
            assert_eq!(
                matches!(result.location, ResultLocation::Inline(_)),
                inline,
                "{query}"
            );
        }
        assert_eq!(world.blobs.keys().len(), 2);
    });
}

#[test]
fn a_report_starts_as_soon_as_its_analysis_has_ended() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let analysis = world.submit("hold").await;
        let report = world.report_on(analysis).await;
        handle.wake(Service::Analysis);
        handle.wake(Service::Report);
        sleep(Duration::from_secs(30)).await;
        assert_eq!(world.job(report).state(), State::Queued);
        world.script.release(1);
        world.reaches(analysis, State::Succeeded).await;
        let since = Instant::now();
        world.reaches(report, State::Succeeded).await;
        assert!(
            since.elapsed() < Duration::from_millis(100),
            "{:?}",
            since.elapsed()
        );
    });
}

#[test]
fn progress_is_reported_while_the_job_runs() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.submit("steps 10 1s").await;
        let mut news = world.feed.subscribe(job);
        handle.wake(Service::Analysis);
        let mut heard = Vec::new();
        while heard.last() != Some(&0.9) {
            let done = news.next().await.progress;
            if heard.last() != Some(&done) {
                heard.push(done);
            }
        }
        assert!(heard.len() >= 9, "{heard:?}");
        assert!(heard.is_sorted());
        world.reaches(job, State::Succeeded).await;
    });
}

#[test]
fn jobs_behind_a_long_one_are_given_to_peers_once_and_not_claimed_again_meanwhile() {
    in_virtual_time(async {
        let mut world = World::shared().await;
        world.config.analysis.workers = 1;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..40 {
            jobs.push(world.run(&handle, "ok").await);
        }
        world.all_succeed(&jobs).await;
        // Known to be short by now, they are claimed together.
        let long = world.submit("sleep 60s").await;
        let mut behind = Vec::new();
        for _ in 0..5 {
            behind.push(world.submit("ok").await);
        }
        handle.wake(Service::Analysis);
        world.script.running(1).await;
        sleep(Duration::from_millis(500)).await;
        assert!(
            behind
                .iter()
                .all(|job| world.job(*job).state() == State::Running)
        );
        sleep(Duration::from_secs(2)).await;
        assert!(
            behind
                .iter()
                .all(|job| world.job(*job).state() == State::Queued)
        );
        sleep(Duration::from_secs(50)).await;
        for job in &behind {
            let row = world.job(*job);
            assert_eq!(
                (row.state(), row.lifecycle.interruptions),
                (State::Queued, 1)
            );
        }
        world.reaches(long, State::Succeeded).await;
        world.all_succeed(&behind).await;
    });
}

#[test]
fn short_jobs_are_claimed_ahead_and_long_ones_are_not() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..400 {
            jobs.push(world.submit("ok").await);
        }
        let before = world.store.faults().calls();
        handle.wake(Service::Analysis);
        world.all_succeed(&jobs).await;
        let calls = world.store.faults().calls() - before;
        // One call to complete each, and far fewer than one to claim each.
        assert!(calls < 400 + 60, "{calls}");

        let long = world.run(&handle, "sleep 10s").await;
        world.reaches(long, State::Succeeded).await;
        for _ in 0..40 {
            world.run(&handle, "sleep 10s").await;
        }
        sleep(Duration::from_secs(25)).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.busy, status.claimed_ahead), (2, 0));
    });
}
