//! What is handed back during a shutdown.

use std::sync::Arc;
use std::time::Duration;

use lastcall_actors::log_lines::{ANALYSIS_END, REPORT_END};
use lastcall_actors::shutdown::EXIT_HANDED_BACK;
use lastcall_actors::{Reason, Timeline};
use lastcall_domain::store::Store;
use lastcall_domain::{InstanceId, Service, State};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::chaos::{Weather, Wire};
use crate::fixture::{World, capture, drain, finish, in_virtual_time, service, timeline};

#[test]
fn work_that_is_known_not_to_fit_is_handed_back_at_once() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let long = world.run(&handle, "steps 100 10s").await;
        let short = world.run(&handle, "steps 100 1s").await;
        sleep(Duration::from_secs(90)).await;
        let shutdown = handle.shutdown(Reason::Sigterm, timeline());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.job(long).state(), State::Queued);
        assert_eq!(world.job(long).lifecycle.interruptions, 1);
        assert_eq!(world.job(short).state(), State::Running);
        let since = Instant::now();
        let (outcome, report) = finish(&shutdown).await;
        assert!(since.elapsed() < Duration::from_secs(12));
        assert_eq!(world.job(short).state(), State::Succeeded);
        assert_eq!((report.handed_back, report.finished), (Some(1), Some(1)));
        assert_eq!(
            (outcome.out_of_time, report.exit_code),
            (false, EXIT_HANDED_BACK)
        );
    });
}

#[test]
fn a_job_that_ignores_its_cancellation_is_handed_back_and_named() {
    in_virtual_time(async {
        let logs = capture();
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "stubborn").await;
        world.script.running(1).await;
        let since = Instant::now();
        let (outcome, report) = drain(&handle).await;
        assert!(
            since.elapsed() <= Duration::from_secs(25),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(world.job(job).state(), State::Queued);
        // A peer may take its row: it is in no other count, and its work is named separately.
        assert_eq!((report.handed_back, report.left), (Some(1), Some(0)));
        assert_eq!(outcome.unstopped(), [job]);
        assert_eq!((report.clean, report.exit_code), (false, EXIT_HANDED_BACK));
        assert!(
            report
                .leftovers()
                .iter()
                .any(|left| left.contains(&job.to_string()))
        );
        assert!(!logs.info().contains(&ANALYSIS_END.to_owned()));
        assert!(logs.info().contains(&REPORT_END.to_owned()));
    });
}

#[test]
fn a_drain_without_a_store_ends_in_time_and_leaves_the_jobs_to_their_leases() {
    in_virtual_time(async {
        let logs = capture();
        let world = World::new().await;
        let handle = world.start().await;
        let held = world.run(&handle, "hold").await;
        let forever = world.run(&handle, "forever").await;
        world.script.running(2).await;
        world.store.faults().set_down(true);
        world.script.release(1);
        let since = Instant::now();
        let (outcome, report) = drain(&handle).await;
        assert!(
            since.elapsed() <= Duration::from_secs(25),
            "{:?}",
            since.elapsed()
        );
        assert!(outcome.left().contains(&forever));
        assert_eq!((report.queued, report.exit_code), (None, EXIT_HANDED_BACK));
        assert!(!logs.info().contains(&ANALYSIS_END.to_owned()));

        // The next run recovers what was left.
        world.store.faults().set_down(false);
        assert_eq!(world.store.recover().await.unwrap(), 2);
        let mut world = world;
        world.config.instance = InstanceId::from(Uuid::from_u128(2));
        let handle = world.start().await;
        world.script.release(1);
        world.reaches(held, State::Succeeded).await;
        // Either may have killed the previous run: they run one after the other.
        world.reaches(forever, State::Running).await;
        drain(&handle).await;
    });
}

#[test]
fn a_job_whose_end_cannot_be_written_is_named_however_early_that_was_given_up() {
    for store_comes_back in [false, true] {
        in_virtual_time(async {
            let logs = capture();
            let world = World::shared().await;
            let handle = world.start().await;
            let job = world.run(&handle, "hold").await;
            world.script.running(1).await;
            world.store.faults().set_down(true);
            let shutdown = handle.shutdown(Reason::Sigterm, timeline());
            world.script.release(1);
            let store = world.store.clone();
            actix_rt::spawn(async move {
                // The lease has expired by then, so that a peer might have the job.
                sleep(Duration::from_secs(10)).await;
                store.faults().set_down(!store_comes_back);
            });
            let since = Instant::now();
            let (outcome, report) = finish(&shutdown).await;
            assert!(
                since.elapsed() < Duration::from_secs(22),
                "{:?}",
                since.elapsed()
            );
            assert_eq!(outcome.left(), [job]);
            assert_eq!((report.finished, report.left), (Some(0), Some(1)));
            assert_eq!((report.clean, report.exit_code), (false, EXIT_HANDED_BACK));
            assert!(!logs.info().contains(&ANALYSIS_END.to_owned()));
            assert!(logs.info().contains(&REPORT_END.to_owned()));
            assert!(!world.job(job).state().is_final());
        });
    }
}

