//! The HTTP servers.
//!
//! actix-web's own builder offers neither a bound on writing nor checks before `100 Continue`:
//! its app is put on actix-http's service here, over a [`Socket`].

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Request, Response};
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server, ServiceFactory};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use lastcall_domain::mark_arbiter;

use crate::expect;
use crate::in_flight::Connection;
use crate::middleware::{middleware, refuse};
use crate::routes;
use crate::socket::Socket;
use crate::state::ApiState;

/// Threads on which one HTTP thread decodes, hashes and writes uploads.
const BLOCKING_THREADS: usize = 8;
/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The same on the address for administration, where few connections are enough.
const ADMIN_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Connections to that address.
const ADMIN_CONNECTIONS: usize = 256;
/// How long a client may take to close a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// From so many connections per thread on, a remainder is not worth a thread less.
const ENOUGH_EACH: usize = 64;

/// The server on `listener`; it serves once it is polled, and leaves signals alone.
///
/// # Errors
/// Where the listener cannot be used.
pub fn server(state: web::Data<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let config = &state.config;
    let (workers, each) = share(config.max_connections, config.workers);
    start(state, listener, workers, each, KEEP_ALIVE, routes::all)
}

/// The server for health, metrics and `/v1/system` alone. Its thread and its connections are its
/// own: it answers whatever the other one does.
///
/// # Errors
/// Where the listener cannot be used.
pub fn admin_server(state: web::Data<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let keep_alive = ADMIN_KEEP_ALIVE;
    start(
        state,
        listener,
        1,
        ADMIN_CONNECTIONS,
        keep_alive,
        routes::admin,
    )
}

fn start(
    state: web::Data<ApiState>,
    listener: TcpListener,
    workers: usize,
    connections: usize,
    keep_alive: Duration,
    routes: fn(&mut web::ServiceConfig),
) -> std::io::Result<Server> {
    let shutdown = state.config.shutdown_timeout.as_secs_f64().ceil() as u64;
    let server = Server::build()
        .workers(workers)
        .max_concurrent_connections(connections)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(shutdown)
        .disable_signals()
        .listen("http", listener, move || {
            service(state.clone(), keep_alive, routes)
        })?;
    Ok(server.run())
}

/// What each thread does with its connections.
fn service(
    state: web::Data<ApiState>,
    keep_alive: Duration,
    routes: fn(&mut web::ServiceConfig),
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = (),
    InitError = (),
    Error = actix_http::error::DispatchError,
> {
    // It is called by each of the server's threads.
    mark_arbiter();
    let (shared, asked) = (state.clone().into_inner(), state.clone().into_inner());
    let load = state.load.clone();
    let app = App::new()
        .app_data(state)
        .configure(routes)
        .wrap(from_fn(middleware));
    let app = actix_service::IntoServiceFactory::into_factory(app)
        .map_err(|error: actix_web::Error| error.error_response());
    let http = HttpService::build()
        .keep_alive(keep_alive)
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
        .on_connect_ext(move |_: &Socket, data| {
            data.insert(Arc::new(Connection::new(load.clone())));
        })
        .h1(map_config(app, |()| AppConfig::default()));
    fn_service(move |stream: TcpStream| {
        let peer = stream.peer_addr().ok();
        std::future::ready(Ok((Socket::new(stream, Arc::clone(&shared)), peer)))
    })
    .and_then(http)
}

/// How many threads there are, and how many connections each of them serves: never more than
/// `connections` together, and exactly as many where they are few.
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
