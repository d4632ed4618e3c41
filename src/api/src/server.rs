//! The HTTP servers.
//!
//! actix-web's own builder has neither a bound on writing nor checks before `100 Continue`: its app
//! is put on actix-http's service here, over a [`Socket`], and with TLS on [`http2`] as well.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request, Response};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactoryExt as _, fn_factory, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server, ServiceFactory};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use futures_util::future::LocalBoxFuture;
use lastcall_domain::mark_arbiter;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::expect;
use crate::http2::{self, Timeouts};
use crate::in_flight::Connection;
use crate::middleware::{middleware, refuse};
use crate::routes;
use crate::socket::Socket;
use crate::state::ApiState;
use crate::tls::{HTTP_2, Tls};
use crate::transport::Transport;

/// Threads on which one HTTP thread decodes, hashes and writes uploads.
const BLOCKING_THREADS: usize = 8;
/// How long the headers of a request may take, and before them the handshakes of TLS and HTTP/2.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The same on the administration address, where few connections are enough.
const ADMIN_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Connections to that address.
const ADMIN_CONNECTIONS: usize = 256;
/// How long a client may take to close a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// With at least this many connections per thread, all threads are used.
const ENOUGH_EACH: usize = 64;

/// The server on `listener`; it serves once it is polled, and does not handle signals.
///
/// # Errors
/// If the listener cannot be used.
pub fn server(state: web::Data<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let config = &state.config;
    let (workers, each) = share(config.max_connections, config.workers);
    let tls = config.tls.clone();
    let settings = Settings {
        tls,
        workers,
        connections: each,
        keep_alive: KEEP_ALIVE,
        cuts: true,
    };
    start(state, listener, settings, routes::all)
}

/// The server for health, metrics and `/v1/system` alone. It has its own thread and connections, so
/// it responds whatever the other one does. It is for probes within a cluster, without TLS.
///
/// # Errors
/// If the listener cannot be used.
pub fn admin_server(state: web::Data<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let settings = Settings {
        tls: None,
        workers: 1,
        connections: ADMIN_CONNECTIONS,
        keep_alive: ADMIN_KEEP_ALIVE,
        cuts: false,
    };
    start(state, listener, settings, routes::admin)
}

/// The differences between the two servers.
#[derive(Clone)]
struct Settings {
    tls: Option<Tls>,
    workers: usize,
    /// Connections of each of them.
    connections: usize,
    keep_alive: Duration,
    /// Whether its connections are cut once the requests in progress are finished.
    cuts: bool,
}

fn start(
    state: web::Data<ApiState>,
    listener: TcpListener,
    settings: Settings,
    routes: fn(&mut web::ServiceConfig),
) -> std::io::Result<Server> {
    let shutdown = state.config.shutdown_timeout.as_secs_f64().ceil() as u64;
    let server = Server::build()
        .workers(settings.workers)
        .max_concurrent_connections(settings.connections)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(shutdown)
        .disable_signals()
        .listen("http", listener, move || {
            service(state.clone(), settings.clone(), routes)
        })?;
    Ok(server.run())
}

