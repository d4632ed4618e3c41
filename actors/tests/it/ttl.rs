//! TtlCleaner, under virtual time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lastcall_actors::shutdown::EXIT_CLEAN;
use lastcall_domain::store::Store;
use lastcall_domain::{BlobKey, Blobs, Fault, Service, SessionId, State};
use tokio::time::{Instant, sleep};

use crate::fixture::{Large, TestBlobs, World, drain, in_virtual_time, service};

const HOUR: Duration = Duration::from_secs(3600);

/// A world in which only the cleaner polls the store.
async fn quiet() -> World {
    let mut world = World::new().await;
    world.config.lease = HOUR;
    world.config.expire = HOUR;
    world.config.heartbeat = HOUR / 4;
    world.config.analysis.poll = HOUR;
    world.config.report.poll = HOUR;
    world.config.supervision.ping = HOUR;
    world
}

async fn with_data(world: &World, ttl: Duration) -> SessionId {
    let session = world.session(ttl).await;
    let bytes = Bytes::from_static(b"a,b\n");
    world
        .blobs
        .put(&BlobKey::upload(session), bytes)
        .await
        .unwrap();
    session
}

fn has_data(world: &World, session: SessionId) -> bool {
    let prefix = BlobKey::prefix(session);
    world
        .blobs
        .keys()
        .iter()
        .any(|key| key.starts_with(&prefix))
}

#[test]
fn a_session_lives_for_its_ttl_and_its_data_is_removed_with_it() {
    in_virtual_time(async {
        let world = quiet().await;
        let handle = world.start().await;
        let day = with_data(&world, 24 * HOUR).await;
        let half_an_hour = with_data(&world, HOUR / 2).await;
        sleep(HOUR / 4).await;
        assert!(has_data(&world, half_an_hour));
        sleep(HOUR).await;
        assert!(!has_data(&world, half_an_hour));
        assert!(has_data(&world, day));
        sleep(25 * HOUR).await;
        assert!(world.blobs.keys().is_empty());
        let cleaner = service(&handle, "TtlCleaner").cleaner.unwrap();
        assert_eq!((cleaner.removed, cleaner.failed), (3, 0));
        assert!((26..=28).contains(&cleaner.sweeps), "{cleaner:?}");
    });
}

#[test]
fn a_deleted_session_is_removed_by_a_requested_sweep() {
    in_virtual_time(async {
        let world = quiet().await;
        let handle = world.start().await;
        sleep(Duration::from_secs(1)).await;
        let session = with_data(&world, 24 * HOUR).await;
        assert!(world.store.delete_session(session).await.unwrap());
        handle.sweep();
        sleep(Duration::from_millis(1)).await;
        assert!(!has_data(&world, session));
    });
}

#[test]
fn a_deleted_session_is_removed_when_its_jobs_have_stopped_soon_or_late() {
    for (stops_after, gone_after) in [(1, 6), (20, 36)] {
        in_virtual_time(async {
            let mut world = quiet().await;
            world.session = with_data(&world, 24 * HOUR).await;
            let handle = world.start().await;
            let job = world.run(&handle, "forever").await;
            world.script.running(1).await;
            assert!(world.store.delete_session(world.session).await.unwrap());
            handle.sweep();
            sleep(Duration::from_secs(stops_after)).await;
            assert!(has_data(&world, world.session));
            handle.cancel(job);
            world.script.running(0).await;
            sleep(Duration::from_secs(gone_after - stops_after)).await;
            assert!(!has_data(&world, world.session), "{gone_after}");
            sleep(Duration::from_secs(60)).await;
            // Only the interval is left.
            let sweeps = |handle| service(handle, "TtlCleaner").cleaner.unwrap().sweeps;
            let before = sweeps(&handle);
            sleep(HOUR / 2).await;
            assert_eq!(sweeps(&handle), before);
        });
    }
}

#[test]
fn a_job_that_is_cancelled_is_no_reason_to_sweep() {
    in_virtual_time(async {
        let world = quiet().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        world.store.cancel(job).await.unwrap();
        handle.cancel(job);
        world.reaches(job, State::Cancelled).await;
        sleep(HOUR / 2).await;
        assert_eq!(service(&handle, "TtlCleaner").cleaner.unwrap().sweeps, 1);
    });
}

#[test]
fn a_session_with_work_in_flight_stays_until_the_work_has_ended() {
    in_virtual_time(async {
        let mut world = quiet().await;
        world.session = with_data(&world, HOUR / 2).await;
        world.config.analysis.timeout = 100 * HOUR;
        let handle = world.start().await;
        let job = world.run(&handle, "sleep 10000s").await;
        sleep(2 * HOUR).await;
        assert!(has_data(&world, world.session));
        assert_eq!(world.job(job).state(), State::Running);
        sleep(3 * HOUR).await;
        assert!(!has_data(&world, world.session));
    });
}

