//! `GET /v1/system/events`: the state of the process as server-sent events, until its end.
//!
//! `system` comes at once, with every change and at least every second; `end` says how the
//! shutdown went. Nothing waits for a client that follows: it is sent the latest state that it
//! makes room for, its connection outlives the listener, and it is cut where it takes nothing.

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

/// After how many milliseconds a client connects again.
const RETRY: &str = "retry: 1000\n\n";
/// Without news for so long, there is nobody who takes snapshots.
const NEWS_TIMEOUT: Duration = Duration::from_secs(5);

/// Marks the answer that carries the stream: its connection lasts until the end of the shutdown.
pub(crate) struct OperatorStream;

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
    let permit = state.watcher_room.clone().try_acquire_owned();
    let permit = permit.map_err(|_| {
        Problem::new(
            Code::TooManyStreams,
            "as many clients follow the system as may; poll /v1/system instead",
        )
        .retry_after(5)
    })?;
    let events = Events {
        news: system_publisher::follow(&state),
        state,
        role: caller.role,
        begun: false,
        over: false,
        _permit: permit,
    };
    let mut response = event_stream(stream_of(events));
    response.extensions_mut().insert(OperatorStream);
    Ok(response)
}

struct Events {
    state: web::Data<ApiState>,
    news: watch::Receiver<Latest>,
    role: Role,
    begun: bool,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

fn stream_of(events: Events) -> impl Stream<Item = Result<Bytes, Problem>> {
    stream::unfold(events, |mut events| async move {
        if events.over {
            return None;
        }
        if !events.begun {
            events.begun = true;
            return Some((Ok(Bytes::from_static(RETRY.as_bytes())), events));
        }
        let text = events.next().await;
        Some((Ok(text), events))
    })
}

impl Events {
    /// The next text to send. What was missed meanwhile is left out.
    async fn next(&mut self) -> Bytes {
        loop {
            if !matches!(timeout(NEWS_TIMEOUT, self.news.changed()).await, Ok(Ok(()))) {
                self.news = system_publisher::follow(&self.state);
                continue;
            }
            let Latest { system, end } = self.news.borrow_and_update().clone();
            let Some(system) = system else { continue };
            let event = system[self.role as usize].clone();
            let Some(end) = end else { return event };
            self.over = true;
            return Bytes::from([event, end].concat());
        }
    }
}
