//! The file: who may open it, and what it may be.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::{Clock, Limits, Owner, Session, Store, StoreError, SystemClock};
use lastcall_store::{SqliteStore, back_up_store, open_store};

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Arc::new(SystemClock), Limits::default())
}

fn refused(path: &Path) -> String {
    let error = open(path).expect_err("the file must be refused");
    assert_eq!(error.code(), "store_failed");
    assert!(error.to_string().contains(&path.display().to_string()));
    error.to_string()
}

#[tokio::test]
async fn a_file_has_one_owner_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/lastcall.db");
    let first = open(&path).unwrap();
    let second = open(&path).expect_err("it is in use");
    assert_eq!(second.code(), "store_unavailable");
    assert!(second.to_string().contains("in use by another process"));
    first.close().await.unwrap();
    let third = open(&path).expect("a closed store has let go of it");
    drop(third);
    open(&path).expect("so has a dropped one");
}

#[tokio::test]
async fn a_closed_store_leaves_one_file_its_lock_and_its_reserve() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("lastcall.db")).unwrap();
    store.ping().await.unwrap();
    store.close().await.unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        ["lastcall.db", "lastcall.db-lock", "lastcall.db-reserve"]
    );
}

#[tokio::test]
async fn the_file_has_one_owner_under_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    let owner = open(&path).unwrap();
    let symlink = folder.path().join("symlink.db");
    std::os::unix::fs::symlink(&path, &symlink).unwrap();
    let elsewhere = folder.path().join("copy");
    std::fs::create_dir(&elsewhere).unwrap();
    let hard = elsewhere.join("lastcall.db");
    std::fs::hard_link(&path, &hard).unwrap();
    std::fs::remove_file(folder.path().join("lastcall.db-lock")).unwrap();
    for name in [&path, &symlink, &hard] {
        let error = open(name).expect_err("it is in use");
        assert_eq!(error.code(), "store_unavailable");
        assert!(error.to_string().contains("in use by another process"));
        // The refusal has no effect on the owner.
        owner.ping().await.unwrap();
    }
    owner.close().await.unwrap();
    open(&symlink).unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_copy_shows_one_moment_of_a_store_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    let url = format!("sqlite://{}", path.display());
    let store = open(&path).unwrap();
    let now = SystemClock.now();
    let session = || Session::new(Owner::anonymous(), Duration::from_secs(3600), now);
    let (before, after) = (session(), session());
    store.create_session(before.clone(), None).await.unwrap();
    let to = folder.path().join("copy.db");
    let bytes = back_up_store(&url, &to).unwrap();
    assert_eq!(bytes, to.metadata().unwrap().len());
    store.create_session(after.clone(), None).await.unwrap();
    assert!(back_up_store(&url, &to).is_err(), "it is there already");
    let copy = open(&to).unwrap();
    assert_eq!(copy.session(before.id).await, Ok(Some(before)));
    assert_eq!(copy.session(after.id).await, Ok(None));
    copy.close().await.unwrap();
    store.ping().await.unwrap();
    store.close().await.unwrap();
}

#[test]
fn what_is_no_store_of_ours_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    let refused = |url: &str| back_up_store(url, &to).unwrap_err();
    let missing = refused(&format!("sqlite://{}/none.db", folder.path().display()));
    assert_eq!(missing.code(), "store_unavailable");
    let other = folder.path().join("music.db");
    let music = rusqlite::Connection::open(&other).unwrap();
    music
        .execute_batch("CREATE TABLE songs (name TEXT)")
        .unwrap();
    let other = refused(&format!("sqlite://{}", other.display()));
    assert!(other.to_string().contains("Lastcall"), "{other}");
    let shared = refused("postgres://u:s3cret@h/d").to_string();
    assert!(shared.contains("pg_dump") && !shared.contains("s3cret"));
    assert!(!to.exists());
}

