//! Claims that were not confirmed, or whose transaction was rolled back.

use super::*;

#[tokio::test]
async fn a_claim_that_was_rolled_back_is_never_confused_with_the_next() {
    let bench = Bench::new().await;
    let submission = bench.submission();
    let id = submission.job.id;
    bench.store.submit(submission).await.unwrap();
    let held = bench.hold().await;
    let store = Arc::clone(&bench.store);
    let claimed = bench
        .spawn(async move {
            store
                .claim(ClaimOrder::new(
                    Service::Analysis,
                    InstanceId::new(),
                    LEASE,
                    1,
                ))
                .await
        })
        .await;
    let spoiling = bench.spoil().await;
    drop(held);
    let lost = claimed.await.unwrap().unwrap().remove(0);
    assert_eq!((lost.id, lost.lifecycle.epoch), (id, 1));
    assert!(spoiling.await.unwrap().is_err());

    let refused = bench.store.complete(lost.claim(), success()).await;
    assert_eq!(refused, Ok(Err(Refused::StaleEpoch)));
    let next = bench.store.claim(ClaimOrder::new(
        Service::Analysis,
        InstanceId::new(),
        LEASE,
        1,
    ));
    let next = next.await.unwrap().remove(0);
    assert_eq!((next.id, next.lifecycle.epoch), (id, 2));
    let refused = bench.store.complete(lost.claim(), success()).await;
    assert_eq!(refused, Ok(Err(Refused::StaleEpoch)));
    let ended = bench.store.complete(next.claim(), success()).await.unwrap();
    assert_eq!(ended.unwrap().state(), State::Succeeded);
}

#[tokio::test]
async fn a_claim_whose_waiter_has_gone_before_the_writer_comes_to_it_is_not_made() {
    let bench = Bench::new().await;
    bench.store.submit(bench.submission()).await.unwrap();
    let held = bench.hold().await;
    let store = Arc::clone(&bench.store);
    let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 1);
    let claim = bench.spawn(async move { store.claim(order).await }).await;
    claim.abort();
    assert!(claim.await.unwrap_err().is_cancelled());
    drop(held);
    bench.store.ping().await.unwrap();
    assert_eq!(bench.queued().await, 1);
    let claimed = bench.store.claim(order).await.unwrap().remove(0);
    let lifecycle = &claimed.lifecycle;
    assert_eq!((lifecycle.attempt, lifecycle.epoch), (1, 1));
}

#[tokio::test]
async fn a_claim_whose_waiter_has_gone_when_it_was_made_is_undone() {
    for closes in [false, true] {
        let mut bench = Bench::new().await;
        let submission = bench.submission();
        let id = submission.job.id;
        bench.store.submit(submission).await.unwrap();
        let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 1);
        {
            let held = bench.hold().await;
            let mut claim = Box::pin(bench.store.claim(order));
            assert!(futures_util::poll!(claim.as_mut()).is_pending());
            drop(held);
            // After it, so that the claim has been made, and its response is waiting.
            bench.store.ping().await.unwrap();
            let row = bench.store.job(id).await.unwrap().unwrap();
            assert_eq!(row.state(), State::Running);
            let alive = bench.store.expire_leases(&[], 9).await.unwrap();
            assert_eq!(alive, [], "somebody waits for it");
        }
        if closes {
            bench.store.close().await.unwrap();
            let path = bench.folder.path().join("test.db");
            let limits = Limits::default();
            let store = SqliteStore::open(&path, Arc::new(SystemClock), limits).unwrap();
            bench.store = Arc::new(store);
            assert_eq!(bench.store.recover().await, Ok(0));
        }
        let claimed = bench.store.claim(order).await.unwrap().remove(0);
        let lifecycle = &claimed.lifecycle;
        assert_eq!((lifecycle.attempt, lifecycle.interruptions), (1, 0));
        assert_eq!((claimed.id, lifecycle.epoch), (id, 2));
    }
}

#[tokio::test]
async fn a_burned_epoch_is_forgotten_when_its_job_ends() {
    let bench = Bench::new().await;
    let submission = bench.submission();
    let id = submission.job.id;
    bench.store.submit(submission).await.unwrap();
    let held = bench.hold().await;
    let store = Arc::clone(&bench.store);
    let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 1);
    let claimed = bench.spawn(async move { store.claim(order).await }).await;
    let spoiling = bench.spoil().await;
    drop(held);
    claimed.await.unwrap().unwrap();
    assert!(spoiling.await.unwrap().is_err());
    let burned = || async {
        let count = bench
            .store
            .threads
            .write(BeforeCommit, |unit| Ok(unit.memory.burned_epochs.len()));
        count.await.unwrap()
    };
    assert_eq!(burned().await, 1);
    bench.store.cancel(id).await.unwrap();
    assert_eq!(burned().await, 0);
}
