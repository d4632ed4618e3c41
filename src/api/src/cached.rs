//! Cached results: the same analysis of the same bytes is not computed again.

use actix_web::HttpRequest;
use actix_web::http::header;
use lastcall_domain::store::JobResult;
use lastcall_domain::{ContentKey, JobSpec, Session};

use crate::state::ApiState;

/// The existing result of the same analysis, if there is one. On any failure the analysis is
/// computed again.
pub(crate) async fn find(
    state: &ApiState,
    session: &Session,
    request: &HttpRequest,
    spec: &JobSpec,
) -> Option<JobResult> {
    if state.new_sessions.contains(session.id) || bypasses_cache(request) {
        return None;
    }
    let key = ContentKey::of(&*state.store, session.id, spec).await?;
    let id = state.store.answer_to(&key).await.ok()??;
    state.store.result(id).await.ok()?
}

/// Whether the caller rejects cached results.
fn bypasses_cache(request: &HttpRequest) -> bool {
    let directive = request.headers().get_all(header::CACHE_CONTROL);
    let directive = directive.filter_map(|value| value.to_str().ok());
    let mut directives = directive.flat_map(|value| value.split(',')).map(str::trim);
    directives.any(|directive| {
        directive.eq_ignore_ascii_case("no-cache") || directive.eq_ignore_ascii_case("no-store")
    })
}
