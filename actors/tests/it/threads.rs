//! The whole tree on arbiters of its own, in real time: threads that hang and die, and panics
//! of the services themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lastcall_actors::shutdown::{EXIT_CLEAN, EXIT_ESCALATED, EXIT_HANDED_BACK};
use lastcall_actors::{Handle, Placement, Reason, ServiceState, Supervision, Timeline};
use lastcall_domain::store::Store;
use lastcall_domain::{Clock, Service, State, SystemClock, Timestamp};
use tokio::time::sleep;

use crate::fixture::{World, drain, finish, in_real_time, in_virtual_time, quiet_panic, service};

/// A world whose children have their own threads, and whose hangs are found soon, but not so soon
/// that a busy machine looks like one.
async fn threaded() -> World {
    let mut world = World::new().await;
    world.config.placement = Placement::OwnArbiters;
    world.config.supervision = Supervision {
        ping: Duration::from_millis(50),
        hang: Duration::from_secs(1),
        ..Supervision::default()
    };
    world
}

async fn all_threads_end(handle: &Handle) {
    while !handle.status().abandoned_threads.is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn jobs_run_and_the_tree_shuts_down_with_every_thread_joined() {
    in_real_time(async {
        let mut world = threaded().await;
        world.config.supervision = Supervision::default();
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..50 {
            jobs.push(world.run(&handle, "ok").await);
        }
        let last = *jobs.last().unwrap();
        jobs.push(world.report_on(last).await);
        jobs.push(world.report_of("x").await);
        handle.wake(Service::Report);
        world.all_succeed(&jobs).await;
        let (outcome, report) = drain(&handle).await;
        assert!(outcome.is_complete(), "{outcome:?}");
        assert_eq!(report.exit_code, EXIT_CLEAN);
    });
}

#[test]
fn a_job_that_blocks_its_thread_fails_and_the_service_goes_on() {
    in_real_time(async {
        let world = threaded().await;
        let handle = world.start().await;
        let blocking = world.run(&handle, "block").await;
        // A job on the same thread is retried, too.
        let victim = world.run(&handle, "sleep 60s").await;
        while service(&handle, "AnalysisService").hung == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(handle.status().abandoned_threads, ["AnalysisService #1"]);
        let row = world.job(victim);
        assert!(!row.state().is_final(), "{row:?}");
        world.store.cancel(victim).await.unwrap();
        handle.cancel(victim);
        world.script.unblock();
        world.reaches(blocking, State::Succeeded).await;
        world.reaches(victim, State::Cancelled).await;
        assert!(world.job(blocking).lifecycle.attempt > 1);
        all_threads_end(&handle).await;
        let (outcome, _) = drain(&handle).await;
        assert!(outcome.is_complete(), "{outcome:?}");
    });
}

#[test]
fn a_job_that_always_blocks_its_thread_ends_as_failed() {
    in_real_time(async {
        let world = threaded().await;
        let handle = world.start().await;
        let job = world.run(&handle, "block").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(job.error.unwrap().code, "worker_lost");
        assert_eq!(job.lifecycle.attempt, 3);
        let good = world.run(&handle, "ok").await;
        world.reaches(good, State::Succeeded).await;
        world.script.unblock();
        all_threads_end(&handle).await;
        drain(&handle).await;
    });
}

#[test]
fn a_thread_that_hangs_in_the_end_is_left_and_its_job_handed_back() {
    in_real_time(async {
        let mut world = threaded().await;
        world.config.supervision.hang = Duration::from_secs(60);
        let handle = world.start().await;
        let job = world.run(&handle, "block").await;
        world.script.running(1).await;
        let plan = Timeline::plan(
            Duration::from_millis(1000),
            Duration::ZERO,
            Duration::from_millis(800),
        );
        let shutdown = handle.shutdown(Reason::Sigterm, plan.unwrap());
        let (outcome, report) = finish(&shutdown).await;
        assert_eq!(world.job(job).state(), State::Queued);
        assert_eq!(outcome.threads_left, ["AnalysisService #1"]);
        assert_eq!((report.handed_back, report.left), (Some(1), Some(0)));
        assert_eq!(outcome.unstopped(), [job]);
        assert_eq!((report.clean, report.exit_code), (false, EXIT_HANDED_BACK));
        world.script.unblock();
        all_threads_end(&handle).await;
    });
}

#[test]
fn a_report_repeats_its_request_when_the_thread_of_its_profile_hangs() {
    in_real_time(async {
        let world = threaded().await;
        let handle = world.start().await;
        let report = world.report_of("hold").await;
        handle.wake(Service::Report);
        world.script.running(2).await;
        let blocking = world.run(&handle, "block").await;
        while service(&handle, "AnalysisService").hung == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        // The next incarnation computes it. The first profile still waits for its turn, too.
        world.script.running(4).await;
        sleep(Duration::from_millis(100)).await;
        world.script.release(2);
        let report = world.reaches(report, State::Succeeded).await;
        assert_eq!(report.lifecycle.attempt, 1);
        world.script.unblock();
        world.reaches(blocking, State::Succeeded).await;
        all_threads_end(&handle).await;
        let (outcome, _) = drain(&handle).await;
        assert!(outcome.is_complete(), "{outcome:?}");
    });
}

#[test]
fn a_profile_that_always_blocks_its_thread_is_given_up() {
    in_real_time(async {
        let world = threaded().await;
        let handle = world.start().await;
        let name = "block".to_owned().try_into().unwrap();
        let profiles = handle.profiles();
        let answer = profiles.profile(
            crate::fixture::dataset(world.session, name),
            Default::default(),
            Default::default(),
            Default::default(),
        );
        let error = answer.await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.retryable),
            ("worker_lost", true)
        );
        assert_eq!(service(&handle, "AnalysisService").hung, 3);
        world.script.unblock();
        all_threads_end(&handle).await;
        let (outcome, _) = drain(&handle).await;
        assert!(outcome.is_complete(), "{outcome:?}");
    });
}

