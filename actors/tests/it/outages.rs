//! Outages of dependencies: work waits for them, and no job uses up an attempt.

use std::time::Duration;

use lastcall_actors::{BreakerState, Handle};
use lastcall_domain::{Dependency, Fault, JobId, State};
use tokio::time::{Instant, sleep};

use crate::fixture::{Large, World, drain, in_virtual_time, service};

const MINUTE: Duration = Duration::from_secs(60);

fn breaker(handle: &Handle, dependency: Dependency) -> BreakerState {
    let status = handle.status();
    let parts = status.dependencies.iter();
    parts
        .filter(|part| part.name == dependency)
        .map(|part| part.breaker)
        .next()
        .unwrap()
}

/// Attempts and interruptions.
fn paid(world: &World, job: JobId) -> (u32, u32) {
    let lifecycle = world.job(job).lifecycle;
    (lifecycle.attempt, lifecycle.interruptions)
}

#[test]
fn while_a_part_is_away_nothing_is_claimed_and_afterwards_everything_is_done() {
    for dependency in Dependency::ALL {
        in_virtual_time(async {
            let world = World::new().await;
            let handle = world.start().await;
            world.parts().take_away(dependency);
            let mut jobs = Vec::new();
            for _ in 0..30 {
                jobs.push(world.run(&handle, &format!("needs {dependency}")).await);
            }
            sleep(MINUTE).await;
            assert_ne!(breaker(&handle, dependency), BreakerState::Closed);
            let counts = service(&handle, "AnalysisService").counts;
            assert!(counts.claimed <= 2, "{dependency}: {counts:?}");
            world.parts().give_back(dependency);
            let since = Instant::now();
            world.all_succeed(&jobs).await;
            assert!(since.elapsed() <= Duration::from_secs(5), "{dependency}");
            for job in jobs {
                assert_eq!(paid(&world, job), (1, 0), "{dependency}");
            }
            assert_eq!(breaker(&handle, dependency), BreakerState::Closed);
        });
    }
}

#[test]
fn an_attempt_waits_as_long_as_it_may_take_and_is_then_handed_back() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.timeout = MINUTE;
        let handle = world.start().await;
        world.parts().take_away(Dependency::Blobs);
        let job = world.run(&handle, "needs blobs").await;
        sleep(MINUTE / 2).await;
        assert_eq!(world.job(job).state(), State::Running);
        // However long it lasts: it is not claimed again.
        sleep(60 * MINUTE).await;
        assert_eq!(world.job(job).state(), State::Queued);
        assert_eq!(paid(&world, job), (0, 1));
        world.parts().give_back(Dependency::Blobs);
        world.reaches(job, State::Succeeded).await;
        assert_eq!(paid(&world, job), (1, 1));
    });
}

#[test]
fn a_drain_does_not_wait_for_a_part_that_is_away() {
    in_virtual_time(async {
        for query in ["needs scratch", "big 100000"] {
            let world = World::new().await;
            let handle = world.start().await;
            world.parts().take_away(Dependency::Scratch);
            world.blobs.faults().set_down(true);
            let job = world.run(&handle, query).await;
            sleep(MINUTE / 2).await;
            let since = Instant::now();
            let (outcome, _) = drain(&handle).await;
            assert!(outcome.is_complete(), "{outcome:?}");
            assert!(since.elapsed() <= Duration::from_secs(1), "{query}");
            assert_eq!(world.job(job).state(), State::Queued);
            assert_eq!(paid(&world, job), (0, 1), "{query}");
        }
    });
}

#[test]
fn a_job_that_waits_for_a_dependency_can_be_cancelled_at_once() {
    in_virtual_time(async {
        for query in ["needs blobs", "big 100000"] {
            let world = World::new().await;
            let handle = world.start().await;
            world.parts().take_away(Dependency::Blobs);
            world.blobs.faults().set_down(true);
            let job = world.run(&handle, query).await;
            sleep(Duration::from_secs(10)).await;
            use lastcall_domain::Store as _;
            world.store.cancel(job).await.unwrap();
            handle.cancel(job);
            let since = Instant::now();
            world.reaches(job, State::Cancelled).await;
            assert!(since.elapsed() <= Duration::from_secs(1), "{query}");
        }
    });
}

#[test]
fn work_that_fails_on_an_available_dependency_is_not_retried_forever() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        // It fills the disk itself, so it is to blame.
        let job = world.run(&handle, "misses scratch").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(job.error.unwrap().code, "scratch_unavailable");
        assert_eq!(job.lifecycle.attempt, 3);
        // The same with a table that the blobs have no room for.
        let job = world.run(&handle, "overfills blobs").await;
        let small = world.run(&handle, "big 100000").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(job.error.unwrap().code, "insufficient_storage");
        assert_eq!(job.lifecycle.attempt, 3);
        world.all_succeed(&[small]).await;
        assert_eq!(paid(&world, small), (1, 0));
        // It cannot cause other outages, but its time between two claims is bounded all the same.
        let since = Instant::now();
        let job = world.run(&handle, "misses blobs").await;
        let job = world.reaches(job, State::Failed).await;
        assert_eq!(job.error.unwrap().code, "interruptions_exhausted");
        assert!(since.elapsed() >= 2 * MINUTE, "{:?}", since.elapsed());
    });
}

