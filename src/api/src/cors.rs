//! Cross-origin requests from the origins in `server.cors_origins`.

use actix_web::HttpResponse;
use actix_web::dev::{RequestHead, ResponseHead};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};

use crate::config::ApiConfig;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str = "Authorization, Cache-Control, Content-Digest, Content-Encoding, \
                               Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, \
                               X-Request-Id";
const ANSWER_HEADERS: &str = "Content-Disposition, ETag, Idempotent-Replayed, Location, \
                              Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, \
                              X-Request-Id";
/// For how many seconds a browser may cache a preflight.
const MAX_AGE: &str = "600";

/// Whether pages of this origin may use the service.
pub(crate) fn allows(config: &ApiConfig, origin: &str) -> bool {
    let mut allowed = config.cors_origins.iter();
    allowed.any(|allowed| allowed == origin || allowed == "*")
}

/// The origin of a request, if it is allowed.
fn allowed_origin(config: &ApiConfig, request: &RequestHead) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    allows(config, origin.to_str().ok()?).then(|| origin.clone())
}

/// The response to a preflight request.
pub(crate) fn preflight(config: &ApiConfig, request: &RequestHead) -> Option<HttpResponse> {
    let asks = request.method == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    allowed_origin(config, request)?;
    let mut answer = HttpResponse::NoContent();
    answer
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    Some(answer.finish())
}

/// The CORS headers of a response.
pub(crate) struct CorsHeaders {
    origin: Option<HeaderValue>,
    varies: bool,
}

impl CorsHeaders {
    /// The headers of the response to this request.
    pub(crate) fn for_request(config: &ApiConfig, request: &RequestHead) -> Self {
        Self {
            origin: allowed_origin(config, request),
            varies: !config.cors_origins.is_empty(),
        }
    }

    /// Adds the headers.
    pub(crate) fn write(self, head: &mut ResponseHead) {
        let headers = head.headers_mut();
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = self.origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(ANSWER_HEADERS),
            );
        }
    }
}
