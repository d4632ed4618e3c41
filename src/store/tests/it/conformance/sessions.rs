//! Sessions: made, found, renewed, deleted.

use std::time::Duration;

use lastcall_domain::store::{Order, Precondition, UploadOutcome};
use lastcall_domain::{InstanceId, Owner, SessionId, State};

use crate::bench::{Bench, TTL, dataset, name, success};

on_every_store![
    a_session_is_found_as_it_was_made,
    an_expired_session_is_still_found_but_not_listed,
    a_renewal_moves_the_end_and_never_back,
    a_deleted_session_is_not_found_and_not_renewed,
    deleting_a_session_cancels_what_is_queued_and_stops_what_runs,
    a_session_is_deleted_once,
    sessions_are_listed_by_owner_in_pages,
];

async fn a_session_is_found_as_it_was_made(bench: Bench) {
    let session = bench.session().await;
    assert_eq!(bench.store.session(session.id).await, Ok(Some(session)));
    assert_eq!(bench.store.session(SessionId::new()).await, Ok(None));
    assert_eq!(bench.store.counts().await.unwrap().sessions, 1);
}

async fn an_expired_session_is_still_found_but_not_listed(bench: Bench) {
    let session = bench.session().await;
    bench.advance(TTL).await;
    let found = bench.store.session(session.id).await.unwrap().unwrap();
    assert!(found.is_expired(bench.now()));
    let listed = bench
        .store
        .sessions(&session.owner, bench.now(), Order::Asc, None, 10);
    assert_eq!(listed.await.unwrap().items, []);
}

async fn a_renewal_moves_the_end_and_never_back(bench: Bench) {
    let session = bench.session().await;
    let later = bench.later(TTL * 2);
    bench.store.renew_session(session.id, later).await.unwrap();
    let earlier = bench.later(TTL);
    bench
        .store
        .renew_session(session.id, earlier)
        .await
        .unwrap();
    // A write that returns after its commit carries the renewals before it along.
    bench.session().await;
    let found = bench.store.session(session.id).await.unwrap().unwrap();
    assert_eq!(found.expires_at, later);
    assert_eq!(
        bench.store.renew_session(SessionId::new(), later).await,
        Ok(())
    );
}

async fn a_deleted_session_is_not_found_and_not_renewed(bench: Bench) {
    let session = bench.session().await;
    assert_eq!(bench.store.delete_session(session.id).await, Ok(true));
    bench
        .store
        .renew_session(session.id, bench.later(TTL * 9))
        .await
        .unwrap();
    assert_eq!(bench.store.session(session.id).await, Ok(None));
    let listed = bench
        .store
        .sessions(&session.owner, bench.now(), Order::Asc, None, 10);
    assert_eq!(listed.await.unwrap().items, []);
    let put = bench
        .store
        .put_dataset(dataset(session.id, "x", bench.now()), Precondition::None);
    assert_eq!(put.await, Ok(UploadOutcome::SessionGone));
    assert_eq!(
        bench.store.begin_removal(bench.now(), 10).await,
        Ok(vec![session.id])
    );
}

async fn deleting_a_session_cancels_what_is_queued_and_stops_what_runs(bench: Bench) {
    let session = bench.session().await;
    let other = bench.session().await;
    let running = bench.running(&session, InstanceId::new()).await;
    let queued = bench.queued(&session).await;
    let untouched = bench.queued(&other).await;
    assert_eq!(bench.store.delete_session(session.id).await, Ok(true));

    let queued = bench.job(queued.id).await;
    assert_eq!(queued.state(), State::Cancelled);
    assert_eq!(queued.finished_at, Some(bench.now()));
    let running = bench.job(running.id).await;
    assert_eq!(running.state(), State::Running);
    assert!(running.lifecycle.cancel_requested);
    assert_eq!(bench.job(untouched.id).await, untouched);

    // The running job still ends with the outcome of its worker, and only then is the session
    // removed.
    assert_eq!(bench.store.begin_removal(bench.now(), 10).await, Ok(vec![]));
    let ended = bench.store.complete(running.claim(), success("1")).await;
    assert_eq!(ended.unwrap().unwrap().state(), State::Succeeded);
    assert_eq!(
        bench.store.begin_removal(bench.now(), 10).await,
        Ok(vec![session.id])
    );
}

async fn a_session_is_deleted_once(bench: Bench) {
    let session = bench.session().await;
    assert_eq!(bench.store.delete_session(session.id).await, Ok(true));
    assert_eq!(bench.store.delete_session(session.id).await, Ok(false));
    assert_eq!(
        bench.store.delete_session(SessionId::new()).await,
        Ok(false)
    );
    let gone = bench.store.dataset(session.id, &name("x")).await;
    assert_eq!(gone, Ok(None));
}

async fn sessions_are_listed_by_owner_in_pages(bench: Bench) {
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(bench.session().await);
        bench.session_of("bob").await;
        bench.advance(Duration::from_millis(1)).await;
    }
    let owner = Owner::new("alice");
    for order in [Order::Asc, Order::Desc] {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = bench
                .store
                .sessions(&owner, bench.now(), order, after, 2)
                .await
                .unwrap();
            after = page.items.last().map(|session| session.id);
            listed.extend(page.items);
            if !page.more {
                break;
            }
        }
        assert_eq!(listed, mine, "{order:?}");
        mine.reverse();
    }
}