#[test]
fn what_is_being_handed_back_is_not_handed_back_again_meanwhile() {
    in_virtual_time(async {
        let world = World::new().await;
        let wire = Wire::new(&world.store, 0, Weather::default(), &Default::default());
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        let job = world.run(&handle, "steps 100 10s").await;
        sleep(Duration::from_secs(90)).await;
        let slow = Weather {
            slow: 1,
            ..Weather::default()
        };
        wire.set(slow);
        // It is known not to fit, and the second signal comes before the store has answered.
        let shutdown = handle.shutdown(Reason::Sigterm, timeline());
        sleep(Duration::from_millis(1)).await;
        shutdown.expedite();
        let (_, report) = finish(&shutdown).await;
        assert_eq!((report.handed_back, report.left), (Some(1), Some(0)));
        assert_eq!(world.job(job).lifecycle.interruptions, 1);
        let counts = service(&handle, "AnalysisService").counts;
        assert_eq!((counts.handed_back, counts.lost, counts.refused), (1, 0, 0));
    });
}

#[test]
fn what_does_not_end_in_time_is_handed_back_as_an_interruption() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        let since = Instant::now();
        let (outcome, report) = drain(&handle).await;
        assert!(since.elapsed() >= Duration::from_secs(22));
        assert!(
            since.elapsed() < Duration::from_secs(23),
            "{:?}",
            since.elapsed()
        );
        let job = world.job(job);
        assert_eq!(job.state(), State::Queued);
        assert_eq!((job.lifecycle.attempt, job.lifecycle.interruptions), (0, 1));
        assert_eq!(job.lifecycle.lease, None);
        assert!(outcome.is_complete() && outcome.out_of_time);
        assert_eq!((report.handed_back, report.left), (Some(1), Some(0)));
        // In order, but not as intended: not everything in flight was finished.
        assert_eq!((report.exit_code, report.clean), (EXIT_HANDED_BACK, false));
        assert_eq!(report.leftovers(), ["1 job handed back"]);
        assert_eq!(world.script.stopped(), [job.id]);
    });
}

#[test]
fn a_second_signal_goes_straight_to_the_hand_back() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        let plan = Timeline::plan(
            Duration::from_secs(25),
            Duration::from_secs(5),
            Duration::from_secs(3),
        );
        let shutdown = handle.shutdown(Reason::Sigint, plan.unwrap());
        let since = Instant::now();
        let second = shutdown.clone();
        actix_rt::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            second.expedite();
        });
        let (_, report) = finish(&shutdown).await;
        assert!(
            since.elapsed() < Duration::from_millis(1100),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(world.job(job).state(), State::Queued);
        assert!(report.hurried);
        assert_eq!(report.reason, Reason::Sigint);
        assert_eq!(report.exit_code, EXIT_HANDED_BACK);
    });
}

#[test]
fn a_report_that_waits_for_its_profile_at_the_end_is_handed_back() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let report = world.report_of("forever").await;
        handle.wake(Service::Report);
        world.script.running(2).await;
        let (outcome, _) = drain(&handle).await;
        assert_eq!(world.job(report).state(), State::Queued);
        assert_eq!(world.job(report).lifecycle.interruptions, 1);
        assert!(outcome.is_complete());
        world.script.running(0).await;
    });
}

#[test]
fn an_expedited_drain_without_a_store_does_not_wait_for_the_deadline() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        world.store.faults().set_down(true);
        let shutdown = handle.shutdown(Reason::Sigterm, timeline());
        shutdown.expedite();
        let since = Instant::now();
        let (outcome, _) = finish(&shutdown).await;
        // As long as the hand-back and the closing were planned to last.
        assert_eq!(shutdown.deadline(), since + Duration::from_secs(3));
        assert!(
            since.elapsed() <= Duration::from_secs(3),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(outcome.left(), [job]);
    });
}
