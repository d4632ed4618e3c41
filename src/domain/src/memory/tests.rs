//! Tests the injected faults, which other tests rely on. Everything else is covered by the
//! conformance suite.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Fault, MemoryBlobs, MemoryStore};
use crate::{
    BlobKey, Blobs, Clock, Limits, Owner, Session, SessionId, Store, StoreError, SystemClock,
};

fn session() -> Session {
    Session::new(
        Owner::anonymous(),
        Duration::from_secs(60),
        SystemClock.now(),
    )
}

#[tokio::test]
async fn a_call_that_fails_before_does_nothing_and_one_that_fails_after_does_everything() {
    let store = MemoryStore::new(Arc::new(SystemClock), Limits::default());
    let (first, second) = (session(), session());
    store.faults().fail_next(1, Fault::Before);
    store.faults().fail_next(1, Fault::After);
    for session in [&first, &second] {
        let made = store.create_session(session.clone(), None).await;
        assert!(matches!(made, Err(StoreError::Unavailable(_))));
    }
    assert_eq!(store.session(first.id).await, Ok(None));
    assert_eq!(store.session(second.id).await, Ok(Some(second)));
    assert_eq!(store.faults().calls(), 4);
}

#[tokio::test]
async fn what_was_planned_to_pass_passes_and_a_store_that_is_down_does_nothing() {
    let store = MemoryStore::new(Arc::new(SystemClock), Limits::default());
    store.faults().pass_next(1);
    store.faults().fail_next(1, Fault::Before);
    assert_eq!(store.ping().await, Ok(()));
    assert!(store.ping().await.is_err());
    store.faults().set_down(true);
    assert!(store.ping().await.is_err());
    store.faults().clear();
    assert_eq!(store.ping().await, Ok(()));
}

#[tokio::test]
async fn a_store_that_was_closed_keeps_its_rows_for_the_next_start() {
    let store = MemoryStore::new(Arc::new(SystemClock), Limits::default());
    let session = session();
    store.create_session(session.clone(), None).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.session(session.id).await, Err(StoreError::Closed));
    store.reopen();
    assert_eq!(store.session(session.id).await, Ok(Some(session)));
}

#[tokio::test]
async fn blobs_fail_on_demand_too() {
    let blobs = MemoryBlobs::new();
    let key = BlobKey::upload(SessionId::new());
    blobs.faults().fail_next(1, Fault::Before);
    assert!(blobs.put(&key, Bytes::from_static(b"x")).await.is_err());
    assert_eq!(blobs.keys(), Vec::<String>::new());
    blobs.put(&key, Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(blobs.keys(), [key.as_str()]);
}
