//! `Expect: 100-continue`: requests that would be rejected anyway are rejected before the body is
//! sent.

use actix_http::Request;
use actix_web::HttpMessage as _;
use actix_web::http::Method;

use crate::guard;
use crate::problem::ApiResult;
use crate::state::ApiState;
use crate::upload;

/// The checks that need no body. The handler repeats them.
///
/// # Errors
/// The error that the handler would return.
pub(crate) async fn check(state: &ApiState, request: &Request) -> ApiResult<()> {
    guard::check(&state.config, request.head())?;
    let path: Vec<&str> = request.path().trim_start_matches('/').split('/').collect();
    let [first, ref rest @ ..] = path[..] else {
        return Ok(());
    };
    if first != "v1" {
        return Ok(());
    }
    let caller = state.caller(request.method(), request.headers()).await?;
    let upload = request.method() == Method::PUT;
    let session = match (request.method(), rest) {
        (&Method::PUT, ["sessions", session, "datasets", _]) => {
            upload::check_size(&state.config, request.headers())?;
            session
        }
        (&Method::POST, ["sessions", session, "analyses" | "reports"]) => session,
        _ => return Ok(()),
    };
    state.session(&caller, session).await?;
    // A submission may be a repeat of an accepted one.
    if upload {
        state.has_room().await?;
    }
    Ok(())
}
