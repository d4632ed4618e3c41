//! The whole process is paused, as by SIGSTOP, a frozen container or the migration of its machine:
//! nothing is restarted, no attempt is spent, and a hang is found all the same.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::store::Store;
use lastcall_domain::{Service, State};
use tokio::time::{Instant, advance, sleep};

use crate::chaos::{Weather, Wire};
use crate::fixture::{World, in_virtual_time, service};

const PAUSES: [Duration; 4] = [
    Duration::from_millis(6500),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(86_400),
];

async fn world(shared: bool) -> World {
    if shared {
        World::shared().await
    } else {
        World::new().await
    }
}

fn restarts(handle: &lastcall_actors::Handle) -> u64 {
    let services = handle.status().services;
    services.iter().map(|service| service.restarts).sum()
}

#[test]
fn a_pause_of_any_length_restarts_nothing() {
    for pause in PAUSES {
        in_virtual_time(async {
            let world = World::new().await;
            let handle = world.start().await;
            for _ in 0..10 {
                sleep(Duration::from_millis(2300)).await;
                advance(pause).await;
            }
            sleep(Duration::from_secs(60)).await;
            assert_eq!(restarts(&handle), 0, "{pause:?}");
        });
    }
}

#[test]
fn a_pause_of_any_length_spends_no_attempt() {
    for shared in [false, true] {
        for pause in PAUSES {
            in_virtual_time(async {
                let mut world = world(shared).await;
                world.config.analysis.timeout = Duration::from_secs(30);
                let handle = world.start().await;
                let job = world.run(&handle, "hold").await;
                world.script.running(1).await;
                for _ in 0..5 {
                    sleep(Duration::from_millis(1700)).await;
                    advance(pause).await;
                }
                sleep(Duration::from_secs(3)).await;
                world.script.release(1);
                let job = world.reaches(job, State::Succeeded).await;
                let spent = (job.lifecycle.attempt, job.lifecycle.epoch);
                assert_eq!(spent, (1, 1), "{pause:?}, shared: {shared}");
                let status = service(&handle, "AnalysisService");
                assert_eq!((status.restarts, status.counts.lost), (0, 0));
                assert_eq!(status.counts.timed_out, 0);
            });
        }
    }
}

#[test]
fn an_attempt_that_takes_too_long_is_timed_out_all_the_same() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.timeout = Duration::from_secs(30);
        let handle = world.start().await;
        let job = world.run(&handle, "forever").await;
        world.script.running(1).await;
        let since = Instant::now();
        sleep(Duration::from_secs(2)).await;
        advance(Duration::from_secs(60)).await;
        world.script.running(0).await;
        let ran = since.elapsed() - Duration::from_secs(60);
        let expected = Duration::from_secs(28)..Duration::from_secs(32);
        assert!(expected.contains(&ran), "{ran:?}");
        assert_eq!(service(&handle, "AnalysisService").counts.timed_out, 1);
        assert!(!world.job(job).state().is_final());
    });
}

#[test]
fn a_pause_while_a_result_is_written_loses_nothing() {
    for shared in [false, true] {
        in_virtual_time(async {
            let world = world(shared).await;
            let wire = Wire::new(&world.store, 0, Weather::default(), &Default::default());
            let handle = world.begin_with(Arc::new(wire.clone()));
            handle.ready();
            let job = world.run(&handle, "hold").await;
            world.script.running(1).await;
            // The connection does not survive the pause, because the server has received nothing
            // for long.
            world.script.release(1);
            world.store.faults().set_down(true);
            sleep(Duration::from_millis(700)).await;
            advance(Duration::from_secs(60)).await;
            sleep(Duration::from_millis(200)).await;
            world.store.faults().set_down(false);
            let job = world.reaches(job, State::Succeeded).await;
            assert_eq!((job.lifecycle.attempt, job.lifecycle.epoch), (1, 1));
        });
    }
}

#[test]
fn a_process_never_takes_its_own_live_claims_away() {
    in_virtual_time(async {
        let mut world = World::shared().await;
        // No heartbeat comes in time, whatever the reason.
        world.config.heartbeat = Duration::from_secs(3600);
        let wire = Wire::new(&world.store, 0, Weather::default(), &Default::default());
        let handle = world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        let job = world.run(&handle, "hold").await;
        world.script.running(1).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(world.job(job).lifecycle.epoch, 1);
        world.script.release(1);
        let job = world.reaches(job, State::Succeeded).await;
        assert_eq!(job.lifecycle.attempt, 1);
        // The claims of the dead are found as before.
        let dead = world.submit("ok").await;
        let order = lastcall_domain::store::ClaimOrder::new(
            Service::Analysis,
            lastcall_domain::InstanceId::new(),
            Duration::from_secs(5),
            1,
        );
        assert_eq!(world.store.claim(order).await.unwrap()[0].id, dead);
        let job = world.reaches(dead, State::Succeeded).await;
        assert_eq!(job.lifecycle.attempt, 2);
    });
}
