//! `GET /v1/system/events`: the state of the process as server-sent events, until its end.
//!
//! `system` is sent at once, with every change and at least every second; `end` has the report of
//! the shutdown. Nothing waits for a subscriber: it receives the latest state as fast as it reads,
//! its connection outlives the listener, and it is closed if it reads nothing.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use crate::auth::{Caller, Role};
use crate::errors::Code;
use crate::events::event_stream;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::system_feed::Latest;
use crate::system_publisher;

/// After how many milliseconds a client reconnects.
const RETRY: &str = "retry: 1000\n\n";
/// Without an event for this long, the publisher has died.
const PUBLISHER_TIMEOUT: Duration = Duration::from_secs(5);

/// Marks the response that carries the stream: its connection lasts until the end of the shutdown.
pub(crate) struct SystemStream;

/// `GET /v1/system/events`
#[utoipa::path(
    get,
    path = "/v1/system/events",
    tag = "system",
    operation_id = "followSystem",
    summary = "Follow the state of the process",
    description = "Server-sent events: `system` with the object of `GET /v1/system`, at once, with every change and at least every second; at last `end` with `{\"reason\": \"stopped\", \"report\": {…}}`, the report of the shutdown as far as it is known then. The stream outlives the listener: it lasts until the services have ended.",
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
    ),
)]
pub(crate) async fn get(state: web::Data<ApiState>, caller: Caller) -> ApiResult<HttpResponse> {
    let permit = state.system_stream_permits.clone().try_acquire_owned();
    let permit = permit.map_err(|_| {
        Problem::new(
            Code::TooManyStreams,
            "too many clients follow the system; poll /v1/system instead",
        )
        .retry_after(5)
    })?;
    let events = SystemEvents {
        latest: system_publisher::subscribe(&state),
        state,
        role: caller.role,
        started: false,
        over: false,
        _permit: permit,
    };
    let mut response = event_stream(stream_of(events));
    response.extensions_mut().insert(SystemStream);
    Ok(response)
}

struct SystemEvents {
    state: web::Data<ApiState>,
    latest: watch::Receiver<Latest>,
    role: Role,
    started: bool,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

fn stream_of(events: SystemEvents) -> impl Stream<Item = Result<Bytes, Problem>> {
    stream::unfold(events, |mut events| async move {
        if events.over {
            return None;
        }
        if !events.started {
            events.started = true;
            return Some((Ok(Bytes::from_static(RETRY.as_bytes())), events));
        }
        let text = events.next().await;
        Some((Ok(text), events))
    })
}

impl SystemEvents {
    /// The next event to send. Missed events are skipped.
    async fn next(&mut self) -> Bytes {
        loop {
            if !matches!(
                timeout(PUBLISHER_TIMEOUT, self.latest.changed()).await,
                Ok(Ok(()))
            ) {
                self.latest = system_publisher::subscribe(&self.state);
                continue;
            }
            let Latest { system, end } = self.latest.borrow_and_update().clone();
            let Some(system) = system else { continue };
            let event = system[self.role as usize].clone();
            let Some(end) = end else { return event };
            self.over = true;
            return Bytes::from([event, end].concat());
        }
    }
}
