//! Starts the HTTP servers.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context as _;
use lastcall_api::{ApiState, Parts, SystemPort as _};
use socket2::{Domain, Socket, Type};

use super::super::disks::LocalDisks;
use super::super::settings;
use super::super::signals::Cause;
use super::super::system::System;
use super::{Base, Startup};
use crate::work::Describer;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The HTTP server.
pub(in crate::boot) struct Http {
    pub(in crate::boot) address: SocketAddr,
    /// The listening socket, which is closed to new connections first.
    pub(in crate::boot) socket: Socket,
    pub(in crate::boot) handle: ServerHandle,
    /// The server on the administration address, if there is one.
    pub(in crate::boot) admin: Option<ServerHandle>,
    pub(in crate::boot) state: actix_web::web::Data<ApiState>,
}

impl Startup<'_> {
    /// Starts the HTTP servers.
    pub(super) fn http(&mut self, base: &Base, system: &Arc<System>) -> anyhow::Result<Http> {
        let parts = Parts {
            store: Arc::clone(&base.store),
            blobs: Arc::clone(&base.blobs),
            feed: self.feed.clone(),
            clock: Arc::clone(&self.clock),
            system: Arc::<System>::clone(system),
            disks: Arc::new(LocalDisks::new(self.config, &base.scratch)),
            describe: Arc::new(Describer {
                blobs: Arc::clone(&base.blobs),
                engine: Arc::clone(&base.engine),
                compute: Arc::clone(&base.compute),
            }),
            new_sessions: Arc::clone(&self.new_sessions),
            tracer: self.tracer.clone(),
            job_metrics: self.job_metrics.clone(),
        };
        let state = ApiState::new(
            parts,
            settings::api_config(self.config, self.instance, self.tls.cloned()),
        );
        let state = actix_web::web::Data::new(state);
        // A name lookup cannot be cancelled: none is started after the first signal, so that no
        // thread is left at the end.
        let (refresh, stopping) = (state.refresh_token_keys(), system.stopping());
        actix_rt::spawn(async move {
            tokio::select! {
                () = refresh => {}
                () = stopping => {}
            }
        });
        let mut admin = None;
        if let Some(listener) = &base.admin_listener {
            let server = lastcall_api::admin_server(state.clone(), listener.try_clone()?)?;
            admin = Some(self.serve(server));
            log::info!("administration on http://{}", listener.local_addr()?);
        }
        let server = lastcall_api::server(state.clone(), base.listener.try_clone()?)?;
        Ok(Http {
            address: base.listener.local_addr()?,
            socket: base.listener.try_clone()?.into(),
            handle: self.serve(server),
            admin,
            state,
        })
    }

    /// Runs a server. If it ends by itself, the process stops.
    fn serve(&mut self, server: Server) -> ServerHandle {
        let handle = server.handle();
        let closed = handle.clone();
        self.closers
            .push_async("the HTTP server", move || async move {
                closed.stop(false).await;
                None
            });
        let stops = self.signals.stops().clone();
        actix_rt::spawn(async move {
            let ended = match server.await {
                Ok(()) => "the HTTP server ended".to_owned(),
                Err(error) => format!("the HTTP server failed: {error}"),
            };
            // Ignored during a shutdown, as it should be.
            stops.stop(Cause::ServerEnded(ended));
        });
        handle
    }
}

/// Binds a listener to `address`, the value of `key`.
pub(super) fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        std::io::Result::Ok(socket.into())
    };
    listen().with_context(|| format!("{key} = {address}"))
}
