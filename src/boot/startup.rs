//! The start: builds the parts in order, and pushes a closer for each.

mod http;
mod tree;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;
use lastcall_actors::{Handle, log_lines};
use lastcall_api::{JobMetrics, Tls};
use lastcall_domain::trace::Tracer;
use lastcall_domain::{
    BlobError, Blobs, Clock, Feed, InstanceId, NewSessions, Store, StoreError, SystemClock,
};
use lastcall_engine::Engine;
use lastcall_render::Typesetter;
use lastcall_sql::Sql;
use tokio::time::Instant;

use super::closers::Closers;
use super::run_marker::RunMarker;
use super::settings;
use super::signals::Signals;
use super::state_dir::StateDir;
use super::store_clock::StoreClock;
use super::system::System;
use super::tracer;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::logging::LogWriter;
use crate::work::Compute;
pub(super) use http::Http;
use http::bind;

/// A service that is ready. The parts below it are on the closers.
pub(super) struct Service {
    pub(super) tree: Handle,
    pub(super) store: Arc<dyn Store>,
    pub(super) system: Arc<System>,
    pub(super) http: Http,
    pub(super) marker: RunMarker,
    /// Held until the report is written, so that the next process does not start before.
    pub(super) state_dir: Rc<StateDir>,
}

/// Builds every part and announces that the service is ready.
///
/// # Errors
/// What failed, and its exit code.
///
/// # Cancel safety
/// What has been built is on the closers.
pub(super) async fn start(
    config: &Config,
    tls: Option<&Tls>,
    signals: &Signals,
    log: &LogWriter,
    closers: &mut Closers,
) -> Result<Box<Service>, Failure> {
    let instance = InstanceId::new();
    // Closed last: it exports the spans of all others.
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
    // Once everything is built, the shutdown sequence closes what follows.
    let below = startup.closers.height();
    let tree = startup.tree(&base);
    let previous = base.marker.previous_report();
    let stops = signals.stops().clone();
    let system = Arc::new(System::new(tree.clone(), stops, previous, log.clone()));
    let http = startup.http(&base, &system).map_err(unavailable)?;
    let recovered = match base.store.recover().await {
        // The jobs are recovered when their leases expire, if there is room then.
        Err(error @ StoreError::NoSpace(_)) => {
            log::warn!("cannot recover the jobs of the previous run yet: {error}");
            0
        }
        recovered => recovered
            .context("cannot recover the jobs of the previous run")
            .map_err(unavailable)?,
    };
    base.marker.ready(recovered);
    tree.ready();
    actix_rt::spawn(log_missing_sandbox(base.sql));
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

/// The parts that the services use.
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
            .context("cannot compare the blob store with that of the other replicas")
            .map_err(unavailable)?;
        if store.is_shared() {
            self.clock = Arc::new(StoreClock::new(&store));
        }
        // Addresses are bound before anything is started, so that a port in use is found early.
        let listener = bind("server.bind", config.server.bind).map_err(unavailable)?;
        let admin = config.server.admin_bind;
        let admin = admin.map(|address| bind("server.admin_bind", address));
        let admin_listener = admin.transpose().map_err(unavailable)?;
        // Only the owner of the store may report how the previous run ended.
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
                // Removing the scratch files of a dead process may make enough room.
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
        let sql = Arc::new(sql.context("cannot set up the processes for queries")?);
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
        let typesetter = Arc::new(typesetter.context("cannot set up the processes for PDFs")?);
        let closed = Arc::clone(&typesetter);
        self.closers
            .push_async("the processes for PDFs", || async move {
                closed.shutdown().await;
                None
            });
        Ok(typesetter)
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

async fn open_blobs(config: &Config, scratch: &Path) -> anyhow::Result<Arc<dyn Blobs>> {
    let what = || format!("blobs.url = {}", config.blobs_url);
    let blobs = lastcall_store::open_blobs(&config.blobs_url, scratch).with_context(what)?;
    match blobs.ping().await {
        // It responds, and removals make room.
        Err(error @ BlobError::NoSpace(_)) => log::warn!("{}: {error}", what()),
        pinged => pinged.with_context(what)?,
    }
    Ok(blobs)
}

/// Logs which sandbox features queries lack here.
async fn log_missing_sandbox(sql: Arc<Sql>) {
    match sql.capabilities().await {
        Ok(capabilities) => {
            if !capabilities.files {
                log::warn!("landlock unavailable: file access is restricted by plan checks only");
            }
            if !capabilities.system_calls {
                log::warn!("seccomp unavailable: network access is restricted by plan checks only");
            }
        }
        Err(error) => log::warn!("cannot start a process for queries: {error}"),
    }
}
