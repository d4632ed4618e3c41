//! What one owner's jobs cost another.

use std::time::Duration;

use lastcall_domain::{OwnerLimits, Service, State, Store as _};
use tokio::time::Instant;

use crate::fixture::{World, in_virtual_time};

/// How long a job has its slot.
const SLOT: Duration = Duration::from_secs(1);

fn running_jobs(most: u64) -> OwnerLimits {
    OwnerLimits {
        running_jobs: Some(most),
        ..OwnerLimits::default()
    }
}

#[test]
fn ten_thousand_jobs_of_one_owner_delay_the_first_of_another_by_a_slots_time_at_most() {
    for workers in [1, 4] {
        in_virtual_time(async {
            let mut world = World::new().await;
            world.config.analysis.workers = workers;
            let (crowd, single) = (
                world.session_of("crowd").await,
                world.session_of("single").await,
            );
            for _ in 0..10_000 {
                world.submit_as(&crowd, "sleep 1s").await;
            }
            let handle = world.start().await;
            handle.wake(Service::Analysis);
            world.script.running(workers).await;
            // Some time into the crowd's turn, and again when its own turn was not long ago.
            for _ in 0..3 {
                tokio::time::sleep(SLOT * 5 / 2).await;
                let since = Instant::now();
                let job = world.submit_as(&single, "sleep 1s").await;
                handle.wake(Service::Analysis);
                world.reaches(job, State::Succeeded).await;
                let took = since.elapsed();
                // The rest of a slot's time, and its own.
                assert!(
                    took <= SLOT * 2 + SLOT / 10,
                    "{took:?} with {workers} slots"
                );
            }
            let begun = world.script.begun().len();
            assert!(begun < 100, "the crowd is still waiting");
        });
    }
}

#[test]
fn owners_with_more_work_than_there_are_slots_get_the_same_number_of_them() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 2;
        let mut jobs = Vec::new();
        for owner in ["first", "second", "third"] {
            let session = world.session_of(owner).await;
            let mut of_owner = Vec::new();
            for _ in 0..100 {
                of_owner.push(world.submit_as(&session, "sleep 1s").await);
            }
            jobs.push(of_owner);
        }
        let handle = world.start().await;
        handle.wake(Service::Analysis);
        tokio::time::sleep(SLOT * 30 + SLOT / 2).await;
        let begun = world.script.begun();
        let counts = jobs.iter().map(|of_owner| {
            let mine: Vec<_> = begun.iter().filter(|job| of_owner.contains(job)).collect();
            assert!(mine.iter().zip(of_owner).all(|(begun, job)| *begun == job));
            mine.len()
        });
        let counts: Vec<usize> = counts.collect();
        assert!(
            counts.iter().all(|count| (20..=21).contains(count)),
            "{counts:?}"
        );
    });
}

#[test]
fn an_owner_has_no_more_slots_than_one_may_have_and_uses_them_without_a_pause() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 4;
        world.config.analysis.owners_are_bounded = true;
        world.store.limit_owners(running_jobs(2));
        let session = world.session_of("bounded").await;
        let mut jobs = Vec::new();
        for _ in 0..100 {
            jobs.push(world.submit_as(&session, "sleep 10ms").await);
        }
        let since = Instant::now();
        let handle = world.start().await;
        handle.wake(Service::Analysis);
        world.all_succeed(&jobs).await;
        assert_eq!(world.script.most(), 2);
        // Fifty rounds of 10 ms, each found without waiting for the poll of a second.
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "{:?}",
            since.elapsed()
        );
    });
}

#[test]
fn a_bound_that_changes_holds_at_once_and_stops_no_job() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 4;
        let session = world.session_of("bounded").await;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..4 {
            jobs.push(world.submit_as(&session, "sleep 60s").await);
        }
        handle.wake(Service::Analysis);
        world.script.running(4).await;
        world.store.limit_owners(running_jobs(2));
        handle.owners_are_bounded(true);
        for _ in 0..8 {
            jobs.push(world.submit_as(&session, "sleep 60s").await);
        }
        handle.wake(Service::Analysis);
        // The four run to their end, and two take their places.
        world.all_succeed(&jobs[..4]).await;
        assert_eq!(world.script.stopped(), []);
        world.script.running(2).await;
        tokio::time::sleep(SLOT * 10).await;
        assert_eq!(world.script.begun().len(), 6);

        let at_once = Duration::from_millis(20);
        let since = Instant::now();
        world.store.limit_owners(running_jobs(3));
        handle.owners_are_bounded(true);
        world.script.running(3).await;
        world.store.limit_owners(OwnerLimits::default());
        handle.owners_are_bounded(false);
        world.script.running(4).await;
        // The poll comes after a second.
        assert!(since.elapsed() < at_once, "{:?}", since.elapsed());
        world.all_succeed(&jobs).await;
    });
}
