//! Neighbours of a job that kills its thread or its process survive it.

use std::time::Duration;

use lastcall_actors::{Placement, Supervision};
use lastcall_domain::store::Store;
use lastcall_domain::{InstanceId, JobId, Service, State};
use tokio::time::sleep;
use uuid::Uuid;

use crate::fixture::{World, drain, in_real_time, in_virtual_time, service};

#[test]
fn only_the_job_that_blocks_its_thread_pays_for_it() {
    in_real_time(async {
        let mut world = World::new().await;
        world.config.placement = Placement::OwnArbiters;
        world.config.analysis.workers = 4;
        world.config.supervision = Supervision {
            ping: Duration::from_millis(50),
            hang: Duration::from_secs(1),
            ..Supervision::default()
        };
        let handle = world.start().await;
        let mut neighbours = Vec::new();
        for _ in 0..3 {
            neighbours.push(world.run(&handle, "hold").await);
        }
        world.script.running(3).await;
        let poison = world.run(&handle, "block").await;
        let poison = world.reaches(poison, State::Failed).await;
        assert_eq!(poison.error.unwrap().code, "worker_lost");
        assert_eq!(poison.lifecycle.attempt, 3);
        world.script.release(3 * 4);
        for job in neighbours {
            let job = world.reaches(job, State::Succeeded).await;
            assert_eq!(job.lifecycle.attempt, 1);
            assert!((1..=3).contains(&job.lifecycle.interruptions));
        }
        world.script.unblock();
        while !handle.status().abandoned_threads.is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(service(&handle, "AnalysisService").hung, 3);
        drain(&handle).await;
    });
}

/// Kills the process of `world` and starts the next, as a supervisor outside does.
async fn kill_and_start(world: &mut World, life: u128) -> lastcall_actors::Handle {
    assert!(world.store.recover().await.unwrap() > 0);
    world.config.instance = InstanceId::from(Uuid::from_u128(life));
    world.start().await
}

#[test]
fn what_ran_when_a_process_died_runs_one_at_a_time_in_the_next() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 4;
        world.config.report.workers = 4;
        let mut jobs = Vec::new();
        for _ in 0..3 {
            jobs.push(world.submit("hold").await);
        }
        let report = world.report_of("hold").await;
        for service in Service::ALL {
            let order = lastcall_domain::store::ClaimOrder::new(
                service,
                InstanceId::new(),
                Duration::from_secs(5),
                9,
            );
            assert!(!world.store.claim(order).await.unwrap().is_empty());
        }
        let handle = kill_and_start(&mut world, 7).await;
        sleep(Duration::from_secs(5)).await;
        let running = |jobs: &[JobId]| {
            let running = |job: &&JobId| world.job(**job).state() == State::Running;
            jobs.iter().filter(running).count()
        };
        jobs.push(report);
        // What is new runs beside it.
        let fresh = world.run(&handle, "ok").await;
        world.reaches(fresh, State::Succeeded).await;
        for left in (1..=4).rev() {
            assert_eq!(running(&jobs), 1, "{left} are left");
            world.script.release(1);
            sleep(Duration::from_secs(5)).await;
            let ended = |job: &&JobId| world.job(**job).state() == State::Succeeded;
            assert_eq!(jobs.iter().filter(ended).count(), 5 - left);
        }
        for job in jobs {
            assert_eq!(world.job(job).lifecycle.attempt, 2);
        }
        drain(&handle).await;
    });
}
