//! One connection that speaks HTTP/2.
//!
//! actix-http's own dispatcher bounds neither the requests of a connection nor their headers, lets
//! a client that grants no window wait forever, and ends connections without `GOAWAY`. Here a
//! connection has the same bounds as in HTTP/1.1, and a shutdown loses none of its requests.

mod open;
mod request;
mod stream;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::body::BoxBody;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use h2::Reason;
use h2::server::Builder;
use tokio::time::{Instant, sleep, timeout};

use open::Open;
use stream::Responder;

use crate::state::{ApiState, Closing};
use crate::transport::Transport;

/// The most concurrent requests of one connection.
const MAX_STREAMS: u32 = 64;
/// The largest headers of a request, in bytes.
const MAX_HEAD: u32 = 64 * 1024;
/// How much a client may send ahead of what is read, for one request and for all of a connection.
const RECEIVE_WINDOW: u32 = 1024 * 1024;
/// How much of one response is buffered until the client reads it.
const SEND_BUFFER: usize = 64 * 1024;

/// How long a client may take.
#[derive(Clone, Copy)]
pub(crate) struct Timeouts {
    /// For the handshake.
    pub(crate) handshake: Duration,
    /// Without requests.
    pub(crate) keep_alive: Duration,
    /// To close a connection after `GOAWAY`.
    pub(crate) disconnect: Duration,
}

/// Serves the connection until it is closed. Its remaining requests are dropped with it.
///
/// # Errors
/// If the client violates the protocol, or takes too long.
pub(crate) async fn serve<S>(
    transport: Transport,
    peer: Option<SocketAddr>,
    app: &Rc<S>,
    state: &Arc<ApiState>,
    timeouts: Timeouts,
) -> Result<(), h2::Error>
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
{
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD)
        .initial_window_size(RECEIVE_WINDOW)
        .initial_connection_window_size(RECEIVE_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    let known = Arc::clone(transport.connection());
    let handshake = builder.handshake::<_, Bytes>(transport);
    let Ok(connection) = timeout(timeouts.handshake, handshake).await else {
        return Ok(());
    };
    let mut connection = connection?;
    // The shutdown waits for it until it is closed.
    let open = Open::new(state.connections.start());
    let mut streams = FuturesUnordered::new();
    // Whether it has had a request.
    let mut used = false;
    let mut idle = Box::pin(sleep(timeouts.keep_alive));
    let mut stopping = state.system.stopping();
    let mut closing = state.closing.subscribe();
    loop {
        let closes = tokio::select! {
            Some(()) = streams.next() => {
                let until = if open.is_closing() { timeouts.disconnect } else { timeouts.keep_alive };
                idle.as_mut().reset(Instant::now() + until);
                false
            }
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, mut respond) = accepted?;
                used = true;
                if known.carries_system_stream() && *state.closing.borrow() != Closing::Open {
                    // It only remains for its streams of the system. The client may retry
                    // elsewhere: nothing of the request was processed.
                    respond.send_reset(Reason::REFUSED_STREAM);
                } else {
                    let responder = Responder {
                        begun: open.begin(),
                        peer,
                        app: Rc::clone(app),
                        state: Arc::clone(state),
                        known: Arc::clone(&known),
                    };
                    streams.push(responder.send(request, respond));
                }
                false
            }
            () = &mut idle, if streams.is_empty() => {
                if open.is_closing() {
                    return Ok(());
                }
                true
            }
            // A new connection gets one request answered first, as in HTTP/1.1.
            () = &mut stopping, if !open.is_closing() && used => true,
            _ = closing.wait_for(|closing| *closing != Closing::Open), if !open.is_closing() => true,
        };
        if closes {
            // Sends `GOAWAY`. What the client sent before it received that is answered.
            connection.graceful_shutdown();
            open.set_closing();
            idle.as_mut().reset(Instant::now() + timeouts.disconnect);
        }
    }
}
