//! Cached results: the same analysis of the same bytes is not computed again.

use actix_web::HttpRequest;
use actix_web::http::header;
use lastcall_domain::store::JobResult;
use lastcall_domain::{ContentKey, JobSpec, Session};

use crate::state::ApiState;

/// The result of the same analysis, where one is there. Whatever is wrong on the way, the analysis
/// is made again.
pub(crate) async fn find(
    state: &ApiState,
    session: &Session,
    request: &HttpRequest,
    spec: &JobSpec,
) -> Option<JobResult> {
    if state.new_sessions.contains(session.id) || wants_anew(request) {
        return None;
    }
    let key = ContentKey::of(&*state.store, session.id, spec).await?;
    let id = state.store.answer_to(&key).await.ok()??;
    let result = state.store.result(id).await.ok()??;
    Some(JobResult {
        // The first one is found by it.
        content_key: None,
        ..result
    })
}

/// Whether the caller wants no answer that was made before.
fn wants_anew(request: &HttpRequest) -> bool {
    let said = request.headers().get_all(header::CACHE_CONTROL);
    let said = said.filter_map(|value| value.to_str().ok());
    let mut directives = said.flat_map(|value| value.split(',')).map(str::trim);
    directives
        .any(|said| said.eq_ignore_ascii_case("no-cache") || said.eq_ignore_ascii_case("no-store"))
}
