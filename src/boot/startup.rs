//! The start: builds the parts in order. Each pushes its closer.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context as _;
use lastcall_actors::{Handle, Ports, Reason, System as Tree, log_lines};
use lastcall_api::{ApiState, JobMetrics, Parts, SystemPort as _, Tls};
use lastcall_domain::trace::Tracer;
use lastcall_domain::{
    BlobError, Blobs, Clock, Feed, InstanceId, NewSessions, Profiles, Store, StoreError,
    SystemClock, Work,
};
use lastcall_engine::Engine;
use lastcall_render::{FontConfig, Renderer, Typesetter};
use lastcall_sql::Sql;
use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use super::closers::Closers;
use super::disks::LocalDisks;
use super::run_marker::RunMarker;
use super::settings;
use super::signals::{Cause, Signals};
use super::state_dir::StateDir;
use super::store_clock::StoreClock;
use super::system::System;
use super::tracer;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::logging::LogWriter;
use crate::work::{
    AnalysisWork, Compute, Conversions, Describer, Parts as Environment, ReportWork,
};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A service that is ready. What is below it is on the closers.
pub(super) struct Service {
    pub(super) tree: Handle,
    pub(super) store: Arc<dyn Store>,
    pub(super) system: Arc<System>,
    pub(super) http: Http,
    pub(super) marker: RunMarker,
    /// Held until the report is written: the next process must not begin before.
    pub(super) state_dir: Rc<StateDir>,
}

/// The HTTP server.
pub(super) struct Http {
    pub(super) address: SocketAddr,
    /// The listening socket, to close it to new connections and to nothing else.
    pub(super) socket: Socket,
    pub(super) handle: ServerHandle,
    /// The server on the address for administration, where there is one.
    pub(super) admin: Option<ServerHandle>,
    pub(super) state: actix_web::web::Data<ApiState>,
}

/// Builds every part and says that the service is ready.
///
/// # Errors
/// What is missing, and the exit code that goes with it.
///
/// # Cancel safety
/// What was built by then is on the closers.
pub(super) async fn start(
    config: &Config,
    tls: Option<&Tls>,
    signals: &Signals,
    log: &LogWriter,
    closers: &mut Closers,
) -> Result<Box<Service>, Failure> {
    let instance = InstanceId::new();
    // Closed last: it has the spans of all others.
    let tracer = tracer::start(config, instance, closers);
    let mut startup = Startup {
        config,
        tls,
        signals,
        closers,
        instance,
        tracer,
        clock: Arc::new(SystemClock),
        feed: Feed::new(),
        new_sessions: Arc::default(),
        job_metrics: JobMetrics::default(),
    };
    let base = startup.base().await?;
    // From here on it is the shutdown's sequence that closes what is built, once all of it is.
    let below = startup.closers.height();
    let tree = startup.tree(&base);
    let previous = base.marker.previous_report();
    let stops = signals.stops().clone();
    let system = Arc::new(System::new(tree.clone(), stops, previous, log.clone()));
    let http = startup.http(&base, &system).map_err(unavailable)?;
    let recovered = match base.store.recover().await {
        // The jobs are taken up when their leases are over, if there is room then.
        Err(error @ StoreError::NoSpace(_)) => {
            log::warn!("cannot recover the jobs of the previous run yet: {error}");
            0
        }
        recovered => recovered
            .context("what the previous run left cannot be taken up")
            .map_err(unavailable)?,
    };
    base.marker.ready(recovered);
    tree.ready();
    actix_rt::spawn(log_missing_nets(base.sql));
    let ready = match tls {
        Some(_) => log_lines::READY_TLS,
        None => log_lines::READY,
    };
    log::info!("{ready}{}", http.address);
    closers.hand_over(below);
    Ok(Box::new(Service {
        tree,
        store: base.store,
        system,
        http,
        marker: base.marker,
        state_dir: base.state_dir,
    }))
}

/// A start that has begun.
struct Startup<'a> {
    config: &'a Config,
    tls: Option<&'a Tls>,
    signals: &'a Signals,
    closers: &'a mut Closers,
    instance: InstanceId,
    tracer: Tracer,
    clock: Arc<dyn Clock>,
    feed: Feed,
    new_sessions: Arc<NewSessions>,
    job_metrics: JobMetrics,
}

