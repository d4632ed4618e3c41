//! The middleware of all requests and responses: request ids, panics, problem documents for the
//! framework's own errors, the common headers, and `Connection: close` during a shutdown.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_http::Request;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ResponseHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError, web};
use futures_util::FutureExt;
use lastcall_domain::Dependency;
use tokio::time::Instant;
use uuid::Uuid;

use crate::audit::Origin;
use crate::auth::Caller;
use crate::compress::{self, CodedBody, Coding, UnsentBody};
use crate::cors;
use crate::errors::Code;
use crate::guard;
use crate::in_flight::{Connection, GuardedBody};
use crate::problem::{ApiResult, PROBLEM_JSON, Problem};
use crate::state::ApiState;
use crate::system_events::SystemStream;
use crate::trace_context;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;
/// The target of the access log.
const ACCESS_LOG: &str = "lastcall::access";

/// The outermost middleware.
///
/// # Errors
/// A response as well, for when a panic or an error has consumed its request.
pub(crate) async fn middleware<B: MessageBody + 'static>(
    state: web::Data<ApiState>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let guard = state.in_flight.start();
    let connection = request.request().conn_data::<Arc<Connection>>().cloned();
    let upgrade = request.head().upgrade();
    let old = request.head().version < Version::HTTP_11;
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.path().to_owned();
    let proxies = &state.config.trusted_proxies;
    let client = proxies.client(request.peer_addr(), request.headers());
    let peer = client.map_or_else(|| "-".to_owned(), |client| client.to_string());
    let origin = Origin {
        client,
        request: id.clone(),
    };
    request.extensions_mut().insert(origin);
    let coding = Coding::accepted(request.headers()).filter(|_| !old);
    let only_head = method == Method::HEAD;
    let cors = cors::CorsHeaders::for_request(&state.config, request.head());
    let preflight = cors::preflight(&state.config, request.head());
    let span = trace_context::begin(&state.tracer, &path, request.headers());

    let refusal = guard::check(&state.config, request.head())
        .and_then(|()| check_connection(connection.as_deref()));
    let outcome = match (refusal, preflight) {
        (Err(problem), _) => Ok(request.error_response(problem)),
        (Ok(()), Some(answer)) => Ok(request.into_response(answer)),
        (Ok(()), None) => AssertUnwindSafe(span.run(async move { next.call(request).await }))
            .catch_unwind()
            .await
            .map(|answer| answer.map(ServiceResponse::map_into_boxed_body))
            .unwrap_or_else(|panic| {
                // Handlers make blocking calls for blobs, and to resolve the name of a host.
                if Dependency::of_panic(&*panic).is_some() {
                    let detail = "no thread can be started";
                    return Err(Problem::new(Code::BlobsUnavailable, detail)
                        .retry_after(1)
                        .into());
                }
                let scope = span.scope();
                scope.enter(|| log::error!("a handler panicked: {method} {path}, request {id:?}"));
                Err(Problem::new(Code::Internal, "the request's handler panicked").into())
            }),
    };

    let (route, owner, response) = match outcome {
        Ok(answer) => {
            let route = answer.request().match_pattern();
            let owner = owner(&answer);
            let route = route.unwrap_or_else(|| "unmatched".to_owned());
            (route, owner, Ok(answer))
        }
        Err(error) => ("failed".to_owned(), None, Err(error)),
    };
    let is_system_stream = response.as_ref().is_ok_and(|answer| {
        let extensions = answer.response().extensions();
        extensions.contains::<SystemStream>()
    });
    let finish = |head: &mut ResponseHead| {
        let (status, took) = (head.status.as_u16(), started.elapsed());
        let trace = span.sampled_trace_id();
        state
            .counters
            .http
            .answered(&method, &route, status, took, trace);
        trace_context::describe(&span, &method, &route, &path, status, client, &id);
        let level = match state.access_log.includes(status) {
            true => log::Level::Info,
            false => log::Level::Debug,
        };
        span.scope().enter(|| {
            log::log!(
                target: ACCESS_LOG,
                level,
                "{peer} {method} {path} {status} in {:.1?}, request {id:?}, owner {}",
                started.elapsed(),
                owner.as_deref().unwrap_or("-")
            );
        });
        decorate_response(head, &path, id);
        cors.write(head);
        if upgrade {
            // Nothing is upgraded. The framework closes the connection all the same, and would send
            // `upgrade` instead.
            head.set_connection_type(ConnectionType::Close);
        }
        let stopping = state.is_stopping();
        match &connection {
            Some(connection) if is_system_stream => {
                connection.carry_system_stream(&state.system_streams)
            }
            Some(connection) if stopping => connection.close(),
            _ => {}
        }
        // A connection that carries a stream of the system is used for nothing else.
        let carries_stream = connection
            .as_ref()
            .is_some_and(|one| one.carries_system_stream());
        if stopping || carries_stream {
            head.set_connection_type(ConnectionType::Close);
        }
    };
    match response {
        Ok(answer) => {
            let mut answer = with_problem_document(answer);
            if old && answer.response().body().size() == BodySize::Stream {
                // Such a client does not know chunks: the end of the connection is the end of the
                // body.
                let head = answer.response_mut().head_mut();
                head.no_chunking(true);
                head.set_connection_type(ConnectionType::Close);
            }
            finish(answer.response_mut().head_mut());
            Ok(answer.map_body(|head, body| {
                let body = coded(head, body, coding, only_head);
                match is_system_stream {
                    // The shutdown does not wait for its observers.
                    true => body,
                    false => BoxBody::new(GuardedBody::new(body, guard)),
                }
            }))
        }
        Err(error) => {
            let mut response = document_for(error.as_response_error().status_code())
                .unwrap_or_else(|| error.error_response());
            finish(response.head_mut());
            Err(actix_web::error::InternalError::from_response(error, response).into())
        }
    }
}