/// What each thread does with its connections.
fn service(
    state: web::Data<ApiState>,
    settings: Settings,
    routes: fn(&mut web::ServiceConfig),
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = (), Error = DispatchError>
{
    // Called by each of the server's threads.
    mark_arbiter();
    let (shared, asked) = (state.clone().into_inner(), state.clone().into_inner());
    let app = || {
        let app = App::new()
            .app_data(state.clone())
            .configure(routes)
            .wrap(from_fn(middleware))
            .into_factory()
            .map_err(|error: actix_web::Error| error.error_response());
        map_config(app, |()| AppConfig::default())
    };
    let http1 = HttpService::build()
        .keep_alive(settings.keep_alive)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .expect(fn_service(move |request: Request| {
            let state = Arc::clone(&asked);
            async move {
                match expect::check(&state, &request).await {
                    Ok(()) => Ok(request),
                    Err(problem) => Err(Response::<BoxBody>::from(refuse(
                        &state, &request, &problem,
                    ))),
                }
            }
        }))
        .on_connect_ext(|transport: &Transport, data| {
            data.insert(Arc::clone(transport.connection()));
        })
        .h1(app());
    let http2 = app();
    fn_factory(move || {
        let (http1, http2) = (http1.new_service(()), http2.new_service(()));
        let tls = settings.tls.as_ref().map(Tls::acceptor);
        let state = Arc::clone(&shared);
        async move {
            Ok(Connections {
                http1: Rc::new(http1.await?),
                http2: Rc::new(http2.await?),
                tls,
                state,
                keep_alive: settings.keep_alive,
                cuts: settings.cuts,
            })
        }
    })
}

/// Serves connections, each with the protocol that its client negotiates.
struct Connections<H1, H2> {
    http1: Rc<H1>,
    http2: Rc<H2>,
    tls: Option<TlsAcceptor>,
    state: Arc<ApiState>,
    keep_alive: Duration,
    cuts: bool,
}

impl<H1, H2> Service<TcpStream> for Connections<H1, H2>
where
    H1: Service<(Transport, Option<SocketAddr>), Response = (), Error = DispatchError> + 'static,
    H2: Service<Request> + 'static,
    H2::Response: Into<Response<BoxBody>>,
    H2::Error: Into<Response<BoxBody>>,
{
    type Response = ();
    type Error = DispatchError;
    type Future = LocalBoxFuture<'static, Result<(), DispatchError>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), DispatchError>> {
        self.http1.poll_ready(context)
    }

    fn call(&self, stream: TcpStream) -> Self::Future {
        let (http1, http2) = (Rc::clone(&self.http1), Rc::clone(&self.http2));
        let (state, tls) = (Arc::clone(&self.state), self.tls.clone());
        let timeouts = Timeouts {
            handshake: HEAD_TIMEOUT,
            keep_alive: self.keep_alive,
            disconnect: DISCONNECT_TIMEOUT,
        };
        let cuts = self.cuts;
        let connection = Arc::new(Connection::new(state.in_flight.clone()));
        let (served, serving) = (Arc::clone(&connection), Arc::clone(&state));
        let serve = async move {
            let peer = stream.peer_addr().ok();
            let socket = Socket::new(stream, Arc::clone(&serving));
            let Some(tls) = tls else {
                let transport = Transport::new(socket, &served);
                return http1.call((transport, peer)).await;
            };
            let Some(secured) = handshake(&tls, socket).await else {
                return Ok(());
            };
            let is_http2 = secured.get_ref().1.alpn_protocol() == Some(HTTP_2);
            let transport = Transport::new(secured, &served);
            if !is_http2 {
                return http1.call((transport, peer)).await;
            }
            if let Err(error) = http2::serve(transport, peer, &http2, &serving, timeouts).await {
                log::debug!("a connection of HTTP/2 ended: {error}");
            }
            Ok(())
        };
        Box::pin(async move {
            tokio::select! {
                served = serve => served,
                () = state.cut(&connection), if cuts => Ok(()),
            }
        })
    }
}

/// Performs the TLS handshake; `None` if the client does not speak TLS, or takes too long.
async fn handshake(tls: &TlsAcceptor, socket: Socket) -> Option<TlsStream<Socket>> {
    match timeout(HEAD_TIMEOUT, tls.accept(socket)).await {
        Ok(Ok(secured)) => return Some(secured),
        // Anybody who can reach the port can cause this.
        Ok(Err(error)) => log::debug!("no TLS with a client: {error}"),
        Err(_) => log::debug!("no TLS with a client within {HEAD_TIMEOUT:?}"),
    }
    None
}

/// The number of threads, and of connections for each: never more than `connections` in total, and
/// exactly as many if they are few.
fn share(connections: usize, workers: usize) -> (usize, usize) {
    let connections = connections.max(1);
    let fair = |workers: &usize| {
        connections.is_multiple_of(*workers) || connections / workers >= ENOUGH_EACH
    };
    let workers = (1..=workers.max(1)).rev().find(fair).unwrap_or(1);
    (workers, connections / workers)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn threads_share_the_connections_and_few_connections_exactly() {
        for (connections, workers) in [(0, 2), (1, 4), (3, 2), (10, 4), (63, 8)] {
            let (threads, each) = share(connections, workers);
            assert_eq!(threads * each, connections.max(1), "{connections}");
            assert!((1..=workers).contains(&threads), "{connections}");
        }
        for connections in [10_000, 9_973, 1_001] {
            let (threads, each) = share(connections, 8);
            assert_eq!(threads, 8);
            assert!(threads * each <= connections && threads * each > connections - 8);
        }
    }
}
