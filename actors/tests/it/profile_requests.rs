//! Reports that request profiles from AnalysisService by message.

use std::time::Duration;

use lastcall_actors::Handle;
use lastcall_domain::profile::Profile;
use lastcall_domain::{Cancel, JobError, State};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::fixture::{World, dataset, in_virtual_time, service};

/// Requests a profile, as a report does.
fn request(
    world: &World,
    handle: &Handle,
    name: &str,
    cancel: &Cancel,
) -> JoinHandle<Result<Profile, JobError>> {
    let dataset = dataset(world.session, name.to_owned().try_into().unwrap());
    let (profiles, cancel) = (handle.profiles(), cancel.clone());
    actix_rt::spawn(async move {
        profiles
            .profile(dataset, Default::default(), cancel, Default::default())
            .await
    })
}

#[test]
fn what_the_mailbox_does_not_hold_waits_outside() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 1;
        world.config.analysis.mailbox = 2;
        let handle = world.start().await;
        let never = Cancel::new();
        let requested: Vec<_> = (0..5)
            .map(|_| request(&world, &handle, "hold", &never))
            .collect();
        sleep(Duration::from_secs(1)).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.busy, status.in_flight), (1, 2));
        assert_eq!((status.mailbox.capacity, status.mailbox.depth), (2, 1));
        world.script.release(5);
        for requested in requested {
            assert!(requested.await.unwrap().is_ok());
        }
        assert_eq!(service(&handle, "AnalysisService").counts.asked, 5);
    });
}

#[test]
fn a_requested_profile_goes_ahead_of_queued_jobs() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 1;
        let handle = world.start().await;
        let mut jobs = Vec::new();
        for _ in 0..5 {
            jobs.push(world.run(&handle, "sleep 10s").await);
        }
        world.script.running(1).await;
        let since = Instant::now();
        let answer = request(&world, &handle, "x", &Cancel::new()).await.unwrap();
        assert!(answer.is_ok());
        // As soon as the first job has ended.
        assert!(since.elapsed() <= Duration::from_secs(10));
        world.all_succeed(&jobs).await;
    });
}

#[test]
fn a_profile_that_panics_fails_its_report_alone() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let job = world.run(&handle, "sleep 10s").await;
        let error = request(&world, &handle, "panic", &Cancel::new())
            .await
            .unwrap();
        assert_eq!(error.unwrap_err().code, "panicked");
        world.reaches(job, State::Succeeded).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!(
            (status.restarts, status.mailbox.depth, status.busy),
            (0, 0, 0)
        );
    });
}

#[test]
fn a_report_that_is_cancelled_stops_its_profile_and_one_that_waits_leaves_the_mailbox() {
    in_virtual_time(async {
        let mut world = World::new().await;
        world.config.analysis.workers = 1;
        let handle = world.start().await;
        let cancels = [Cancel::new(), Cancel::new()];
        let requested = cancels
            .each_ref()
            .map(|cancel| request(&world, &handle, "forever", cancel));
        world.script.running(1).await;
        for (cancel, requested) in cancels.iter().zip(requested) {
            cancel.cancel();
            assert!(requested.await.unwrap().is_err());
        }
        world.script.running(0).await;
        sleep(Duration::from_millis(1)).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.in_flight, status.busy), (0, 0));
    });
}

#[test]
fn a_profile_that_does_not_stop_keeps_neither_its_report_nor_its_slot() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let cancel = Cancel::new();
        let requested = request(&world, &handle, "stubborn", &cancel);
        world.script.running(1).await;
        let since = Instant::now();
        cancel.cancel();
        assert_eq!(requested.await.unwrap().unwrap_err().code, "cancelled");
        assert!(
            since.elapsed() <= Duration::from_millis(300),
            "{:?}",
            since.elapsed()
        );
        sleep(world.config.analysis.cancel_grace).await;
        let status = service(&handle, "AnalysisService");
        assert_eq!((status.in_flight, status.busy), (0, 0));
    });
}

#[test]
fn a_profile_whose_report_is_gone_is_stopped() {
    in_virtual_time(async {
        let world = World::new().await;
        let handle = world.start().await;
        let requested = request(&world, &handle, "forever", &Cancel::new());
        world.script.running(1).await;
        requested.abort();
        world.script.running(0).await;
        sleep(Duration::from_millis(1)).await;
        assert_eq!(service(&handle, "AnalysisService").in_flight, 0);
    });
}
