//! The server on its listener.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

use crate::edge::edge;
use crate::load::Connection;
use crate::routes::configure;
use crate::state::ApiState;

/// Threads on which one HTTP thread decodes, hashes and writes uploads.
const BLOCKING_THREADS: usize = 8;
/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to close a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The server on `listener`; it serves once it is polled, and leaves signals alone.
///
/// # Errors
/// Where the listener cannot be used.
pub fn server(state: web::Data<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let config = &state.config;
    let (workers, connections) = (config.workers.max(1), config.max_connections.max(1));
    let shutdown = config.shutdown_timeout.as_secs_f64().ceil() as u64;
    let load = state.load.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(configure)
            .wrap(from_fn(edge))
    })
    .on_connect(move |_, data| {
        data.insert(Arc::new(Connection::new(load.clone())));
    })
    .workers(workers)
    .max_connections(connections)
    .worker_max_blocking_threads(BLOCKING_THREADS)
    .client_request_timeout(HEAD_TIMEOUT)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(shutdown)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}
