//! Processes on one database, and whether their configurations match.

use std::sync::Arc;

use chrono::TimeDelta;
use lastcall_domain::{BlobError, Blobs, Fault, InstanceId, MemoryBlobs, Store};
use lastcall_store::{PostgresStore, open_blobs, shared_blobs};
use tempfile::TempDir;

use crate::bench::Bench;
use crate::schema::Schema;

async fn blobs_in(store: &dyn Store, folder: &TempDir) -> Arc<dyn Blobs> {
    let url = format!("file://{}/blobs", folder.path().display());
    let blobs = open_blobs(&url, folder.path()).unwrap();
    shared_blobs(store, blobs, InstanceId::new()).await.unwrap()
}

fn is_another(pinged: Result<(), BlobError>) -> bool {
    match pinged {
        Ok(()) => false,
        Err(BlobError::Failed(why)) if why.contains("another blob store") => true,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_ping_reports_a_blob_store_that_is_not_the_peers() {
    let schema = Schema::new().await;
    let (mine, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stores: [PostgresStore; 3] = [
        schema.open().await,
        schema.open().await,
        schema.open().await,
    ];
    let first = blobs_in(&stores[0], &mine).await;
    let same = blobs_in(&stores[1], &mine).await;
    let other = blobs_in(&stores[2], &theirs).await;
    assert!(!is_another(first.ping().await));
    assert!(!is_another(same.ping().await));
    assert!(is_another(other.ping().await));
}

#[tokio::test]
async fn a_blob_store_that_cannot_be_marked_is_used_without_a_mark_until_it_can() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let (blobs, me) = (MemoryBlobs::new(), InstanceId::new());
    let shared = || shared_blobs(&store, Arc::new(blobs.clone()), me);
    blobs.faults().fail_next(1, Fault::Before);
    let unmarked = shared().await.unwrap();
    assert_eq!(unmarked.ping().await, Ok(()));
    assert_eq!(blobs.keys(), Vec::<String>::new());
    let marked = shared().await.unwrap();
    assert_eq!(marked.ping().await, Ok(()));
    assert_eq!(blobs.keys().len(), 1);
}

#[tokio::test]
async fn of_two_that_start_at_once_with_different_blobs_one_gets_an_error() {
    for _ in 0..5 {
        let schema = Schema::new().await;
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let stores = [schema.open().await, schema.open().await];
        let (one, other) = tokio::join!(
            blobs_in(&stores[0], &folders[0]),
            blobs_in(&stores[1], &folders[1])
        );
        let told = [one.ping().await, other.ping().await].map(is_another);
        assert_ne!(told[0], told[1]);
    }
}

#[tokio::test]
async fn an_unshared_blob_store_is_not_marked() {
    let bench = Bench::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let blobs = blobs_in(&*bench.store, &folder).await;
    blobs.ping().await.unwrap();
    let left = std::fs::read_dir(folder.path().join("blobs")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn the_clocks_are_compared() {
    let schema = Schema::new().await;
    let near = schema.open().await;
    assert!(near.clock_offset().abs() < TimeDelta::milliseconds(900));
    let text = "CREATE OR REPLACE FUNCTION lastcall_now() RETURNS bigint LANGUAGE sql STABLE AS
        'SELECT (extract(epoch FROM clock_timestamp() + interval ''7 s'') * 1000000)::bigint'";
    schema.client.batch_execute(text).await.unwrap();
    let far = schema.open().await;
    let offset = far.clock_offset() - TimeDelta::seconds(7);
    assert!(offset.abs() < TimeDelta::milliseconds(900), "{offset}");
}
