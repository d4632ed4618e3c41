//! `/v1/sessions`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use lastcall_domain::store::{Admission, Answer, Order};
use lastcall_domain::{Session, SessionId, ShownDuration};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::errors::Code;
use crate::idempotency::{Keyed, key_reused, respond};
use crate::json::JsonBody;
use crate::paging::{List, Query};
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::submit;
use crate::view::SessionView;

/// The shortest TTL.
const MIN_TTL: Duration = Duration::from_secs(1);

/// After how many seconds an owner with too many sessions may try again.
const SESSIONS_RETRY: u32 = 30;

/// A new session.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The TTL, with a unit; default `sessions.ttl`.
    #[schema(example = "30m")]
    ttl: Option<String>,
}

/// `POST /v1/sessions`
#[utoipa::path(
    post,
    path = "/v1/sessions",
    tag = "sessions",
    operation_id = "createSession",
    summary = "Open a session",
    description = "The body is optional.",
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[ -~]+$", description = "Up to 255 printable ASCII characters: the same request under the same key is answered with the first answer, and done once"),
    ),
    request_body(content = Option<NewSession>, description = "The session", example = json!({"ttl": "30m"})),
    responses(
        (status = 201, description = "The session", body = SessionView, headers(("Location" = String, description = "The path of the session"), ("Idempotent-Replayed" = Option<String>, description = "`true` on a repeated answer"))),
    ),
)]
pub(crate) async fn create(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
    body: JsonBody,
) -> ApiResult<HttpResponse> {
    let keyed = Keyed::of(&request, &body.0)?;
    let ttl = match ttl(&state, &body).await {
        Ok(ttl) => ttl,
        Err(problem) => return submit::replay(&state, &caller.owner, keyed, problem).await,
    };
    let session = Session::new(caller.owner.clone(), ttl, state.clock.now());
    let body = serde_json::to_string(&SessionView::from(&session))
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let answer = Answer {
        status: 201,
        location: Some(format!("/v1/sessions/{}", session.id)),
        body,
    };
    let idempotency = keyed.map(|keyed| keyed.answered(&caller.owner, answer.clone()));
    match state.store.create_session(session, idempotency).await? {
        Admission::Created(session) => {
            // On a shared store, other processes may analyse in it.
            if !state.store.is_shared() {
                state.new_sessions.insert(session.id);
            }
            Ok(respond(&answer, false))
        }
        Admission::Replayed(answer) => Ok(respond(&answer, true)),
        Admission::KeyReused => Err(key_reused()),
        Admission::TooManySessions { sessions } => Err(Problem::new(
            Code::TooManySessions,
            format!(
                "{sessions} sessions are open, which is as many as one owner may have; delete one \
                 or let it expire"
            ),
        )
        .retry_after(SESSIONS_RETRY)),
        Admission::QueueFull { .. } | Admission::OwnerQueueFull { .. } | Admission::SessionGone => {
            Err(Problem::new(
                Code::Internal,
                "the store refused to make a session",
            ))
        }
    }
}

/// The TTL of a session that may be opened now.
async fn ttl(state: &ApiState, body: &JsonBody) -> ApiResult<Duration> {
    let new: NewSession = body.parse_or_default()?;
    let ttl = match &new.ttl {
        Some(ttl) => parse_ttl(ttl, state.config.max_ttl)?,
        None => state.config.default_ttl,
    };
    state.has_room().await?;
    Ok(ttl)
}

/// `GET /v1/sessions`
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "sessions",
    operation_id = "listSessions",
    summary = "List your sessions",
    description = "Oldest first unless `order` says otherwise; without expired sessions.",
    params(
        ("order" = Option<Order>, Query, description = "`asc`, oldest first (the default), or `desc`, newest first"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items per page, 1 to 1000; default 50"),
        ("cursor" = Option<String>, Query, min_length = 1, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of sessions", body = List<SessionView>),
    ),
)]
pub(crate) async fn list(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
) -> ApiResult<web::Json<List<SessionView>>> {
    let query = Query::of(&request, &["order", "limit", "cursor"])?;
    let limit = query.limit()?;
    let after = query.parse("cursor", "a next_cursor", |value| {
        value.parse::<SessionId>().ok()
    })?;
    let page = state
        .store
        .sessions(
            &caller.owner,
            state.clock.now(),
            query.order()?,
            after,
            limit,
        )
        .await?;
    let cursor = page.items.last().map(|session| session.id.to_string());
    let items = page.items.iter().map(SessionView::from).collect();
    Ok(web::Json(List::new(items, page.more, cursor)))
}

/// `GET /v1/sessions/{sid}`
#[utoipa::path(
    get,
    path = "/v1/sessions/{sid}",
    tag = "sessions",
    operation_id = "getSession",
    summary = "Get a session",
    description = "",
    params(
        ("sid" = Uuid, Path, description = "The session"),
    ),
    responses(
        (status = 200, description = "The session", body = SessionView),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
) -> ApiResult<web::Json<SessionView>> {
    let session = state.session(&caller, &id).await?;
    Ok(web::Json(SessionView::from(&session)))
}

/// `DELETE /v1/sessions/{sid}`
#[utoipa::path(
    delete,
    path = "/v1/sessions/{sid}",
    tag = "sessions",
    operation_id = "deleteSession",
    summary = "Delete a session",
    description = "Cancels its queued and running jobs and removes its contents.",
    params(
        ("sid" = Uuid, Path, description = "The session"),
    ),
    responses(
        (status = 204, description = "Deleted"),
    ),
)]
pub(crate) async fn delete(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = state.session(&caller, &id).await?;
    state.store.delete_session(session.id).await?;
    state.recent.remove(session.id);
    state.new_sessions.remove(session.id);
    state.system.sweep();
    Ok(HttpResponse::NoContent().finish())
}

fn parse_ttl(text: &str, longest: Duration) -> ApiResult<Duration> {
    let invalid = |detail: String| Problem::new(Code::InvalidRequest, detail);
    let ttl = humantime::parse_duration(text).map_err(|error| {
        invalid(format!(
            "ttl {text:?} is no duration such as \"30m\": {error}"
        ))
    })?;
    if ttl < MIN_TTL || ttl > longest {
        return Err(invalid(format!(
            "ttl {text:?} has to be from {} to {}",
            ShownDuration(MIN_TTL),
            ShownDuration(longest)
        )));
    }
    Ok(ttl)
}
