//! A store that fails, and peers.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::store::{ClaimOrder, Store};
use lastcall_domain::{Fault, InstanceId, Service, State};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::chaos::{Weather, Wire};
use crate::fixture::{World, in_virtual_time, service};

fn peer() -> InstanceId {
    InstanceId::from(Uuid::from_u128(2))
}

#[test]
fn an_outage_of_the_store_costs_time_and_no_job() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        world.store.faults().set_down(true);
        sleep(Duration::from_secs(60)).await;
        world.store.faults().set_down(false);
        let job = world.run(&handle, "ok").await;
        world.reaches(job, State::Succeeded).await;
    });
}

#[test]
fn a_failed_completion_is_retried() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        world.store.faults().set_down(true);
        world.script.release(1);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(world.job(job).state(), State::Running);
        world.store.faults().set_down(false);
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!((job.lifecycle.attempt, job.lifecycle.epoch), (1, 1));
    });
}

#[test]
fn a_result_is_written_within_a_second_of_the_store_s_return_however_long_it_was_gone() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.lease = Duration::from_secs(3600);
        let handle = world.start().await;
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        world.store.faults().set_down(true);
        world.script.release(1);
        // A pause that went on doubling would be over at 327 s, and then at 655 s.
        sleep(Duration::from_secs(400)).await;
        world.store.faults().set_down(false);
        let since = Instant::now();
        let job = world.reaches(job, State::Succeeded).await;
        assert!(
            since.elapsed() <= Duration::from_millis(1100),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(job.lifecycle.attempt, 1);
    });
}

#[test]
fn a_result_that_cannot_be_written_within_the_lease_is_given_up() {
    in_virtual_time(async {
        let world = World::shared().await;
        let handle = world.start().await;
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        world.store.faults().set_down(true);
        world.script.release(2);
        sleep(Duration::from_secs(8)).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.in_flight, status.counts.lost), (0, 1));
        assert_eq!(status.counts.refused, 0);
        // The lease recovers it when the store is back.
        world.store.faults().set_down(false);
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!((job.lifecycle.attempt, job.lifecycle.epoch), (2, 2));
    });
}

#[test]
fn a_completion_whose_answer_was_lost_counts_once_and_keeps_its_result() {
    in_virtual_time(async {
        let mut world = World::new().await;
        // No other call comes between the attempt's end and its completion.
        world.config.lease = Duration::from_secs(600);
        world.config.heartbeat = Duration::from_secs(60);
        world.config.analysis.poll = Duration::from_secs(600);
        world.config.report.poll = Duration::from_secs(600);
        for query in ["ok", "big 100000"] {
            let handle = world.start().await;
            sleep(Duration::from_millis(100)).await;
            let job = world.submit(query).await;
            world.store.faults().pass_next(1);
            world.store.faults().fail_next(1, Fault::After);
            handle.wake(Service::Analysis);
            sleep(Duration::from_millis(200)).await;
            let job = world.reaches(job, State::Succeeded).await;
            let counts = service(&handle, "AnalysisService").counts;
            assert_eq!((counts.succeeded, counts.lost), (1, 0), "{query}");
            assert!(world.store.result(job.id).await.unwrap().is_some());
            crate::fixture::drain(&handle).await;
        }
        assert_eq!(world.blobs.keys().len(), 1);
    });
}

#[test]
fn a_job_whose_task_dies_while_it_is_written_is_tried_again() {
    in_virtual_time(async {
        let world = World::new().await;
        let wire = Wire::new(&world.store, 0, Weather::default(), &Default::default());
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        let always = Weather {
            panic: 1,
            ..Weather::default()
        };
        wire.set(always);
        world.script.release(2);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.job(job).state(), State::Running);
        wire.set(Weather::default());
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!(job.lifecycle.attempt, 2);
        assert_eq!(service(&handle, "AnalysisService").in_flight, 0);
    });
}

