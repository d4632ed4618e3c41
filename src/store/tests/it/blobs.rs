//! The blob stores, one suite on each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use lastcall_domain::{BlobError, BlobKey, Blobs, Dependency, JobId, MemoryBlobs, SessionId};
use lastcall_store::{open_blobs, open_blobs_with};
use tempfile::TempDir;

/// A blob store to be tested.
struct Bench {
    blobs: Arc<dyn Blobs>,
    folder: TempDir,
    /// Where its files are, if it is a folder.
    root: Option<PathBuf>,
}

impl Bench {
    fn memory() -> Self {
        Self {
            blobs: Arc::new(MemoryBlobs::new()),
            folder: tempfile::tempdir().unwrap(),
            root: None,
        }
    }

    fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("made/blobs");
        let url = format!("file://{}", root.display());
        let blobs = open_blobs(&url, &folder.path().join("scratch")).unwrap();
        Self {
            blobs,
            folder,
            root: Some(root),
        }
    }

    fn bucket() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let prefix = uuid::Uuid::now_v7();
        let url = format!("s3://lastcall/{prefix}/below");
        let scratch = folder.path().join("scratch");
        let blobs = open_blobs_with(&url, &scratch, environment()).unwrap();
        Self {
            blobs,
            folder,
            root: None,
        }
    }

    /// A file that holds these bytes.
    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn content(&self, key: &BlobKey) -> Vec<u8> {
        let blob = self.blobs.read(key).await.unwrap();
        let pieces: Vec<Bytes> = blob.stream.try_collect().await.unwrap();
        let content = pieces.concat();
        assert_eq!(blob.bytes, content.len() as u64);
        content
    }
}