#[test]
fn sessions_that_fail_do_not_hold_up_the_others() {
    // Also if they fill a batch.
    for failing in [1, 2] {
        in_virtual_time(async {
            let mut world = quiet().await;
            world.config.cleaner.batch = 2;
            let mut sessions = Vec::new();
            for _ in 0..7 {
                sessions.push(with_data(&world, HOUR).await);
            }
            let handle = world.start().await;
            sleep(HOUR / 2).await;
            world.blobs.faults().fail_next(failing, Fault::Before);
            sleep(HOUR / 2 + Duration::from_secs(1)).await;
            let left = sessions
                .iter()
                .filter(|session| has_data(&world, **session))
                .count();
            assert_eq!(left, failing);
            // They are retried long before the next interval.
            sleep(HOUR / 10).await;
            assert!(world.blobs.keys().is_empty());
            let cleaner = service(&handle, "TtlCleaner").cleaner.unwrap();
            assert_eq!((cleaner.removed, cleaner.failed), (7, failing as u64));
        });
    }
}

#[test]
fn a_sweep_that_fails_again_and_again_is_given_up() {
    in_virtual_time(async {
        let world = quiet().await;
        for _ in 0..1500 {
            with_data(&world, HOUR / 2).await;
        }
        let handle = world.start().await;
        sleep(HOUR / 2).await;
        world.blobs.faults().set_down(true);
        sleep(HOUR / 2 + Duration::from_secs(10)).await;
        let cleaner = service(&handle, "TtlCleaner").cleaner.unwrap();
        assert_eq!((cleaner.removed, cleaner.failed), (0, 1000));
    });
}

#[test]
fn a_drain_ends_the_purge_between_two_batches() {
    in_virtual_time(async {
        let mut world = quiet().await;
        for _ in 0..100 {
            with_data(&world, Duration::from_secs(1)).await;
        }
        sleep(HOUR).await;
        let handle = world.start().await;
        sleep(Duration::from_secs(1)).await;
        drain(&handle).await;
        sleep(72 * HOUR).await;
        world.config.cleaner.batch = 1;
        let handle = world.start().await;
        tokio::task::yield_now().await;
        let (outcome, _) = drain(&handle).await;
        assert!(outcome.is_complete());
        let forgotten = service(&handle, "TtlCleaner").cleaner.unwrap().forgotten;
        assert!(forgotten > 0 && forgotten < 100, "{forgotten}");
    });
}

#[test]
fn what_a_killed_sweep_has_marked_is_removed_by_the_next_run() {
    in_virtual_time(async {
        let world = quiet().await;
        let session = with_data(&world, HOUR).await;
        sleep(2 * HOUR).await;
        let marked = world
            .store
            .begin_removal(world.clock.now(), 10)
            .await
            .unwrap();
        assert_eq!(marked, [session]);
        let handle = world.start().await;
        sleep(Duration::from_secs(1)).await;
        assert!(!has_data(&world, session));
        assert_eq!(service(&handle, "TtlCleaner").cleaner.unwrap().removed, 1);
    });
}

#[test]
fn a_drain_ends_the_sweep_between_two_batches() {
    in_virtual_time(async {
        let mut world = quiet().await;
        world.config.cleaner.batch = 1;
        for _ in 0..100 {
            with_data(&world, Duration::from_secs(1)).await;
        }
        sleep(HOUR).await;
        let handle = world.start().await;
        tokio::task::yield_now().await;
        let (outcome, _) = drain(&handle).await;
        assert!(outcome.is_complete());
        let left = world.blobs.keys().len();
        assert!(left > 0 && left < 100, "{left}");
        handle.wake(Service::Analysis);
    });
}

#[test]
fn a_drain_ends_the_sweep_between_two_sessions_and_between_two_blobs() {
    // Many sessions of one blob, or few of many.
    for (sessions, blobs) in [(150, 1), (2, 150)] {
        in_virtual_time(async {
            let world = quiet().await;
            for _ in 0..sessions {
                let session = world.session(Duration::from_secs(1)).await;
                for _ in 0..blobs {
                    let key = BlobKey::upload(session);
                    world
                        .blobs
                        .put(&key, Bytes::from_static(b"a,b\n"))
                        .await
                        .unwrap();
                }
            }
            sleep(HOUR).await;
            let slow = TestBlobs {
                blobs: world.blobs.clone(),
                most: u64::MAX,
                large: Large::NoRoom,
                removal: Duration::from_millis(150),
            };
            let handle = world.begin_on(Arc::new(world.store.clone()), Arc::new(slow));
            handle.ready();
            sleep(Duration::from_secs(1)).await;
            let since = Instant::now();
            let (outcome, report) = drain(&handle).await;
            assert!(
                since.elapsed() < Duration::from_millis(500),
                "{:?}",
                since.elapsed()
            );
            assert!(outcome.is_complete());
            assert_eq!(report.exit_code, EXIT_CLEAN);
            let left = world.blobs.keys().len();
            assert!(
                (285..300).contains(&left) || (140..150).contains(&left),
                "{left}"
            );
            // The next run removes the rest.
            let next = world.start().await;
            sleep(Duration::from_secs(5)).await;
            assert!(world.blobs.keys().is_empty());
            drain(&next).await;
        });
    }
}
