//! One request of a connection, and its response.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ResponseHead;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HttpDate};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};

use super::open::OpenRequest;
use super::request;
use crate::expect;
use crate::in_flight::Connection;
use crate::middleware::refuse;
use crate::stall::Stall;
use crate::state::{ApiState, Closing};
use crate::system_events::SystemStream;

/// The most bytes that are passed to the connection at once.
const CHUNK: usize = 16 * 1024;

/// Answers a request.
pub(super) struct Responder<S> {
    pub(super) begun: OpenRequest,
    pub(super) peer: Option<SocketAddr>,
    pub(super) app: Rc<S>,
    pub(super) state: Arc<ApiState>,
    /// Its connection.
    pub(super) known: Arc<Connection>,
}

impl<S> Responder<S>
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
{
    /// Answers the request. The response is dropped if the client resets it or reads nothing for
    /// too long, or once the connections are cut, unless it is a stream of the system.
    pub(super) async fn send(
        self,
        request: http::Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) {
        let cut = async {
            let mut closing = self.state.closing.subscribe();
            // An error means that the process ends.
            let _ = closing.wait_for(|closing| *closing == Closing::Cut).await;
            if self.begun.is_system_stream() {
                std::future::pending().await
            }
        };
        tokio::select! {
            () = answer(&self, request, respond) => {}
            () = cut => {}
        }
    }
}

async fn answer<S>(
    by: &Responder<S>,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
{
    let state = &by.state;
    let only_head = request.method() == http::Method::HEAD;
    let Some(request) = request::convert(request, by.peer) else {
        respond.send_reset(Reason::PROTOCOL_ERROR);
        return;
    };
    let response = match expected(&request, &mut respond, state).await {
        Some(refused) => refused,
        None => tokio::select! {
            _ = poll_fn(|context| respond.poll_reset(context)) => return,
            answered = by.app.call(request) => answered.map_or_else(Into::into, Into::into),
        },
    };
    if response.extensions().contains::<SystemStream>() {
        by.known.carry_system_stream(&state.system_streams);
        by.begun.set_system_stream();
    }
    let (response, mut body) = response.into_parts();
    let size = match response.status() {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => BodySize::None,
        _ => body.size(),
    };
    let ends = only_head || size.is_eof();
    let head = convert(response.head(), size);
    let Ok(mut stream) = respond.send_response(head, ends) else {
        return;
    };
    if ends {
        return;
    }
    let mut body = std::pin::Pin::new(&mut body);
    let mut stall = Stall::new(Arc::clone(state));
    loop {
        let chunk = tokio::select! {
            _ = poll_fn(|context| stream.poll_reset(context)) => return,
            chunk = poll_fn(|context| body.as_mut().poll_next(context)) => chunk,
        };
        match chunk {
            Some(Ok(chunk)) => {
                if send(&mut stream, &mut stall, chunk).await.is_none() {
                    return;
                }
            }
            Some(Err(error)) => {
                log::debug!("a response was cut short: {error}");
                return stream.send_reset(Reason::INTERNAL_ERROR);
            }
            None => {
                // An error means that the client is gone.
                let _ = stream.send_data(Bytes::new(), true);
                return;
            }
        }
    }
}

/// Sends `100 Continue` if the client waits for it; returns the response if the request is rejected
/// instead.
async fn expected(
    request: &Request,
    respond: &mut SendResponse<Bytes>,
    state: &ApiState,
) -> Option<Response<BoxBody>> {
    let asks = request.headers().get(header::EXPECT);
    asks.filter(|asks| asks.as_bytes().eq_ignore_ascii_case(b"100-continue"))?;
    if let Err(problem) = expect::check(state, request).await {
        return Some(refuse(state, request, &problem).into());
    }
    let mut interim = http::Response::new(());
    *interim.status_mut() = http::StatusCode::CONTINUE;
    // An error means that the client is gone.
    let _ = respond.send_informational(interim);
    None
}

/// Sends the whole chunk as the client grants window for it; `None` if it never will.
async fn send(stream: &mut SendStream<Bytes>, stall: &mut Stall, mut chunk: Bytes) -> Option<()> {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len().min(CHUNK));
        let Some(room) = poll_fn(|context| poll_room(stream, stall, context)).await else {
            stream.send_reset(Reason::CANCEL);
            return None;
        };
        let piece = chunk.split_to(room.min(chunk.len()));
        stream.send_data(piece, false).ok()?;
    }
    Some(())
}

fn poll_room(
    stream: &mut SendStream<Bytes>,
    stall: &mut Stall,
    context: &mut Context<'_>,
) -> Poll<Option<usize>> {
    match stream.poll_capacity(context) {
        Poll::Ready(Some(Ok(room))) => {
            stall.progressed();
            Poll::Ready(Some(room))
        }
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => stall.poll_timeout(context).map(|_| None),
    }
}

/// The headers for HTTP/2, without those about connections of HTTP/1.1.
fn convert(given: &ResponseHead, size: BodySize) -> http::Response<()> {
    const OF_CONNECTIONS: [&str; 5] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    let mut converted = http::Response::new(());
    *converted.status_mut() = http::StatusCode::from_u16(given.status.as_u16()).unwrap_or_default();
    let headers = converted.headers_mut();
    for (name, value) in given.headers() {
        let length = name == header::CONTENT_LENGTH;
        if length || OF_CONNECTIONS.contains(&name.as_str()) {
            continue;
        }
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    if let BodySize::Sized(length) = size {
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    let now = HttpDate::from(SystemTime::now()).to_string();
    if let Ok(now) = http::HeaderValue::from_str(&now) {
        headers.entry(http::header::DATE).or_insert(now);
    }
    converted
}