/// A clock with a fault.
#[derive(Debug, Default)]
struct Broken(AtomicBool);

impl Clock for Broken {
    fn now(&self) -> Timestamp {
        if self.0.load(Ordering::SeqCst) {
            quiet_panic();
        }
        SystemClock.now()
    }
}

#[test]
fn a_cleaner_that_always_panics_escalates_and_the_rest_shuts_down_in_order() {
    in_virtual_time(async {
        let mut world = World::new().await;
        let clock = Arc::new(Broken::default());
        let good = Arc::clone(&world.clock);
        world.clock = Arc::<Broken>::clone(&clock);
        let handle = world.start().await;
        world.clock = good;
        let job = world.run(&handle, "sleep 3s").await;
        world.script.running(1).await;
        clock.0.store(true, Ordering::SeqCst);
        handle.sweep();
        let escalation = handle.escalated().await;
        assert_eq!(escalation.service, "TtlCleaner");
        assert_eq!(service(&handle, "TtlCleaner").state, ServiceState::Failed);
        clock.0.store(false, Ordering::SeqCst);
        let shutdown = handle.shutdown(Reason::Escalation, crate::fixture::timeline());
        let (outcome, report) = finish(&shutdown).await;
        assert_eq!(world.job(job).state(), State::Succeeded);
        assert_eq!((report.exit_code, report.clean), (EXIT_ESCALATED, false));
        assert!(!outcome.is_complete());
        assert_eq!(
            report.leftovers(),
            ["TtlCleaner had exceeded its restart limit"]
        );
    });
}

#[test]
fn a_service_that_hangs_too_often_gives_its_jobs_to_others_and_fails_no_waiting_report() {
    in_real_time(async {
        let mut world = threaded().await;
        world.config.supervision.max_restarts = 0;
        world.config.analysis.workers = 2;
        let handle = world.start().await;
        let report_job = world.report_of("hold").await;
        handle.wake(Service::Report);
        world.script.running(2).await;
        world.run(&handle, "block").await;
        let escalation = handle.escalated().await;
        assert_eq!(escalation.service, "AnalysisService");
        let shutdown = handle.shutdown(Reason::Escalation, crate::fixture::timeline());
        let (outcome, report) = finish(&shutdown).await;
        assert_eq!(report.exit_code, EXIT_ESCALATED);
        // Long before the hand-back was due.
        assert!(!outcome.out_of_time);
        let states: Vec<_> = world
            .store
            .all_jobs()
            .iter()
            .map(|job| job.state())
            .collect();
        assert_eq!(states, [State::Queued; 2]);
        assert_eq!(world.job(report_job).error, None);
        world.script.unblock();
        all_threads_end(&handle).await;
    });
}
