//! `PUT /v1/sessions/{sid}/datasets/{name}`: a dataset, streamed, all or nothing.

mod headers;

use std::time::Duration;

use actix_web::http::header::{self, ETag, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt;
use lastcall_domain::store::{Precondition, UploadOutcome};
use lastcall_domain::{BlobKey, BlobWriter, Dataset, DatasetName, Format, Session, StoreError};
use tokio::time::{Instant, timeout, timeout_at};

use crate::auth::Caller;
use crate::config::ApiConfig;
use crate::content_name::percent_encoded;
use crate::digest::ContentDigest;
use crate::errors::Code;
use crate::ingest::{Ingest, Received, too_large};
use crate::json::unreadable_payload;
use crate::preconditions;
use crate::problem::{ApiResult, Problem};
use crate::read_options::{self, ReadQuery};
use crate::state::ApiState;
use crate::view::{Binary, DatasetView};
use crate::waiting::POLL_INTERVAL;
use headers::{charset, encoding_of, format_of, refuse_part};

/// Bytes that are buffered before a hop to another thread pays off.
const BATCH: usize = 256 * 1024;
/// The most bytes of a rejected body that are still read, and for how long.
const MAX_DISCARDED: usize = 32 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a caller waits for a blob to be deleted that no row refers to.
const DELETE_TIMEOUT: Duration = Duration::from_secs(5);

/// `PUT /v1/sessions/{sid}/datasets/{name}`
#[utoipa::path(
    put,
    path = "/v1/sessions/{sid}/datasets/{name}",
    tag = "datasets",
    operation_id = "putDataset",
    summary = "Upload a dataset",
    description = "Streamed, all or nothing. The format comes from `format`, the Content-Type (`application/json` as well) or else the extension of the name. Gzip is decoded, declared by Content-Encoding or not. The query sets the read options; omitted ones are detected from the data.",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("name" = String, Path, min_length = 1, max_length = 128, example = "penguins", description = "The dataset"),
        ("format" = Option<Format>, Query, description = "The format; overrides the Content-Type"),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip`, `zstd`, or none"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:…:` or `sha-512=:…:` of the body as sent (RFC 9530); rejected on a mismatch"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if the dataset does not exist"),
        ("If-Match" = Option<String>, Header, description = "`*`, or the `ETag`s of the dataset to replace"),
        ReadQuery,
    ),
    request_body(description = "The data", content(
        (inline(Binary) = "text/csv"),
        (inline(Binary) = "text/tab-separated-values"),
        (inline(Binary) = "application/x-ndjson"),
        (inline(Binary) = "application/vnd.apache.arrow.file"),
        (inline(Binary) = "application/vnd.apache.arrow.stream"),
        (inline(Binary) = "application/vnd.oasis.opendocument.spreadsheet"),
        (inline(Binary) = "application/vnd.apache.parquet"),
        (inline(Binary) = "application/vnd.ms-excel"),
        (inline(Binary) = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (inline(Binary) = "application/octet-stream"),
    )),
    responses(
        (status = 201, description = "Created", body = DatasetView, headers(("Location" = String, description = "The path of the dataset"))),
        (status = 200, description = "Replaced", body = DatasetView, headers(("Location" = String, description = "The path of the dataset"))),
    ),
)]
pub(crate) async fn put(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    mut payload: web::Payload,
) -> ApiResult<HttpResponse> {
    let stored = store(&state, &caller, &request, path.into_inner(), &mut payload).await;
    if stored.is_err() {
        discard_body(&mut payload).await;
    }
    stored
}

