//! Stores that never respond, or refuse permanently: every wait for them is bounded.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lastcall_actors::shutdown::{EXIT_CLEAN, EXIT_HANDED_BACK};
use lastcall_domain::store::{ClaimOrder, Store};
use lastcall_domain::{
    BlobKey, BlobResult, BlobStream, BlobWriter, Blobs, InstanceId, LocalBlob, Service, State,
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::chaos::{Weather, Wire};
use crate::fixture::{World, drain, in_virtual_time, service};

fn wire(world: &World) -> Wire {
    Wire::new(&world.store, 0, Weather::default(), &Default::default())
}

#[test]
fn a_result_is_given_up_when_the_store_does_not_answer_within_the_lease() {
    in_virtual_time(async {
        let world = World::shared().await;
        let wire = wire(&world);
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        world.run(&handle, "hold").await;
        world.script.running(1).await;
        wire.kill();
        world.script.release(1);
        // Two tries: after the first the lease may just have held.
        sleep(Duration::from_secs(11)).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.in_flight, status.counts.lost), (0, 1));
    });
}

#[test]
fn a_result_is_kept_for_as_long_as_nobody_else_can_have_the_job() {
    in_virtual_time(async {
        let world = World::new().await;
        let wire = wire(&world);
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        wire.kill();
        world.script.release(1);
        sleep(Duration::from_secs(600)).await;
        wire.revive();
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!((job.lifecycle.attempt, job.lifecycle.epoch), (1, 1));
        let counts = service(&handle, "AnalysisService").counts;
        assert_eq!((counts.succeeded, counts.lost), (1, 0));
    });
}

#[test]
fn a_disk_that_takes_longer_than_a_lease_costs_no_attempt() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 2;
        let wire = wire(&world);
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        wire.slow_down(Duration::from_secs(11));
        let mut jobs = Vec::new();
        for _ in 0..6 {
            jobs.push(world.run(&handle, "sleep 1s").await);
        }
        for job in jobs {
            let job = world.reaches(job, State::Succeeded).await;
            assert_eq!((job.lifecycle.attempt, job.lifecycle.epoch), (1, 1));
        }
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.counts.lost, status.restarts), (0, 0));
    });
}

#[test]
fn a_result_that_the_store_refuses_for_good_is_given_up_at_once() {
    in_virtual_time(async {
        let world = World::new().await;
        let wire = wire(&world);
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        world.run(&handle, "hold").await;
        world.script.running(1).await;
        wire.refuse();
        world.script.release(1);
        sleep(Duration::from_millis(10)).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.in_flight, status.counts.lost), (0, 1));
    });
}

#[test]
fn a_drain_with_nothing_in_hand_waits_for_a_silent_store_no_longer_than_a_lease() {
    in_virtual_time(async {
        let world = World::new().await;
        let wire = wire(&world);
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        sleep(Duration::from_secs(60)).await;
        wire.kill();
        // A claim is under way.
        sleep(Duration::from_secs(2)).await;
        let since = Instant::now();
        let (outcome, report) = drain(&handle).await;
        // The claim's lease, and a second for the figures of the report.
        assert!(
            since.elapsed() <= Duration::from_secs(6),
            "{:?}",
            since.elapsed()
        );
        assert!(outcome.is_complete() && !outcome.out_of_time);
        assert_eq!((report.queued, report.exit_code), (None, EXIT_CLEAN));
    });
}

#[test]
fn a_drain_ends_in_time_whether_the_store_is_silent_or_refuses_for_good() {
    for silent in [true, false] {
        in_virtual_time(async {
            let world = World::shared().await;
            let wire = wire(&world);
            let handle = world.begin_with(Arc::new(wire.clone()));
            handle.ready();
            let job = world.run(&handle, "forever").await;
            world.script.running(1).await;
            if silent {
                wire.kill();
            } else {
                wire.refuse();
            }
            let since = Instant::now();
            let (outcome, report) = drain(&handle).await;
            // Half of the time after the hand-back is reserved for closing.
            assert!(
                since.elapsed() <= Duration::from_secs(25),
                "{:?}",
                since.elapsed()
            );
            assert_eq!(outcome.left(), [job]);
            assert_eq!(report.exit_code, EXIT_HANDED_BACK);
        });
    }
}

#[test]
fn a_store_that_did_not_answer_once_is_asked_again() {
    in_virtual_time(async {
        let world = World::shared().await;
        let wire = wire(&world);
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        world.run(&handle, "forever").await;
        world.script.running(1).await;
        wire.kill();
        // Heartbeat, reaping and claims are under way, and none of them will ever be answered.
        sleep(Duration::from_secs(3)).await;
        wire.revive();
        sleep(Duration::from_secs(10)).await;
        // A peer's claim is found by its lease, and one of its own is held by heartbeats.
        let peer = InstanceId::from(Uuid::from_u128(99));
        let dead = world.submit("ok").await;
        let claimed = world.store.claim(ClaimOrder::new(
            Service::Analysis,
            peer,
            Duration::from_secs(5),
            9,
        ));
        assert_eq!(claimed.await.unwrap()[0].id, dead);
        let job = world.reaches(dead, State::Succeeded).await;
        assert_eq!(job.lifecycle.attempt, 2);
        let long = world.run(&handle, "sleep 60s").await;
        let job = world.reaches(long, State::Succeeded).await;
        assert_eq!(job.lifecycle.epoch, 1);
    });
}

/// A blob store that never responds.
struct Silent;

#[async_trait]
impl Blobs for Silent {
    async fn put(&self, _: &BlobKey, _: Bytes) -> BlobResult<()> {
        std::future::pending().await
    }

    async fn put_file(&self, _: &BlobKey, _: &Path) -> BlobResult<()> {
        std::future::pending().await
    }

    async fn writer(&self, _: &BlobKey) -> BlobResult<Box<dyn BlobWriter>> {
        std::future::pending().await
    }

    async fn read(&self, _: &BlobKey) -> BlobResult<BlobStream> {
        std::future::pending().await
    }

    async fn local(&self, _: &BlobKey) -> BlobResult<LocalBlob> {
        std::future::pending().await
    }

    async fn exists(&self, _: &BlobKey) -> BlobResult<bool> {
        std::future::pending().await
    }

    async fn delete(&self, _: &BlobKey) -> BlobResult<()> {
        std::future::pending().await
    }

    async fn delete_prefix(&self, _: &str) -> BlobResult<()> {
        std::future::pending().await
    }

    async fn ping(&self) -> BlobResult<()> {
        std::future::pending().await
    }
}

#[test]
fn a_result_that_the_blobs_never_take_holds_no_claim_forever() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.timeout = Duration::from_secs(60);
        let handle = world.begin_on(Arc::new(world.store.clone()), Arc::new(Silent));
        handle.ready();
        let since = Instant::now();
        let job = world.run(&handle, "big 100000").await;
        // One timeout for the answer, and one for the blobs to be there again.
        world.reaches(job, State::Running).await;
        world.reaches(job, State::Queued).await;
        assert!(
            since.elapsed() <= Duration::from_secs(2 * 60 + 5),
            "{:?}",
            since.elapsed()
        );
        let lifecycle = world.job(job).lifecycle;
        assert_eq!((lifecycle.attempt, lifecycle.interruptions), (0, 1));
    });
}
