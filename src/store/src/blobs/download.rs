//! Downloads from a bucket in ranges, each a request with its own timeout and retries, so that a
//! long download is not one long request.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use lastcall_domain::{BlobError, BlobResult, BlobStream, LocalBlob};
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, ObjectMeta, ObjectStore};
use tokio::io::AsyncWriteExt;

use super::{object, temporary};

/// Bytes per request.
pub(super) const RANGE: u64 = 8 * 1024 * 1024;
/// Bytes read from a local file at a time.
pub(super) const READ_BUFFER: usize = 1024 * 1024;

/// The bytes of the object, all from the same version of it.
pub(super) fn pieces<S: ObjectStore>(
    store: Arc<S>,
    path: ObjectPath,
    meta: ObjectMeta,
) -> impl Stream<Item = BlobResult<Bytes>> + Send + 'static {
    stream::try_unfold(
        (store, path, meta, 0),
        |(store, path, meta, begin)| async move {
            if begin >= meta.size {
                return Ok(None);
            }
            let end = meta.size.min(begin + RANGE);
            let options = GetOptions {
                range: Some((begin..end).into()),
                if_match: meta.e_tag.clone(),
                ..GetOptions::default()
            };
            let found = store.get_opts(&path, options).await;
            let bytes = found.map_err(object)?.bytes().await.map_err(object)?;
            if bytes.len() as u64 != end - begin {
                let what = "a piece of a blob came with the wrong length";
                return Err(BlobError::Unavailable(what.to_owned()));
            }
            Ok(Some((bytes, (store, path, meta, end))))
        },
    )
}

/// Writes the blob into a file in the folder `scratch`.
pub(super) async fn to_file(mut blob: BlobStream, scratch: &Path) -> BlobResult<LocalBlob> {
    let made = tokio::fs::create_dir_all(scratch).await;
    made.map_err(|error| temporary(&error))?;
    let name = format!("blob-{}", uuid::Uuid::now_v7());
    // From here on, a failure removes the file.
    let copy = LocalBlob::copy(scratch.join(name));
    let file = tokio::fs::File::create_new(copy.path()).await;
    let mut file = file.map_err(|error| temporary(&error))?;
    while let Some(bytes) = blob.stream.next().await {
        let written = file.write_all(&bytes?).await;
        written.map_err(|error| temporary(&error))?;
    }
    file.flush().await.map_err(|error| temporary(&error))?;
    Ok(copy)
}
