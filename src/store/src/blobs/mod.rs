//! The blob stores: a folder, or a bucket.

mod bucket;
mod credentials;
mod download;
mod folder;
mod marked;
mod root;
mod staged;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastcall_domain::{BlobError, BlobKey, BlobResult, Blobs, Dependency};
use object_store::path::Path as ObjectPath;

use bucket::BucketBlobs;
use folder::FolderBlobs;
pub use marked::shared_blobs;

/// Opens the blob store at `url`: `file://relative/folder`, `file:///absolute/folder` or
/// `s3://bucket/prefix`. The folder is made where there is none. Credentials, region and
/// endpoint of a bucket come from the usual `AWS_*` environment, credentials also from the files
/// that `AWS_ACCESS_KEY_ID_FILE` and its like name. Copies of blobs that are elsewhere are put
/// into the folder `scratch`.
///
/// # Errors
/// [`BlobError::Failed`] where the URL or the environment is of no use, or the folder cannot be
/// made. Whether a bucket can be reached is seen by a [`ping`](Blobs::ping).
pub fn open_blobs(url: &str, scratch: &Path) -> BlobResult<Arc<dyn Blobs>> {
    open_blobs_with(url, scratch, std::env::vars_os().filter_map(readable))
}

fn readable(pair: (OsString, OsString)) -> Option<(String, String)> {
    Some((pair.0.into_string().ok()?, pair.1.into_string().ok()?))
}

/// As [`open_blobs`], with the environment that is given.
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

/// The path of what a key or a prefix names. A row says what the key is, and a row may be
/// damaged: one that would lead elsewhere is refused.
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

/// The keys of what was derived from this one begin so.
fn derived_from(key: &BlobKey) -> String {
    format!("{}.", key.as_str())
}

/// What went wrong with a file of the blobs.
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

/// What went wrong with a temporary file.
fn temporary(error: &std::io::Error) -> BlobError {
    open_files(error).unwrap_or_else(|| BlobError::Environment {
        dependency: Dependency::Scratch,
        detail: error.to_string(),
    })
}

/// The error where it is for want of file descriptors.
fn open_files(error: &std::io::Error) -> Option<BlobError> {
    let whose = Dependency::of_io(error, Dependency::Blobs)?;
    (whose == Dependency::FileDescriptors).then(|| BlobError::Environment {
        dependency: whose,
        detail: error.to_string(),
    })
}

/// What went wrong in the object store.
fn object(error: object_store::Error) -> BlobError {
    use object_store::Error;
    match &error {
        Error::NotFound { .. } => BlobError::NotFound,
        Error::InvalidPath { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::UnknownConfigurationKey { .. } => BlobError::Failed(error.to_string()),
        // Credentials may have expired: whoever minds the service renews them.
        _ => of_cause(&error).unwrap_or_else(|| BlobError::Unavailable(error.to_string())),
    }
}

/// The error of the operating system that is behind another, where it is for want of descriptors.
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

/// As [`object`], where what is missing can only be the place itself.
fn object_written(error: object_store::Error) -> BlobError {
    match object(error) {
        BlobError::NotFound => BlobError::Unavailable("there is no such bucket".to_owned()),
        other => other,
    }
}
