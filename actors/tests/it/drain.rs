//! The shutdown sequence.

use std::time::Duration;

use lastcall_actors::log_lines::{
    ANALYSIS_BEGIN, ANALYSIS_END, CLEANER_BEGIN, CLEANER_END, REPORT_BEGIN, REPORT_END,
};
use lastcall_actors::shutdown::{EXIT_CLEAN, EXIT_HANDED_BACK};
use lastcall_actors::{Phase, PhaseState, Queued, Reason, ServiceState, Shutdown, Timeline};
use lastcall_domain::{Service, State};
use tokio::time::{Instant, sleep};

use crate::fixture::{World, capture, drain, finish, in_virtual_time, service, timeline};

const LINES: [&str; 6] = [
    CLEANER_BEGIN,
    CLEANER_END,
    REPORT_BEGIN,
    REPORT_END,
    ANALYSIS_BEGIN,
    ANALYSIS_END,
];

#[test]
fn an_idle_tree_shuts_down_at_once_line_by_line() {
    in_virtual_time(async {
        let logs = capture();
        let world = World::new().await;
        let handle = world.start().await;
        sleep(Duration::from_secs(5)).await;
        let since = Instant::now();
        let (outcome, report) = drain(&handle).await;
        assert!(
            since.elapsed() < Duration::from_millis(50),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(logs.info(), LINES);
        assert!(outcome.is_complete());
        assert_eq!((report.exit_code, report.clean), (EXIT_CLEAN, true));
        let status = handle.status();
        assert_eq!(status.phase, Phase::Stopped);
        assert!(
            status
                .services
                .iter()
                .all(|s| s.state == ServiceState::Stopped)
        );
    });
}

#[test]
fn drain_waits_for_the_job_that_is_running_and_claims_no_other() {
    in_virtual_time(async {
        let logs = capture();
        let mut world = World::new().await;
        world.config.analysis.workers = 1;
        let handle = world.start().await;
        let running = world.run(&handle, "sleep 10s").await;
        world.script.running(1).await;
        let queued = world.run(&handle, "ok").await;
        let since = Instant::now();
        let (_, report) = drain(&handle).await;
        let took = since.elapsed();
        assert!(
            took >= Duration::from_secs(9) && took < Duration::from_millis(10_100),
            "{took:?}"
        );
        assert_eq!(world.job(running).state(), State::Succeeded);
        assert_eq!(world.job(queued).state(), State::Queued);
        assert_eq!(world.job(queued).lifecycle.epoch, 0);
        assert_eq!(
            (report.finished, report.handed_back, report.queued),
            (Some(1), Some(0), Some(1))
        );
        assert_eq!((report.exit_code, report.clean), (EXIT_CLEAN, true));
        assert_eq!(logs.info(), LINES);
    });
}

#[test]
fn requests_are_accepted_until_the_lame_duck_is_over() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let plan = Timeline::plan(
            Duration::from_secs(25),
            Duration::from_secs(5),
            Duration::from_secs(3),
        );
        let shutdown = handle.shutdown(Reason::Sigterm, plan.unwrap());
        assert_eq!(handle.phase().get(), Phase::LameDuck);
        let job = world.run(&handle, "ok").await;
        let since = Instant::now();
        shutdown.lame_duck().await;
        assert_eq!(since.elapsed(), Duration::from_secs(5));
        assert_eq!(world.job(job).state(), State::Queued);
        let (_, report) = finish(&shutdown).await;
        let lame_duck = &report.phases[0];
        assert_eq!((lame_duck.planned_ms, lame_duck.actual_ms), (5000, 5000));
        assert_eq!(report.exit_code, EXIT_CLEAN);
    });
}

#[test]
fn the_progress_has_the_planned_and_the_actual_time_of_each_phase() {
    let phases = |shutdown: &Shutdown| {
        let phases = shutdown.progress().phases.into_iter();
        let phases = phases.map(|phase| (phase.state, phase.actual_ms));
        phases.collect::<Vec<_>>()
    };
    let plan = || {
        let second = Duration::from_secs;
        Timeline::plan(second(25), second(5), second(3)).unwrap()
    };
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        world.run(&handle, "sleep 100s").await;
        world.script.running(1).await;
        let shutdown = handle.shutdown(Reason::Sigterm, plan());
        let begun = shutdown.progress();
        assert_eq!((begun.elapsed_ms, begun.left_ms), (0, 25_000));
        let pending = (PhaseState::Pending, None);
        let lame_duck = (PhaseState::Active, Some(0));
        assert_eq!(phases(&shutdown), [lame_duck, pending, pending, pending]);
        shutdown.lame_duck().await;
        let watch = async {
            handle.phase().reached(Phase::HandingBack).await;
            shutdown.progress()
        };
        let (_, handing_back) = tokio::join!(shutdown.drain(), watch);
        assert_eq!(
            (handing_back.elapsed_ms, handing_back.left_ms),
            (22_000, 3000)
        );
        let draining = &handing_back.phases[1];
        assert_eq!(draining.state, PhaseState::Done);
        assert_eq!(
            (draining.planned_ms, draining.actual_ms),
            (17_000, Some(17_000))
        );
        assert_eq!(handing_back.phases[2].state, PhaseState::Active);
        assert_eq!(phases(&shutdown)[3].0, PhaseState::Active);
    });
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let shutdown = handle.shutdown(Reason::Sigterm, plan());
        // The time that a second signal leaves.
        shutdown.expedite();
        let progress = shutdown.progress();
        assert_eq!((progress.hurried, progress.left_ms), (true, 3000));
        assert_eq!(progress.deadline_ms, 25_000);
    });
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let shutdown = handle.shutdown(Reason::Sigterm, plan());
        shutdown.drain().await;
        // There was nothing to hand back.
        assert_eq!(phases(&shutdown)[2], (PhaseState::Skipped, None));
    });
}

