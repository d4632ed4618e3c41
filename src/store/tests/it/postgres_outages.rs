//! The connections to PostgreSQL after they were closed, hung or were never answered.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::store::{Admission, ClaimOrder, Hint};
use lastcall_domain::{InstanceId, Service, Session, Store};
use lastcall_store::PostgresStore;

use crate::bench::LEASE;
use crate::postgres::{BOUND, address, open, profile, session};
use crate::proxy::{Line, Proxy};
use crate::schema::Schema;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_ended_are_replaced() {
    let schema = Schema::new().await;
    let me = format!("lastcall-{}", uuid::Uuid::now_v7().simple());
    let store = open(&format!("{}&application_name={me}", schema.url))
        .await
        .unwrap();
    let session = session(&store).await;
    let peer = schema.open().await;
    for _ in 0..3 {
        let text = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE application_name = $1";
        let ended = schema.client.query(text, &[&me]).await.unwrap();
        assert!(!ended.is_empty());
        // The store may not have noticed it at the first try.
        let submitted = async {
            loop {
                match store.submit(profile(&session)).await {
                    Ok(Admission::Created(job)) => break job,
                    Err(error) if error.retryable() => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        let job = tokio::time::timeout(BOUND, submitted).await.unwrap();
        assert_eq!(store.job(job.id).await, Ok(Some(job)));
        wait_for_hint(&store, &peer, &session).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_gives_an_error_in_a_bounded_time_and_works_again_after() {
    let schema = Schema::new().await;
    let proxy = Proxy::before(address()).await;
    let url = schema
        .url
        .replace(&address(), &format!("localhost:{}", proxy.port));
    let store = Arc::new(open(&url).await.unwrap());
    let session = session(&store).await;

    proxy.set(Line::Silent);
    let write = store.submit(profile(&session));
    let read = store.session(session.id);
    let claim = store.claim(ClaimOrder::new(
        Service::Analysis,
        InstanceId::new(),
        LEASE,
        1,
    ));
    let answers = async { tokio::join!(write, read, claim, store.ping()) };
    let answers = tokio::time::timeout(BOUND, answers)
        .await
        .expect("answers in time");
    assert_eq!(answers.0.unwrap_err().code(), "store_unavailable");
    assert_eq!(answers.1.unwrap_err().code(), "store_unavailable");
    assert_eq!(answers.2.unwrap_err().code(), "store_unavailable");
    assert_eq!(answers.3.unwrap_err().code(), "store_unavailable");

    proxy.set(Line::Whole);
    let again = async {
        while store.ping().await.is_err() {}
        store.submit(profile(&session)).await.unwrap()
    };
    let again = tokio::time::timeout(BOUND, again).await.unwrap();
    assert!(matches!(again, Admission::Created(_)));
    proxy.set(Line::Silent);
    let closed = tokio::time::timeout(BOUND, store.close()).await;
    closed
        .expect("a close in a bounded time, whatever it says")
        .ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_come_again_after_a_server_that_accepted_and_did_not_answer() {
    let schema = Schema::new().await;
    let proxy = Proxy::before(address()).await;
    let me = format!("lastcall-{}", uuid::Uuid::now_v7().simple());
    let url = schema
        .url
        .replace(&address(), &format!("localhost:{}", proxy.port));
    let store = open(&format!("{url}&application_name={me}")).await.unwrap();
    let session = session(&store).await;
    let peer = schema.open().await;
    wait_for_hint(&store, &peer, &session).await;

    proxy.set(Line::Void);
    let text = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE application_name = $1";
    schema.client.query(text, &[&me]).await.unwrap();
    tokio::time::timeout(BOUND, proxy.voided(1)).await.unwrap();
    proxy.set(Line::Whole);
    wait_for_hint(&store, &peer, &session).await;
}

/// Waits until one process has received a hint of a change by the other.
async fn wait_for_hint(store: &PostgresStore, peer: &PostgresStore, session: &Session) {
    let mut hints = store.hints().unwrap();
    let received = async {
        loop {
            peer.submit(profile(session)).await.unwrap();
            let next = async { while !matches!(hints.recv().await, Ok(Hint::Changed(_))) {} };
            let next = tokio::time::timeout(Duration::from_millis(300), next);
            if next.await.is_ok() {
                break;
            }
        }
    };
    let received = tokio::time::timeout(BOUND, received).await;
    received.expect("hints come");
}