#[tokio::test]
async fn nothing_is_accepted_into_a_file_that_was_removed_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    let store = open(&path).unwrap();
    let aside = folder.path().join("aside.db");
    std::fs::rename(&path, &aside).unwrap();
    let gone = store.ping().await.unwrap_err();
    std::fs::copy(&aside, &path).unwrap();
    let replaced = store.ping().await.unwrap_err();
    for error in [gone, replaced] {
        assert_eq!(error.code(), "store_unavailable");
        assert!(error.to_string().contains("lastcall.db was removed"));
    }
    std::fs::rename(&aside, &path).unwrap();
    store.ping().await.expect("it is there again");
    store.close().await.unwrap();
}

#[tokio::test]
async fn without_its_log_a_store_accepts_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    let store = open(&path).unwrap();
    let ttl = Duration::from_secs(3600);
    let session = Session::new(Owner::anonymous(), ttl, SystemClock.now());
    store.create_session(session.clone(), None).await.unwrap();
    let log = folder.path().join("lastcall.db-wal");
    let aside = folder.path().join("aside");
    std::fs::rename(&log, &aside).unwrap();
    let gone = store.ping().await.unwrap_err();
    let url = format!("sqlite://{}", path.display());
    let not_copied = back_up_store(&url, &folder.path().join("backup.db")).unwrap_err();
    assert!(
        not_copied
            .to_string()
            .contains("lastcall.db-wal was removed")
    );
    std::fs::write(&log, "").unwrap();
    let replaced = store.ping().await.unwrap_err();
    for error in [gone, replaced] {
        assert_eq!(error.code(), "store_unavailable");
        assert!(error.to_string().contains("lastcall.db-wal was removed"));
    }
    // All that a killed process would leave.
    let left = folder.path().join("left.db");
    std::fs::copy(&path, &left).unwrap();
    let next = open(&left).unwrap();
    assert_eq!(next.session(session.id).await, Ok(Some(session)));
    next.close().await.unwrap();
    std::fs::rename(&aside, &log).unwrap();
    store.ping().await.expect("it is there again");
    store.close().await.unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "shopping list\n".repeat(500)).unwrap();
    assert!(refused(&path).contains("not an SQLite database"));
}

#[test]
fn the_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("music.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE songs (name TEXT)")
        .unwrap();
    assert!(refused(&path).contains("another program"));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    open(&path).unwrap().close().await.unwrap();
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    drop(newer);
    assert!(refused(&path).contains("newer version"));
}

#[tokio::test]
async fn a_damaged_file_is_refused_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    open(&path).unwrap().close().await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let after_the_header = 100..;
    bytes[after_the_header].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    assert!(refused(&path).contains("damaged"));
}

#[tokio::test]
async fn damage_is_reported_from_its_discovery_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lastcall.db");
    let store = open(&path).unwrap();
    store.ping().await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, vec![0xA5; whole.len()]).unwrap();
    let damaged = store.ping().await.unwrap_err();
    assert_eq!(damaged.code(), "store_failed");
    assert!(damaged.to_string().contains("damaged"), "{damaged}");
    // Later writes are in no file.
    std::fs::write(&path, whole).unwrap();
    assert_eq!(store.ping().await, Err(damaged));
}

#[test]
fn a_place_where_no_file_can_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&file.join("lastcall.db")).expect_err("its folder is a file");
    assert_eq!(error.code(), "store_failed");
    assert!(error.to_string().contains("cannot open"));
    let folder_itself = folder.path().join("folder");
    std::fs::create_dir(&folder_itself).unwrap();
    assert!(refused(&folder_itself).contains("cannot be written"));
}

#[tokio::test]
async fn a_store_is_opened_by_its_url() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/lastcall.db");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url = format!("sqlite://{}", path.display());
    let store = open_store(&url, Arc::clone(&clock), Limits::default());
    let store = store.await.unwrap();
    store.ping().await.unwrap();
    store.close().await.unwrap();
    assert!(path.exists());
    for url in ["", "sqlite://", "mysql://u:s3cret@h/d", "lastcall.db"] {
        let opened = open_store(url, Arc::clone(&clock), Limits::default()).await;
        let Err(error) = opened else {
            panic!("{url} was opened");
        };
        assert_eq!(error.code(), "store_failed");
        assert!(!error.to_string().contains("s3cret"));
    }
}