/// What the services stand on.
struct Base {
    compute: Arc<Compute>,
    store: Arc<dyn Store>,
    state_dir: Rc<StateDir>,
    scratch: PathBuf,
    blobs: Arc<dyn Blobs>,
    listener: TcpListener,
    admin_listener: Option<TcpListener>,
    marker: RunMarker,
    engine: Arc<Engine>,
    sql: Arc<Sql>,
    typesetter: Arc<Typesetter>,
}

impl Startup<'_> {
    async fn base(&mut self) -> Result<Base, Failure> {
        let config = self.config;
        let compute = self.compute().map_err(software)?;
        let (store, state_dir) = self.store_and_state_dir().await.map_err(unavailable)?;
        let scratch = state_dir.scratch().map_err(unavailable)?;
        let blobs = open_blobs(config, &scratch).await.map_err(unavailable)?;
        let blobs = lastcall_store::shared_blobs(&*store, blobs, self.instance)
            .await
            .context("the blob store cannot be compared with that of the other replicas")
            .map_err(unavailable)?;
        if store.is_shared() {
            self.clock = Arc::new(StoreClock::new(&store));
        }
        // Addresses are taken before anything is started, so that a port in use is found early.
        let listener = bind("server.bind", config.server.bind).map_err(unavailable)?;
        let admin = config.server.admin_bind;
        let admin = admin.map(|address| bind("server.admin_bind", address));
        let admin_listener = admin.transpose().map_err(unavailable)?;
        // Only the owner of the store may say how the run before it ended.
        let marker = self.run_marker(&state_dir).map_err(unavailable)?;
        let sql = self.sql(&scratch).map_err(unavailable)?;
        let typesetter = self.typesetter(&scratch).map_err(unavailable)?;
        Ok(Base {
            engine: Arc::new(Engine::new(settings::engine_config(config, &scratch))),
            compute,
            store,
            state_dir,
            scratch,
            blobs,
            listener,
            admin_listener,
            marker,
            sql,
            typesetter,
        })
    }

    fn compute(&mut self) -> anyhow::Result<Arc<Compute>> {
        let compute = Arc::new(Compute::new(settings::compute_threads(self.config))?);
        let closed = Arc::clone(&compute);
        self.closers.push(move |until| {
            closed.shutdown(until.saturating_duration_since(Instant::now()));
            None
        });
        Ok(compute)
    }

    async fn store(&mut self) -> anyhow::Result<Arc<dyn Store>> {
        let (url, clock) = (&self.config.store_url, Arc::clone(&self.clock));
        let limits = settings::limits(self.config);
        let store = lastcall_store::open_store(url.expose(), clock, limits)
            .await
            .with_context(|| format!("store.url = {}", url.redacted_url()))?;
        let closed = Arc::clone(&store);
        self.closers.push_async("the store", || async move {
            let fault = closed.close().await.err()?;
            Some(format!("the store did not close in order: {fault}"))
        });
        Ok(store)
    }

    async fn store_and_state_dir(&mut self) -> anyhow::Result<(Arc<dyn Store>, Rc<StateDir>)> {
        match self.store().await {
            Err(error) if is_out_of_space(&error) => {
                // The scratch files of a dead process may be all that it takes.
                let state_dir = self.state_dir()?;
                state_dir.scratch()?;
                Ok((self.store().await?, state_dir))
            }
            store => Ok((store?, self.state_dir()?)),
        }
    }

    fn state_dir(&mut self) -> anyhow::Result<Rc<StateDir>> {
        let state_dir = Rc::new(StateDir::take(&self.config.state_dir)?);
        let held = Rc::clone(&state_dir);
        self.closers.push(move |_| {
            drop(held);
            None
        });
        Ok(state_dir)
    }

    fn run_marker(&mut self, state_dir: &StateDir) -> anyhow::Result<RunMarker> {
        let marker = RunMarker::begin(state_dir.path())
            .with_context(|| format!("state.dir = {}", state_dir.path().display()))?;
        let undone = marker.clone();
        self.closers.push(move |_| {
            undone.undo();
            None
        });
        Ok(marker)
    }

    fn sql(&mut self, scratch: &Path) -> anyhow::Result<Arc<Sql>> {
        let sql = Sql::new(settings::sql_config(self.config, scratch)?);
        let sql = Arc::new(sql.context("no process for queries can be kept")?);
        let closed = Arc::clone(&sql);
        self.closers
            .push_async("the processes for queries", || async move {
                closed.shutdown().await;
                None
            });
        Ok(sql)
    }

    fn typesetter(&mut self, scratch: &Path) -> anyhow::Result<Arc<Typesetter>> {
        let typesetter = Typesetter::new(settings::typesetter_config(self.config, scratch)?);
        let typesetter = Arc::new(typesetter.context("no process for PDFs can be kept")?);
        let closed = Arc::clone(&typesetter);
        self.closers
            .push_async("the processes for PDFs", || async move {
                closed.shutdown().await;
                None
            });
        Ok(typesetter)
    }

    fn tree(&mut self, base: &Base) -> Handle {
        let conversions = Arc::<Conversions>::default();
        let analysis = Arc::new(AnalysisWork {
            store: Arc::clone(&base.store),
            blobs: Arc::clone(&base.blobs),
            engine: Arc::clone(&base.engine),
            sql: Arc::clone(&base.sql),
            compute: Arc::clone(&base.compute),
            scratch: base.scratch.clone(),
            clock: Arc::clone(&self.clock),
            timeout: self.config.analysis.pool.timeout,
            conversions: Arc::clone(&conversions),
            new_sessions: Arc::clone(&self.new_sessions),
        });
        let report = {
            let (store, blobs) = (Arc::clone(&base.store), Arc::clone(&base.blobs));
            let (compute, clock) = (Arc::clone(&base.compute), Arc::clone(&self.clock));
            let (engine, typesetter) = (Arc::clone(&base.engine), Arc::clone(&base.typesetter));
            let scratch = base.scratch.clone();
            let renderer = Renderer::new(FontConfig::default()).with_scratch(&scratch);
            let renderer = Arc::new(renderer);
            move |profiles: Arc<dyn Profiles>| -> Arc<dyn Work> {
                Arc::new(ReportWork {
                    store,
                    blobs,
                    profiles,
                    renderer,
                    typesetter,
                    engine,
                    compute,
                    clock,
                    scratch,
                    conversions,
                })
            }
        };
        let ports = Ports {
            store: Arc::clone(&base.store),
            blobs: Arc::clone(&base.blobs),
            clock: Arc::clone(&self.clock),
            feed: self.feed.clone(),
            tracer: self.tracer.clone(),
            observer: Arc::new(self.job_metrics.clone()),
            environment: Arc::new(Environment {
                store: Arc::clone(&base.store),
                blobs: Arc::clone(&base.blobs),
                scratch: base.scratch.clone(),
            }),
            analysis_work: analysis.clone(),
            profile_work: analysis,
            report_work: Box::new(report),
        };
        let tree = Tree::start(settings::tree_config(self.config, self.instance), ports);
        let (started, timeline) = (tree.clone(), self.signals.timeline());
        self.closers.push_async("the services", move || async move {
            let shutdown = started.shutdown(Reason::Sigterm, timeline);
            shutdown.expedite();
            let complete = shutdown.drain().await.is_complete();
            (!complete).then(|| "the services did not end in order".to_owned())
        });
        tree
    }

    fn http(&mut self, base: &Base, system: &Arc<System>) -> anyhow::Result<Http> {
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
        // A name that is looked up cannot be given up: none is from the first signal on, so that no
        // thread is left in the end.
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

    /// Lets a server run. Where it ends by itself, the process stops.
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
            // In a shutdown this is heard by nobody, as it should be.
            stops.stop(Cause::ServerEnded(ended));
        });
        handle
    }
}

fn is_out_of_space(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::NoSpace(_)))
}

fn unavailable(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Unavailable, error)
}

fn software(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Software, error)
}

fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        std::io::Result::Ok(socket.into())
    };
    listen().with_context(|| format!("{key} = {address}"))
}

async fn open_blobs(config: &Config, scratch: &Path) -> anyhow::Result<Arc<dyn Blobs>> {
    let what = || format!("blobs.url = {}", config.blobs_url);
    let blobs = lastcall_store::open_blobs(&config.blobs_url, scratch).with_context(what)?;
    match blobs.ping().await {
        // It is there, and what is removed makes room.
        Err(error @ BlobError::NoSpace(_)) => log::warn!("{}: {error}", what()),
        pinged => pinged.with_context(what)?,
    }
    Ok(blobs)
}

/// Says which nets of the operating system a query goes without here.
async fn log_missing_nets(sql: Arc<Sql>) {
    match sql.capabilities().await {
        Ok(nets) => {
            if !nets.files {
                log::warn!("landlock unavailable: file access is restricted by plan checks only");
            }
            if !nets.system_calls {
                log::warn!("seccomp unavailable: network access is restricted by plan checks only");
            }
        }
        Err(error) => log::warn!("cannot start a process for queries: {error}"),
    }
}
