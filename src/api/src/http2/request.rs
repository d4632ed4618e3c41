//! Converts requests of HTTP/2 for the handlers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_http::Request;
use actix_http::error::PayloadError;
use actix_web::dev::Payload;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri, Version};
use bytes::Bytes;
use futures_util::Stream;
use h2::RecvStream;

/// The request; `None` if HTTP/1.1 could not express it.
pub(super) fn convert(
    request: http::Request<RecvStream>,
    peer: Option<SocketAddr>,
) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let payload: Payload = if body.is_end_stream() {
        Payload::None
    } else {
        let payload: Pin<Box<dyn Stream<Item = _>>> = Box::pin(Body(body));
        Payload::Stream { payload }
    };
    let mut converted = Request::with_payload(payload);
    let head = converted.head_mut();
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    head.uri = target.parse::<Uri>().ok()?;
    head.version = Version::HTTP_2;
    head.peer_addr = peer;
    head.headers = headers(&parts.headers)?;
    // The authority, if there is one, replaces the host, which checks rely on.
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        head.headers.insert(HOST, host);
    }
    Some(converted)
}

fn headers(given: &http::HeaderMap) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some(headers)
}

/// The body. Reading releases window for more.
struct Body(RecvStream);

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let failed = |error: h2::Error| PayloadError::Incomplete(Some(io::Error::other(error)));
        Poll::Ready(match ready!(self.0.poll_data(context)) {
            Some(Ok(chunk)) => {
                let released = self.0.flow_control().release_capacity(chunk.len());
                Some(released.map(|()| chunk).map_err(failed))
            }
            Some(Err(error)) => Some(Err(failed(error))),
            None => None,
        })
    }
}