/// A connection that carries a stream of the system serves nothing else: later requests on it would
/// be answered only after the stream, when the process ends.
fn check_connection(connection: Option<&Connection>) -> ApiResult<()> {
    match connection {
        Some(connection) if connection.carries_system_stream() => Err(Problem::new(
            Code::Draining,
            "this connection ends with the process; ask another instance",
        )
        .retry_after(1)),
        _ => Ok(()),
    }
}

/// The owner of a request, for the access log.
fn owner<B>(answer: &ServiceResponse<B>) -> Option<String> {
    let extensions = answer.request().extensions();
    let caller = extensions.get::<Caller>()?;
    Some(format!("{:?}", caller.owner.as_str()))
}

/// The body in a coding that the client accepts, if that pays off. HEAD gets the same headers as
/// GET, and 304 is about a response that may have been coded.
fn coded(
    head: &mut ResponseHead,
    body: BoxBody,
    coding: Option<Coding>,
    only_head: bool,
) -> BoxBody {
    let unchanged = head.status == StatusCode::NOT_MODIFIED;
    if !unchanged && !compress::is_worth(head, body.size()) {
        return body;
    }
    let headers = head.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(coding) = coding else { return body };
    let coded = if unchanged {
        body
    } else {
        let coded = if only_head {
            BoxBody::new(UnsentBody)
        } else {
            match CodedBody::new(body, coding) {
                Ok(coded) => BoxBody::new(coded),
                // Out of memory: send it uncoded.
                Err(body) => return body,
            }
        };
        let name = HeaderValue::from_static(coding.as_str());
        headers.insert(header::CONTENT_ENCODING, name);
        coded
    };
    compress::weaken_tag(headers);
    coded
}

/// The response to a request that is rejected before its body. It has not passed [`middleware`].
pub(crate) fn refuse(state: &ApiState, request: &Request, problem: &Problem) -> HttpResponse {
    let mut response = problem.error_response();
    let head = response.head_mut();
    state.counters.http.answered(
        request.method(),
        "unread",
        head.status.as_u16(),
        Duration::ZERO,
        None,
    );
    decorate_response(head, request.path(), request_id(request.headers()));
    // The client may send the body all the same.
    head.set_connection_type(ConnectionType::Close);
    response
}

/// The caller's id of the request, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(X_REQUEST_ID).filter(|id| {
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    given.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("unnamed"))
    })
}

/// Adds the common headers.
fn decorate_response(head: &mut ResponseHead, path: &str, id: HeaderValue) {
    let headers = head.headers_mut();
    headers.insert(X_REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    let default = |headers: &mut HeaderMap, name, value| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    default(
        headers,
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    if path.starts_with("/v1") {
        default(headers, header::CACHE_CONTROL, "no-store");
    }
}

/// The response, with a problem document if it is an error of the framework.
fn with_problem_document(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let bare = match answer.headers().get(header::CONTENT_TYPE) {
        None => true,
        Some(kind) => kind.as_bytes().starts_with(b"text/plain"),
    };
    // Only if there is none yet, because creating one logs it.
    match bare.then(|| document_for(answer.status())).flatten() {
        Some(response) => answer.into_response(response),
        None => answer,
    }
}

fn document_for(status: StatusCode) -> Option<HttpResponse> {
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    };
    let detail = status.canonical_reason().unwrap_or("it was refused");
    debug_assert_eq!(PROBLEM_JSON, "application/problem+json");
    Some(Problem::new(code, detail).error_response())
}