/// The variables with the address of the server that `scripts/test.sh` starts.
fn environment() -> Vec<(String, String)> {
    let server = std::env::var("LASTCALL_TEST_S3")
        .expect("LASTCALL_TEST_S3 names no S3 server: run the tests by scripts/test.sh");
    let pairs = [
        ("AWS_ENDPOINT_URL", server.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "only-for-tests"),
        ("AWS_REGION", "us-east-1"),
        ("HOME", "/nowhere"),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

macro_rules! on_every_blob_store {
    ($($case:ident),+ $(,)?) => {
        $(mod $case {
            use super::Bench;

            #[tokio::test]
            async fn memory() {
                super::$case(Bench::memory()).await;
            }

            #[tokio::test]
            async fn folder() {
                super::$case(Bench::folder()).await;
            }

            #[tokio::test]
            async fn bucket() {
                super::$case(Bench::bucket()).await;
            }
        })+
    };
}

on_every_blob_store![
    what_was_put_is_read,
    a_blob_in_pieces_is_there_when_it_is_finished_and_not_before,
    what_is_given_up_leaves_nothing,
    a_file_is_taken_over,
    a_local_copy_holds_the_bytes_and_does_not_outlive_its_use,
    what_is_not_there_is_not_found,
    a_blob_goes_with_what_was_derived_from_it,
    a_session_goes_whole_and_alone,
    a_blob_of_many_pieces_is_whole,
    a_reachable_store_answers_a_ping,
];

async fn what_was_put_is_read(bench: Bench) {
    let session = SessionId::new();
    let keys = [
        BlobKey::upload(session),
        BlobKey::result(session, JobId::new(), 3),
    ];
    for (key, content) in keys.iter().zip(["a,b\n1,2\n", ""]) {
        bench.blobs.put(key, content.into()).await.unwrap();
        assert_eq!(bench.content(key).await, content.as_bytes());
        assert_eq!(bench.blobs.exists(key).await, Ok(true));
    }
    bench.blobs.put(&keys[0], "other".into()).await.unwrap();
    assert_eq!(bench.content(&keys[0]).await, b"other");
}

async fn a_blob_in_pieces_is_there_when_it_is_finished_and_not_before(bench: Bench) {
    let key = BlobKey::upload(SessionId::new());
    let mut writer = bench.blobs.writer(&key).await.unwrap();
    let mut expected = Vec::new();
    for n in 0..300_u32 {
        let piece = format!("{n},").repeat(1_000);
        expected.extend_from_slice(piece.as_bytes());
        writer.write(piece.into()).await.unwrap();
    }
    assert_eq!(bench.blobs.exists(&key).await, Ok(false));
    writer.finish().await.unwrap();
    assert!(bench.content(&key).await == expected);
}

async fn what_is_given_up_leaves_nothing(bench: Bench) {
    let session = SessionId::new();
    let key = BlobKey::upload(session);
    let mut aborted = bench.blobs.writer(&key).await.unwrap();
    aborted.write("some".into()).await.unwrap();
    aborted.abort().await;
    let mut dropped = bench.blobs.writer(&key).await.unwrap();
    dropped.write("some".into()).await.unwrap();
    drop(dropped);
    assert_eq!(bench.blobs.exists(&key).await, Ok(false));
    if let Some(root) = &bench.root {
        assert_eq!(files(root), Vec::<PathBuf>::new());
    }
}

async fn a_file_is_taken_over(bench: Bench) {
    let key = BlobKey::upload(SessionId::new());
    let file = bench.file(b"a,b\n");
    bench.blobs.put_file(&key, &file).await.unwrap();
    assert!(!file.exists());
    assert_eq!(bench.content(&key).await, b"a,b\n");
    // A caller whose response was lost repeats the call, when the file is deleted already or still
    // exists.
    bench.blobs.put_file(&key, &file).await.unwrap();
    let file = bench.file(b"a,b\n");
    bench.blobs.put_file(&key, &file).await.unwrap();
    assert!(!file.exists());
    assert_eq!(bench.content(&key).await, b"a,b\n");
    let other = BlobKey::upload(SessionId::new());
    let nowhere = bench.blobs.put_file(&other, &file).await;
    assert!(nowhere.is_err(), "there is no such file any more");
}

async fn a_local_copy_holds_the_bytes_and_does_not_outlive_its_use(bench: Bench) {
    let key = BlobKey::upload(SessionId::new());
    bench.blobs.put(&key, "a,b\n".into()).await.unwrap();
    let local = bench.blobs.local(&key).await.unwrap();
    assert_eq!(std::fs::read(local.path()).unwrap(), b"a,b\n");
    let path = local.path().to_owned();
    drop(local);
    let is_the_blob_itself = bench.root.is_some();
    assert_eq!(path.exists(), is_the_blob_itself);
    assert_eq!(bench.content(&key).await, b"a,b\n");
}

async fn what_is_not_there_is_not_found(bench: Bench) {
    let key = BlobKey::upload(SessionId::new());
    let missing = BlobError::NotFound;
    assert_eq!(bench.blobs.read(&key).await.err(), Some(missing.clone()));
    assert_eq!(bench.blobs.local(&key).await.err(), Some(missing));
    assert_eq!(bench.blobs.exists(&key).await, Ok(false));
    assert_eq!(bench.blobs.delete(&key).await, Ok(()));
    let prefix = BlobKey::prefix(SessionId::new());
    assert_eq!(bench.blobs.delete_prefix(&prefix).await, Ok(()));
}

async fn a_blob_goes_with_what_was_derived_from_it(bench: Bench) {
    let session = SessionId::new();
    let (key, other) = (BlobKey::upload(session), BlobKey::upload(session));
    let derived = key.derived("parquet");
    for key in [&key, &other, &derived] {
        bench.blobs.put(key, "x".into()).await.unwrap();
    }
    bench.blobs.delete(&key).await.unwrap();
    assert_eq!(bench.blobs.exists(&key).await, Ok(false));
    assert_eq!(bench.blobs.exists(&derived).await, Ok(false));
    assert_eq!(bench.blobs.exists(&other).await, Ok(true));
}

async fn a_session_goes_whole_and_alone(bench: Bench) {
    let (session, other) = (SessionId::new(), SessionId::new());
    let gone = [
        BlobKey::upload(session),
        BlobKey::upload(session),
        BlobKey::result(session, JobId::new(), 1),
    ];
    let stays = BlobKey::upload(other);
    for key in gone.iter().chain([&stays]) {
        bench.blobs.put(key, "x".into()).await.unwrap();
    }
    let mut half = bench
        .blobs
        .writer(&gone[0].derived("parquet"))
        .await
        .unwrap();
    half.write("x".into()).await.unwrap();
    let prefix = BlobKey::prefix(session);
    bench.blobs.delete_prefix(&prefix).await.unwrap();
    for key in &gone {
        assert_eq!(bench.blobs.exists(key).await, Ok(false));
    }
    assert_eq!(bench.blobs.exists(&stays).await, Ok(true));
    if let Some(root) = &bench.root {
        assert_eq!(files(root).len(), 1, "half-written blobs go too");
    }
    half.abort().await;
}

async fn a_blob_of_many_pieces_is_whole(bench: Bench) {
    // Larger than a part of an upload and a piece of a download, and no multiple of either.
    let content: Vec<u8> = (0..18_000_007_u32).map(|n| (n % 251) as u8).collect();
    let key = BlobKey::upload(SessionId::new());
    let mut writer = bench.blobs.writer(&key).await.unwrap();
    for piece in content.chunks(1_000_003) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap();
    assert!(bench.content(&key).await == content);
    let local = bench.blobs.local(&key).await.unwrap();
    assert!(std::fs::read(local.path()).unwrap() == content);
    let file = bench.file(&content);
    let copy = BlobKey::upload(SessionId::new());
    bench.blobs.put_file(&copy, &file).await.unwrap();
    assert!(bench.content(&copy).await == content);
}

async fn a_reachable_store_answers_a_ping(bench: Bench) {
    assert_eq!(bench.blobs.ping().await, Ok(()));
    if let Some(root) = &bench.root {
        assert_eq!(files(root), Vec::<PathBuf>::new());
        std::fs::remove_dir_all(root).unwrap();
        assert!(bench.blobs.ping().await.unwrap_err().retryable());
    }
}

#[tokio::test]
async fn a_key_that_leads_elsewhere_is_refused() {
    for bench in [Bench::folder(), Bench::bucket()] {
        for name in [
            "../x",
            "/etc/passwd",
            "a/../../x",
            "a//b",
            "",
            ".",
            "a/b\0",
            "a b",
        ] {
            let key = BlobKey::from_stored(name);
            let put = bench.blobs.put(&key, "x".into()).await;
            assert_eq!(put.unwrap_err().code(), "blobs_failed", "{name:?}");
            let read = bench.blobs.read(&key).await;
            assert!(read.is_err_and(|error| error.code() == "blobs_failed"));
            let deleted = bench.blobs.delete_prefix(name).await;
            assert_eq!(deleted.unwrap_err().code(), "blobs_failed", "{name:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_bucket_is_reported() {
    let scratch = tempfile::tempdir().unwrap();
    let blobs = open_blobs_with("s3://nobodys-bucket", scratch.path(), environment()).unwrap();
    let error = blobs.ping().await.unwrap_err();
    assert_eq!(error.dependency(), Some(Dependency::Blobs));
    assert!(error.to_string().contains("no such bucket"), "{error}");
}

#[tokio::test]
async fn a_missing_bucket_is_distinguished_from_a_missing_blob() {
    let scratch = tempfile::tempdir().unwrap();
    let blobs = open_blobs_with("s3://nobodys-bucket", scratch.path(), environment()).unwrap();
    let key = BlobKey::upload(SessionId::new());
    let prefix = BlobKey::prefix(SessionId::new());
    let errors = [
        blobs.read(&key).await.err(),
        blobs.local(&key).await.err(),
        blobs.exists(&key).await.err(),
        blobs.delete(&key).await.err(),
        blobs.delete_prefix(&prefix).await.err(),
    ];
    for (call, error) in errors.into_iter().enumerate() {
        let away = matches!(error, Some(BlobError::Unavailable(_)));
        assert!(away, "call {call}: {error:?}");
    }
}

#[tokio::test]
async fn a_missing_folder_is_distinguished_from_a_missing_blob() {
    let bench = Bench::folder();
    let root = bench.root.clone().unwrap();
    let elsewhere = bench.folder.path().join("elsewhere");
    let session = SessionId::new();
    let (key, other) = (BlobKey::upload(session), BlobKey::upload(session));
    bench.blobs.put(&key, "x".into()).await.unwrap();
    std::fs::rename(&root, &elsewhere).unwrap();
    let are_away = async || {
        let blobs = &bench.blobs;
        let file = bench.file(b"x");
        let prefix = BlobKey::prefix(session);
        let errors = [
            blobs.local(&key).await.map(|_| ()),
            blobs.read(&key).await.map(|_| ()),
            blobs.exists(&key).await.map(|_| ()),
            blobs.put(&other, "x".into()).await,
            blobs.put_file(&other, &file).await,
            blobs.delete(&key).await,
            blobs.delete_prefix(&prefix).await,
            blobs.ping().await,
        ];
        for error in errors {
            let whose = error.unwrap_err().dependency();
            assert_eq!(whose, Some(Dependency::Blobs));
        }
    };
    are_away().await;
    assert!(!root.exists(), "nothing takes its place");
    // A volume that is not mounted leaves an empty folder.
    std::fs::create_dir(&root).unwrap();
    are_away().await;
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&elsewhere, &root).unwrap();
    assert_eq!(bench.content(&key).await, b"x");
    let missing = bench.blobs.read(&other).await.err();
    assert_eq!(missing, Some(BlobError::NotFound));
    // It may come back as a copy as well.
    std::fs::rename(&root, &elsewhere).unwrap();
    let copy = root.join(session.to_string()).join("datasets");
    std::fs::create_dir_all(&copy).unwrap();
    std::fs::write(root.join(key.as_str()), "x").unwrap();
    assert_eq!(bench.content(&key).await, b"x");
    bench.blobs.put(&other, "y".into()).await.unwrap();
}

#[test]
fn a_url_of_no_use_is_refused() {
    let scratch = Path::new("scratch");
    for url in ["", "file://", "s3://", "ftp://host/x", "data/blobs"] {
        let opened = open_blobs(url, scratch);
        assert!(
            opened.is_err_and(|error| error.code() == "blobs_failed"),
            "{url}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let opened = open_blobs(&format!("file://{}", file.display()), scratch);
    assert!(opened.is_err_and(|error| error.code() == "blobs_failed"));
}

/// Every file below the folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