#[test]
fn a_result_waits_for_the_blobs_as_the_work_does() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.timeout = MINUTE;
        let handle = world.start().await;
        world.blobs.faults().set_down(true);
        let job = world.run(&handle, "file 100000").await;
        sleep(MINUTE / 2).await;
        assert_eq!(world.job(job).state(), State::Running);
        world.blobs.faults().set_down(false);
        world.reaches(job, State::Succeeded).await;
        assert_eq!(paid(&world, job), (1, 0));
        assert_eq!(world.script.files_left(), 0);
        // Too long: it is computed again when they are back.
        world.blobs.faults().set_down(true);
        let job = world.run(&handle, "file 100000").await;
        sleep(10 * MINUTE).await;
        assert_eq!(world.job(job).state(), State::Queued);
        assert_eq!(paid(&world, job), (0, 1));
        assert_eq!(world.script.files_left(), 0);
        world.blobs.faults().set_down(false);
        world.reaches(job, State::Succeeded).await;
        assert_eq!(world.script.files_left(), 0);
    });
}

#[test]
fn work_that_outlasts_its_time_in_an_outage_pays_nothing_though_it_does_not_stop() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.timeout = MINUTE;
        let handle = world.start().await;
        let job = world.run(&handle, "stubborn").await;
        world.script.running(1).await;
        world.parts().take_away(Dependency::Blobs);
        let other = world.run(&handle, "needs blobs").await;
        sleep(2 * MINUTE).await;
        for job in [job, other] {
            assert_eq!(world.job(job).state(), State::Queued);
            assert_eq!(paid(&world, job), (0, 1));
        }
    });
}

#[test]
fn a_drain_does_not_wait_for_blobs_that_never_take_a_result() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start_on_narrow(0, Large::Hangs);
        let job = world.run(&handle, "big 100000").await;
        sleep(Duration::from_secs(10)).await;
        let (outcome, _) = drain(&handle).await;
        assert!(outcome.left().is_empty(), "{outcome:?}");
        assert_eq!(world.job(job).state(), State::Queued);
        assert_eq!(paid(&world, job), (0, 1));
    });
}

#[test]
fn a_result_that_no_disk_has_room_for_fails_its_job_and_holds_up_no_other() {
    in_virtual_time(async {
        for large in ["big 200000", "file 200000"] {
            let world = World::new().await;
            let handle = world.start_on_narrow(100_000, Large::NoRoom);
            let job = world.run(&handle, large).await;
            let small = world.run(&handle, "big 100000").await;
            let since = Instant::now();
            let job = world.reaches(job, State::Failed).await;
            assert_eq!(job.error.unwrap().code, "insufficient_storage");
            assert_eq!(job.lifecycle.attempt, 3);
            assert!(since.elapsed() <= 5 * MINUTE, "{:?}", since.elapsed());
            world.all_succeed(&[small]).await;
            assert_eq!(paid(&world, small), (1, 0));
            assert_eq!(world.script.files_left(), 0);
        }
    });
}

#[test]
fn a_report_whose_profile_waits_behind_work_that_waits_pays_nothing() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.report.timeout = MINUTE;
        let handle = world.start().await;
        world.parts().take_away(Dependency::Blobs);
        let mut jobs = Vec::new();
        for _ in 0..2 {
            jobs.push(world.run(&handle, "needs blobs").await);
        }
        world.script.running(0).await;
        let report = world.report_of("data").await;
        handle.wake(lastcall_domain::Service::Report);
        jobs.push(report);
        sleep(3 * MINUTE).await;
        world.parts().give_back(Dependency::Blobs);
        world.all_succeed(&jobs).await;
        assert_eq!(paid(&world, report).0, 1);
    });
}

#[test]
fn a_store_that_recovers_is_used_at_once() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.poll = 10 * MINUTE;
        let handle = world.start().await;
        sleep(Duration::from_secs(1)).await;
        let job = world.submit("ok").await;
        world.store.faults().fail_next(5, Fault::Before);
        handle.wake(lastcall_domain::Service::Analysis);
        let since = Instant::now();
        world.reaches(job, State::Succeeded).await;
        assert!(since.elapsed() <= MINUTE, "{:?}", since.elapsed());
        assert_eq!(paid(&world, job), (1, 0));
    });
}

#[test]
fn a_drain_leaves_to_its_lease_what_a_store_that_is_gone_cannot_take_back() {
    in_virtual_time(async {
        let world = World::shared().await;
        let handle = world.start().await;
        world.parts().take_away(Dependency::Scratch);
        let job = world.run(&handle, "needs scratch").await;
        sleep(MINUTE / 2).await;
        world.store.faults().set_down(true);
        let since = Instant::now();
        let (outcome, _) = drain(&handle).await;
        // Long before the deadline: nobody else can have taken it sooner.
        assert!(since.elapsed() <= Duration::from_secs(15), "{outcome:?}");
        assert_eq!(outcome.left(), [job]);
        assert_eq!(world.job(job).state(), State::Running);
    });
}
