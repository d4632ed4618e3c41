//! The blob stores: a folder, or a bucket.

mod bucket;
mod credentials;
mod download;
mod endpoint;
mod folder;
mod marked;
mod root;
mod staged;
mod upload;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastcall_domain::{BlobError, BlobKey, BlobResult, Blobs, Dependency};
use object_store::path::Path as ObjectPath;

use bucket::BucketBlobs;
use folder::FolderBlobs;
pub use marked::shared_blobs;

/// Opens the blob store at `url`: `file://relative/folder`, `file:///absolute/folder` or
/// `s3://bucket/prefix`. The folder is created if it does not exist. Credentials, region and
/// endpoint of a bucket come from the usual `AWS_*` environment; credentials may also come from
/// files that `AWS_ACCESS_KEY_ID_FILE` and the like name. Local copies of remote blobs are put into
/// the folder `scratch`.
///
/// # Errors
/// [`BlobError::Failed`] if the URL or the environment is invalid, or the folder cannot be created.
/// Whether a bucket is reachable only a [`ping`](Blobs::ping) shows.
pub fn open_blobs(url: &str, scratch: &Path) -> BlobResult<Arc<dyn Blobs>> {
    open_blobs_with(url, scratch, std::env::vars_os().filter_map(readable))
}

fn readable(pair: (OsString, OsString)) -> Option<(String, String)> {
    Some((pair.0.into_string().ok()?, pair.1.into_string().ok()?))
}

/// As [`open_blobs`], with this environment.
///
/// # Errors
/// As [`open_blobs`].
pub fn open_blobs_with(
    url: &str,
    scratch: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> BlobResult<Arc<dyn Blobs>> {
    if let Some(folder) = url.strip_prefix("file://") {
        if folder.is_empty() {
            return Err(BlobError::Failed(format!("{url} names no folder")));
        }
        return Ok(Arc::new(FolderBlobs::open(PathBuf::from(folder))?));
    }
    if let Some(place) = url.strip_prefix("s3://") {
        return Ok(Arc::new(BucketBlobs::open(
            place,
            scratch.to_owned(),
            environment,
        )?));
    }
    Err(BlobError::Failed(format!(
        "{url} is none of file://folder and s3://bucket/prefix"
    )))
}

/// The path of a key or a prefix. A row may be damaged: a key that would lead elsewhere is
/// rejected.
fn object_path(name: &str) -> BlobResult<ObjectPath> {
    let refused = || BlobError::Failed(format!("{name:?} is not the key of a blob"));
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !name.split('/').all(plain) {
        return Err(refused());
    }
    ObjectPath::parse(name).map_err(|_| refused())
}

/// The prefix of the keys derived from this one.
fn derived_from(key: &BlobKey) -> String {
    format!("{}.", key.as_str())
}

/// Converts an error of a blob's file.
fn io(error: &std::io::Error) -> BlobError {
    use std::io::ErrorKind;
    if let Some(shortage) = open_files(error) {
        return shortage;
    }
    match error.kind() {
        ErrorKind::NotFound => BlobError::NotFound,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            BlobError::NoSpace("the disk of the blobs is full".to_owned())
        }
        _ => BlobError::Unavailable(error.to_string()),
    }
}

/// Converts an error of a temporary file.
fn temporary(error: &std::io::Error) -> BlobError {
    open_files(error).unwrap_or_else(|| BlobError::Environment {
        dependency: Dependency::Scratch,
        detail: error.to_string(),
    })
}

/// The error, if file descriptors are exhausted.
fn open_files(error: &std::io::Error) -> Option<BlobError> {
    let whose = Dependency::of_io(error, Dependency::Blobs)?;
    (whose == Dependency::FileDescriptors).then(|| BlobError::Environment {
        dependency: whose,
        detail: error.to_string(),
    })
}

/// Converts an error of the object store.
fn object(error: object_store::Error) -> BlobError {
    use object_store::Error;
    match &error {
        Error::NotFound { .. } => BlobError::NotFound,
        Error::InvalidPath { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::UnknownConfigurationKey { .. } => BlobError::Failed(error.to_string()),
        // Credentials may have expired; the operator renews them.
        _ => of_cause(&error).unwrap_or_else(|| BlobError::Unavailable(error.to_string())),
    }
}

/// The underlying error of the operating system, if file descriptors are exhausted.
fn of_cause(error: &(dyn std::error::Error + 'static)) -> Option<BlobError> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(shortage) = cause.downcast_ref().and_then(open_files) {
            return Some(shortage);
        }
        next = cause.source();
    }
    None
}

/// As [`object`], if only the bucket itself can be missing.
fn object_written(error: object_store::Error) -> BlobError {
    match object(error) {
        BlobError::NotFound => BlobError::Unavailable("there is no such bucket".to_owned()),
        other => other,
    }
}
