//! `GET /v1/jobs/{id}/events`: changes of a job as server-sent events.
//!
//! `state` (the job) is sent at once and with every change, `progress` in between, and `end` gives
//! the reason of the end: `finished`, `gone` with the session, or `draining`, when the client
//! should reconnect, to another instance or to this one after its restart.

use std::fmt::Write;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use lastcall_domain::lifecycle::State;
use lastcall_domain::{Job, JobId, Session, StoreError, StoreResult};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::view::JobView;
use crate::waiting::{JobUpdates, Update};

/// How long a stream is silent before a comment is sent as a keep-alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After how many milliseconds a client reconnects.
const RETRY_MS: u32 = 1000;
/// The least progress that is worth an event.
const MIN_PROGRESS_STEP: f64 = 0.001;

/// `GET /v1/jobs/{id}/events`
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}/events",
    tag = "jobs",
    operation_id = "followJob",
    summary = "Follow a job",
    description = "Server-sent events: `state` with the job, at once and with every change; `progress` with `{\"progress\": 0.42}`; at last `end` with a `reason`: `finished`, `gone` with the session, or `draining`, when the client is to connect again.",
    params(
        ("id" = Uuid, Path, description = "The job"),
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let job = state.job(&caller, &id).await?;
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            Code::TooManyStreams,
            "too many event streams are open; poll the job instead",
        )
        .retry_after(5)
    })?;
    let events = JobEvents {
        updates: JobUpdates::of(&state, job.id),
        state,
        job: job.id,
        sent: None,
        progress: 0.0,
        events: 0,
        last_sent: Instant::now(),
        over: false,
        _permit: permit,
    };
    Ok(event_stream(stream_of(events)))
}

/// The response with these events.
pub(crate) fn event_stream(
    events: impl Stream<Item = Result<Bytes, Problem>> + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Asks proxies not to buffer the stream.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events)
}

/// The fields of a job whose changes are worth a `state` event.
type JobSnapshot = (State, u32, u32, bool);

struct JobEvents {
    state: web::Data<ApiState>,
    updates: JobUpdates,
    job: JobId,
    sent: Option<JobSnapshot>,
    progress: f64,
    events: u64,
    last_sent: Instant,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

fn stream_of(events: JobEvents) -> impl Stream<Item = Result<Bytes, Problem>> {
    stream::unfold(events, |mut events| async move {
        if events.over {
            return None;
        }
        let text = events.next().await;
        events.last_sent = Instant::now();
        Some((Ok(Bytes::from(text)), events))
    })
}

impl JobEvents {
    /// The next text to send.
    async fn next(&mut self) -> String {
        let mut text = String::new();
        if self.sent.is_none() {
            let _ = write!(text, "retry: {RETRY_MS}\n\n");
            self.refresh(&mut text).await;
        }
        while text.is_empty() {
            let silent = tokio::time::sleep_until(self.last_sent + KEEP_ALIVE);
            let update = tokio::select! {
                biased;
                () = self.state.system.stopping() => {
                    // It may have ended just now: that is reported instead.
                    self.refresh(&mut text).await;
                    if !self.over {
                        self.end(&mut text, "draining");
                    }
                    break;
                }
                update = self.updates.next() => update,
                () = silent => {
                    text.push_str(": still there\n\n");
                    break;
                }
            };
            match update {
                Update::Changed => self.refresh(&mut text).await,
                Update::Progress(progress) => self.send_progress(&mut text, progress),
            }
        }
        text
    }

    /// Reads the row and sends what has changed. Following a job is a use of its session.
    async fn refresh(&mut self, text: &mut String) {
        match self.read().await {
            Ok(Some((job, session))) => {
                self.send_state(text, &job);
                if !self.over
                    && let Err(problem) = self.state.renew(session).await
                    && problem.code() == Code::SessionExpired
                {
                    self.end(text, "gone");
                }
            }
            Ok(None) => self.end(text, "gone"),
            Err(StoreError::Closed) => self.end(text, "draining"),
            Err(error) => log::debug!("an event stream waits for the store: {error}"),
        }
    }

    /// The job and its session, if both exist.
    async fn read(&self) -> StoreResult<Option<(Job, Session)>> {
        let Some(job) = self.state.store.job(self.job).await? else {
            return Ok(None);
        };
        let session = self.state.store.session(job.session).await?;
        Ok(session.map(|session| (job, session)))
    }

    fn send_state(&mut self, text: &mut String, job: &Job) {
        let seen = (
            job.state(),
            job.lifecycle.attempt,
            job.lifecycle.interruptions,
            job.started_at.is_some(),
        );
        if self.sent.replace(seen) != Some(seen) {
            self.progress = job.progress;
            let data = serde_json::to_string(&JobView::from(job)).unwrap_or_default();
            self.event(text, "state", &data);
        } else {
            self.send_progress(text, job.progress);
        }
        if job.state().is_final() {
            self.end(text, "finished");
        }
    }

    fn send_progress(&mut self, text: &mut String, progress: f64) {
        if progress >= self.progress + MIN_PROGRESS_STEP {
            self.progress = progress;
            self.event(
                text,
                "progress",
                &json!({ "progress": progress }).to_string(),
            );
        }
    }

    fn end(&mut self, text: &mut String, reason: &str) {
        self.over = true;
        self.event(text, "end", &json!({ "reason": reason }).to_string());
    }

    fn event(&mut self, text: &mut String, name: &str, data: &str) {
        self.events += 1;
        // Writing to a String cannot fail.
        let _ = write!(text, "id: {}\nevent: {name}\ndata: {data}\n\n", self.events);
    }
}