/// Reads on for a while: a client that is still sending when its connection is closed may never see
/// the response.
async fn discard_body(payload: &mut web::Payload) {
    let until = Instant::now() + DISCARD_TIMEOUT;
    let mut left = MAX_DISCARDED;
    while let Ok(Some(Ok(chunk))) = timeout_at(until, payload.next()).await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

async fn store(
    state: &web::Data<ApiState>,
    caller: &Caller,
    request: &HttpRequest,
    (session, name): (String, String),
    payload: &mut web::Payload,
) -> ApiResult<HttpResponse> {
    let mut session = state.session(caller, &session).await?;
    let name = DatasetName::try_from(name)
        .map_err(|error| Problem::new(Code::InvalidDatasetName, error.to_string()))?;
    refuse_part(request.headers())?;
    let format = match read_options::named_format(request)? {
        Some(format) => format,
        None => format_of(request.headers(), &name)?,
    };
    let charset = charset(format, request.headers())?;
    let read = read_options::of_upload(request, format, charset.as_deref())?;
    let encoding = encoding_of(request.headers())?;
    let precondition = preconditions::of(request.headers())?;
    if precondition != Precondition::None {
        // Before the body is read; the store checks again when the dataset is stored.
        let current = state.store.dataset(session.id, &name).await?;
        if !precondition.is_met(current.as_ref()) {
            return Err(preconditions::failed(&name));
        }
    }
    let digest = ContentDigest::of(request.headers())?;
    check_size(&state.config, request.headers())?;
    state.has_room().await?;

    let max_body = state.config.max_body;
    let blob = BlobKey::upload(session.id);
    let ingest = Ingest::new(format, encoding, max_body)?.expecting(digest);
    let mut writer = state.blobs.writer(&blob).await?;
    let stored = match stream_body(state, &mut session, payload, &mut *writer, ingest).await {
        Ok(received) => {
            let finished = writer.finish().await;
            if finished.is_err() {
                // It may have been stored all the same.
                discard(state, &blob).await;
            }
            finished.map(|()| received).map_err(Problem::from)
        }
        Err(problem) => {
            writer.abort().await;
            Err(problem)
        }
    };
    let received = match stored {
        Ok(received) => received,
        Err(problem) if problem.code().status().is_server_error() => {
            // Its folder is removed with the session, whose removal is the better error.
            state.session(caller, &session.id.to_string()).await?;
            return Err(problem);
        }
        Err(problem) => return Err(problem),
    };
    let dataset = Dataset {
        session: session.id,
        name,
        format,
        bytes: received.bytes,
        sha256: received.sha256,
        blob: blob.clone(),
        created_at: state.clock.now(),
        read,
        schema: None,
    };
    let outcome = state.store.put_dataset(dataset.clone(), precondition).await;
    let replaced = match outcome {
        Ok(UploadOutcome::Stored { replaced }) => replaced,
        Ok(UploadOutcome::PreconditionFailed) => {
            discard(state, &blob).await;
            return Err(preconditions::failed(&dataset.name));
        }
        Ok(UploadOutcome::QuotaExceeded { others, quota }) => {
            discard(state, &blob).await;
            let detail = format!(
                "{} bytes beside the {others} of your other datasets are more than the {quota} that \
                 one owner may store; what is deleted or expires makes room",
                dataset.bytes
            );
            return Err(Problem::new(Code::QuotaExceeded, detail));
        }
        Ok(UploadOutcome::SessionGone) => {
            discard(state, &blob).await;
            // Reports whether it was deleted or has expired.
            state.session(caller, &session.id.to_string()).await?;
            return Err(crate::access::expired());
        }
        Err(error @ StoreError::NoSpace(_)) => {
            discard(state, &blob).await;
            return Err(error.into());
        }
        // The row may exist: its blob must stay, and is removed with the session at the latest.
        Err(error) => return Err(error.into()),
    };
    // A job that is submitted next must use these bytes.
    state.recent.remove(session.id);
    let mut response = match replaced {
        Some(replaced) => {
            discard(state, &replaced.blob).await;
            HttpResponse::Ok()
        }
        None => HttpResponse::Created(),
    };
    Ok(response
        .insert_header((
            header::LOCATION,
            format!(
                "/v1/sessions/{}/datasets/{}",
                session.id,
                percent_encoded(dataset.name.as_str())
            ),
        ))
        .insert_header(ETag(preconditions::tag(&dataset)))
        .json(DatasetView::from(&dataset)))
}

/// Rejects a body whose declared length is too large.
///
/// # Errors
/// `payload_too_large`.
pub(crate) fn check_size(config: &ApiConfig, headers: &HeaderMap) -> ApiResult<()> {
    let announced: Option<u64> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > config.max_body) {
        return Err(too_large(config.max_body));
    }
    Ok(())
}

/// Streams the body into the blob store.
async fn stream_body(
    state: &ApiState,
    session: &mut Session,
    payload: &mut web::Payload,
    writer: &mut dyn BlobWriter,
    mut ingest: Ingest,
) -> ApiResult<Received> {
    loop {
        let chunk = next_chunk(state, session, payload).await?;
        let last = chunk.is_none();
        match chunk {
            Some(chunk) => ingest.feed(&chunk)?,
            None => ingest.end(),
        }
        if !last && ingest.waiting() < BATCH {
            continue;
        }
        // Others write, too: an upload that began with enough room must not take the last of it.
        state.has_room_to_go_on().await?;
        loop {
            let piece;
            (ingest, piece) = step_elsewhere(ingest).await?;
            match piece? {
                Some(piece) => writer.write(piece).await?,
                None => break,
            }
        }
        if last {
            return ingest.finish();
        }
    }
}

/// The next bytes of the body; `None` at its end. The session is renewed with every chunk and while
/// waiting: an upload is a use of it for as long as it runs, however slowly. During a shutdown a
/// client that sends nothing is soon given up, because it would hold the shutdown up.
async fn next_chunk(
    state: &ApiState,
    session: &mut Session,
    payload: &mut web::Payload,
) -> ApiResult<Option<Bytes>> {
    let timeouts = state.config.read_timeouts;
    let poll_interval = POLL_INTERVAL.min(timeouts.stopping);
    let began = Instant::now();
    loop {
        *session = state.renew(session.clone()).await?;
        if let Ok(chunk) = timeout(poll_interval, payload.next()).await {
            return chunk
                .transpose()
                .map_err(|error| unreadable_payload(&error));
        }
        let timeout = state.stall_timeout(timeouts);
        if began.elapsed() >= timeout {
            let detail = format!("no byte of it came for {timeout:?}");
            return Err(Problem::new(Code::BodyTimeout, detail));
        }
    }
}

/// One step on another thread, because decoding and hashing would delay the requests of this one.
#[expect(
    clippy::disallowed_methods,
    reason = "a step is milliseconds of computing, and the runtime of the HTTP thread waits for it"
)]
async fn step_elsewhere(mut ingest: Ingest) -> ApiResult<(Ingest, ApiResult<Option<Bytes>>)> {
    let step = web::block(move || {
        let piece = ingest.step();
        (ingest, piece)
    });
    step.await
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

/// Deletes a blob that no row refers to any more. If that fails, it is removed with its session.
pub(crate) async fn discard(state: &ApiState, blob: &BlobKey) {
    let fault = match timeout(DELETE_TIMEOUT, state.blobs.delete(blob)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {DELETE_TIMEOUT:?}"),
    };
    log::warn!("cannot delete the blob {}: {fault}", blob.as_str());
}