#[test]
fn a_report_may_request_its_profile_while_it_is_drained() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        // Both slots of AnalysisService are taken, so that the report has to wait for one.
        world.run(&handle, "sleep 5s").await;
        world.run(&handle, "sleep 5s").await;
        world.script.running(2).await;
        let report = world.report_of("slow").await;
        handle.wake(Service::Report);
        world.script.running(3).await;
        let (_, told) = drain(&handle).await;
        assert_eq!(world.job(report).state(), State::Succeeded);
        assert_eq!((told.finished, told.exit_code), (Some(3), EXIT_CLEAN));
        assert_eq!(service(&handle, "AnalysisService").counts.asked, 1);
    });
}

#[test]
fn a_request_after_the_drain_fails_because_the_service_has_stopped() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        drain(&handle).await;
        let name = "x".to_owned().try_into().unwrap();
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
            ("service_stopped", true)
        );
    });
}

#[test]
fn the_queue_is_finished_if_configured() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.queued = Queued::Finish;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..10 {
            jobs.push(world.run(&handle, "sleep 2s").await);
        }
        let last = *jobs.last().unwrap();
        jobs.push(world.report_on(last).await);
        world.script.running(2).await;
        let (_, report) = drain(&handle).await;
        assert!(
            jobs.iter()
                .all(|job| world.job(*job).state() == State::Succeeded)
        );
        assert_eq!((report.finished, report.queued), (Some(11), Some(0)));
        assert_eq!(report.exit_code, EXIT_CLEAN);
    });
}

#[test]
fn a_queue_that_cannot_be_finished_in_time_stays_a_queue() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.queued = Queued::Finish;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..100 {
            jobs.push(world.run(&handle, "sleep 1s").await);
        }
        world.script.running(2).await;
        let (outcome, report) = drain(&handle).await;
        let states: Vec<_> = jobs.iter().map(|job| world.job(*job).state()).collect();
        let done = states
            .iter()
            .filter(|state| **state == State::Succeeded)
            .count();
        assert!((40..=46).contains(&done), "{done}");
        assert!(
            states
                .iter()
                .all(|s| [State::Succeeded, State::Queued].contains(s))
        );
        assert_eq!(report.queued, Some(100 - done as u64));
        assert!(outcome.is_complete());
        assert_eq!(report.exit_code, EXIT_HANDED_BACK);
    });
}

#[test]
fn a_result_that_waits_for_the_store_is_written_during_the_drain() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        world.store.faults().set_down(true);
        world.script.release(1);
        world.script.running(0).await;
        let shutdown = handle.shutdown(Reason::Sigterm, timeline());
        let store = world.store.clone();
        actix_rt::spawn(async move {
            sleep(Duration::from_secs(3)).await;
            store.faults().set_down(false);
        });
        let (_, report) = finish(&shutdown).await;
        assert_eq!(world.job(job).state(), State::Succeeded);
        assert_eq!((report.finished, report.exit_code), (Some(1), EXIT_CLEAN));
    });
}

#[test]
fn leases_are_kept_until_the_drain_has_ended() {
    in_virtual_time(async {
        let world = World::shared().await;
        let handle = world.start().await;
        let job = world.run(&handle, "sleep 20s").await;
        world.script.running(1).await;
        let (_, report) = drain(&handle).await;
        let job = world.job(job);
        assert_eq!((job.state(), job.lifecycle.epoch), (State::Succeeded, 1));
        assert_eq!(report.exit_code, EXIT_CLEAN);
    });
}

#[test]
fn a_shutdown_before_the_service_is_ready_is_a_shutdown_like_others() {
    in_virtual_time(async {
        let logs = capture();
        let world = World::new().await;
        let handle = world.begin();
        let job = world.submit("ok").await;
        let (_, report) = drain(&handle).await;
        handle.ready();
        assert_eq!(handle.phase().get(), Phase::Stopped);
        assert_eq!(world.job(job).state(), State::Queued);
        assert_eq!(
            (logs.info(), report.exit_code),
            (LINES.map(String::from).to_vec(), EXIT_CLEAN)
        );
    });
}