#[test]
fn a_lost_claim_stops_the_work_and_writes_nothing() {
    in_virtual_time(async {
        let world = World::shared().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        // This process cannot reach the store for longer than its lease; a peer can.
        world.store.faults().set_down(true);
        sleep(Duration::from_secs(6)).await;
        world.store.faults().set_down(false);
        let store = world.store.clone();
        assert_eq!(store.expire_leases(&[], 10).await.unwrap().len(), 1);
        let service_kind = Service::Analysis;
        let lease = Duration::from_secs(3600);
        let claimed = store
            .claim(ClaimOrder::new(service_kind, peer(), lease, 10))
            .await
            .unwrap();
        assert_eq!(claimed.len(), 1);
        let since = Instant::now();
        world.script.running(0).await;
        // At the next heartbeat.
        assert!(since.elapsed() <= Duration::from_secs(2));
        sleep(Duration::from_secs(10)).await;
        let row = world.job(job);
        assert_eq!((row.state(), row.lifecycle.epoch), (State::Running, 2));
        assert_eq!(row.lifecycle.lease.unwrap().holder, peer());
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.counts.lost, status.in_flight), (1, 0));
        assert_eq!(status.counts.refused, 0);
    });
}

#[test]
fn the_start_recovers_and_counts_the_jobs_of_a_dead_process() {
    in_virtual_time(async {
        let world = World::shared().await;
        let job = world.submit("ok").await;
        let lease = Duration::from_secs(5);
        let claimed = world
            .store
            .claim(ClaimOrder::new(Service::Analysis, peer(), lease, 1));
        assert_eq!(claimed.await.unwrap().len(), 1);
        let handle = world.begin();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(world.job(job).state(), State::Running);
        assert_eq!(world.store.recover().await.unwrap(), 1);
        handle.ready();
        world.reaches(job, State::Succeeded).await;
    });
}

#[test]
fn a_late_result_is_refused_and_removed() {
    in_virtual_time(async {
        // A store of one process: no hint from a peer triggers a heartbeat.
        let mut world = World::new().await;
        // Longer than the test, so that no heartbeat says that the claim is lost.
        world.config.heartbeat = Duration::from_secs(600);
        let handle = world.start().await;
        let job = world.run(&handle, "late 7s 100000").await;
        world.script.running(1).await;
        sleep(Duration::from_secs(6)).await;
        // The job was taken away, and runs again.
        let taken = world.store.expire_leases(&[], 9).await.unwrap();
        assert_eq!(taken.len(), 1);
        handle.wake(Service::Analysis);
        world.script.running(2).await;
        sleep(Duration::from_secs(2)).await;
        let row = world.job(job);
        assert_eq!((row.state(), row.lifecycle.epoch), (State::Running, 2));
        let counts = service(&handle, "AnalysisService").counts;
        assert_eq!((counts.lost, counts.refused), (1, 1));
        assert!(world.blobs.keys().is_empty());
    });
}

#[test]
fn the_job_of_a_dead_peer_runs_within_its_lease_and_a_second() {
    in_virtual_time(async {
        let world = World::shared().await;
        let job = world.submit("ok").await;
        let kind = Service::Analysis;
        let lease = Duration::from_secs(5);
        world
            .store
            .claim(ClaimOrder::new(kind, peer(), lease, 1))
            .await
            .unwrap();
        let since = Instant::now();
        let _handle = world.start().await;
        let job = world.reaches(job, State::Succeeded).await;
        assert!(
            since.elapsed() <= Duration::from_secs(6),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(job.lifecycle.attempt, 2);
    });
}

#[test]
fn what_a_peer_queues_is_run_without_waiting_for_the_poll() {
    in_virtual_time(async {
        let world = World::shared().await;
        let _handle = world.start().await;
        sleep(Duration::from_secs(20)).await;
        let since = Instant::now();
        let job = world.submit("ok").await;
        world.reaches(job, State::Succeeded).await;
        assert!(
            since.elapsed() < Duration::from_millis(100),
            "{:?}",
            since.elapsed()
        );
    });
}

#[test]
fn a_cancellation_at_a_peer_takes_effect_soon() {
    in_virtual_time(async {
        let world = World::shared().await;
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        sleep(Duration::from_millis(1700)).await;
        let since = Instant::now();
        world.store.cancel(job).await.unwrap();
        world.reaches(job, State::Cancelled).await;
        assert!(
            since.elapsed() <= Duration::from_millis(200),
            "{:?}",
            since.elapsed()
        );
    });
}

#[test]
fn blobs_that_fail_for_a_while_do_not_fail_the_job() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        world.blobs.faults().fail_next(3, Fault::Before);
        let job = world.run(&handle, "big 100000").await;
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!(job.lifecycle.attempt, 1);
    });
}
