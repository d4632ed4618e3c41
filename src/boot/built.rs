//! The way up: the parts in the order in which they are built.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use anyhow::{Context as _, anyhow};
use lastcall_actors::shutdown::PreviousRun;
use lastcall_actors::{
    CleanerConfig, Config as TreeConfig, Handle, PoolConfig, Ports, Queued, Supervision,
    System as Tree,
};
use lastcall_api::{ApiConfig, ApiState, Parts};
use lastcall_domain::{Blobs, Clock, Feed, InstanceId, Limits, Profiles, Store, SystemClock, Work};
use lastcall_engine::{Engine, EngineConfig};
use lastcall_render::{FontConfig, Renderer};
use lastcall_sql::{Sql, SqlConfig};

use super::record::Record;
use super::signals::{Signals, Stop};
use super::state_dir::StateDir;
use super::system::System;
use crate::config::{Config, MAX_TTL, Pool};
use crate::exit::{Exit, Failure};
use crate::work::{AnalysisWork, Compute, Describer, ReportWork};

/// What has been built so far. Whatever is there has to be taken down.
#[derive(Default)]
pub(super) struct Built {
    pub(super) state_dir: Option<StateDir>,
    pub(super) record: Option<Record>,
    pub(super) store: Option<Arc<dyn Store>>,
    pub(super) sql: Option<Arc<Sql>>,
    pub(super) compute: Option<Arc<Compute>>,
    pub(super) tree: Option<Handle>,
    pub(super) system: Option<Arc<System>>,
    pub(super) http: Option<Http>,
}

/// The HTTP server.
pub(super) struct Http {
    /// The listening socket, to close it to new connections and to nothing else.
    pub(super) socket: socket2::Socket,
    pub(super) handle: ServerHandle,
    pub(super) state: actix_web::web::Data<ApiState>,
}

impl Built {
    /// Builds every part and says that the service is ready.
    pub(super) async fn up(&mut self, config: &Config, signals: &Signals) -> Result<(), Failure> {
        let instance = InstanceId::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let limits = Limits {
            max_attempts: config.jobs.max_attempts,
            max_interruptions: config.jobs.max_interruptions,
        };
        let store =
            lastcall_store::open_store(config.store_url.expose(), Arc::clone(&clock), limits)
                .await
                .with_context(|| format!("store.url = {}", config.store_url.redacted_url()))
                .map_err(unavailable)?;
        self.store = Some(Arc::clone(&store));
        let state_dir = StateDir::take(&config.state_dir).map_err(unavailable)?;
        let scratch = state_dir.scratch().map_err(unavailable)?;
        let blobs = open_blobs(config, &scratch).await.map_err(unavailable)?;
        // The address is taken before anything is started, so that a port in use is found early.
        let listener = TcpListener::bind(config.server.bind)
            .with_context(|| format!("server.bind = {}", config.server.bind))
            .map_err(unavailable)?;

        // Only the owner of the store may say how the run before it ended.
        let (record, previous) = Record::begin(state_dir.path())
            .with_context(|| format!("state.dir = {}", state_dir.path().display()))
            .map_err(unavailable)?;
        self.record = Some(record);
        self.state_dir = Some(state_dir);

        let feed = Feed::new();
        let describe = self
            .start_tree(config, instance, &scratch, &store, &blobs, &clock, &feed)
            .map_err(|error| Failure::new(Exit::Software, error))?;
        let tree = self.tree.clone().ok_or_else(|| anyhow!("no tree"));
        let tree = tree.map_err(|error| Failure::new(Exit::Software, error))?;
        let system = Arc::new(System::new(
            tree.clone(),
            signals.sender(),
            report_of(&previous),
        ));
        self.system = Some(Arc::clone(&system));
        let parts = Parts {
            store: Arc::clone(&store),
            blobs,
            feed,
            clock,
            system,
            describe: Arc::new(describe),
        };
        let address = self
            .start_http(parts, api_config(config, instance), listener, signals)
            .map_err(unavailable)?;

        let recovered = store
            .recover()
            .await
            .context("what the previous run left cannot be taken up")
            .map_err(unavailable)?;
        tell_previous(&previous, recovered);
        if let Some(record) = &mut self.record {
            record.ready();
        }
        tree.ready();
        if let Some(sql) = self.sql.clone() {
            actix_rt::spawn(tell_missing_nets(sql));
        }
        log::info!("{}{address}", lastcall_actors::log_lines::READY);
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of the tree, named once"
    )]
    fn start_tree(
        &mut self,
        config: &Config,
        instance: InstanceId,
        scratch: &Path,
        store: &Arc<dyn Store>,
        blobs: &Arc<dyn Blobs>,
        clock: &Arc<dyn Clock>,
        feed: &Feed,
    ) -> anyhow::Result<Describer> {
        let engine = Arc::new(Engine::new(EngineConfig {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory: config.analysis.memory,
            scratch: scratch.to_owned(),
        }));
        let workers = config.analysis.pool.workers + config.report.workers;
        let compute = Arc::new(Compute::new(workers + DESCRIBERS)?);
        self.compute = Some(Arc::clone(&compute));
        let sql = Arc::new(Sql::new(sql_config(config, scratch)?)?);
        self.sql = Some(Arc::clone(&sql));

        let analysis = Arc::new(AnalysisWork {
            store: Arc::clone(store),
            blobs: Arc::clone(blobs),
            engine: Arc::clone(&engine),
            sql,
            compute: Arc::clone(&compute),
            scratch: scratch.to_owned(),
            timeout: config.analysis.pool.timeout,
            conversions: Arc::default(),
        });
        let report = {
            let (store, blobs, clock) = (Arc::clone(store), Arc::clone(blobs), Arc::clone(clock));
            let compute = Arc::clone(&compute);
            let renderer = Arc::new(Renderer::new(FontConfig::default()));
            move |profiles: Arc<dyn Profiles>| -> Arc<dyn Work> {
                Arc::new(ReportWork {
                    store,
                    blobs,
                    profiles,
                    renderer,
                    compute,
                    clock,
                })
            }
        };
        self.tree = Some(Tree::start(
            tree_config(config, instance),
            Ports {
                store: Arc::clone(store),
                blobs: Arc::clone(blobs),
                clock: Arc::clone(clock),
                feed: feed.clone(),
                analysis_work: analysis.clone(),
                profile_work: analysis,
                report_work: Box::new(report),
            },
        ));
        Ok(Describer {
            blobs: Arc::clone(blobs),
            engine,
            compute,
        })
    }

    fn start_http(
        &mut self,
        parts: Parts,
        api: ApiConfig,
        listener: TcpListener,
        signals: &Signals,
    ) -> anyhow::Result<std::net::SocketAddr> {
        let address = listener.local_addr()?;
        let socket = listener.try_clone()?.into();
        let state = actix_web::web::Data::new(ApiState::new(parts, api));
        let server = lastcall_api::server(state.clone(), listener)?;
        self.http = Some(Http {
            socket,
            handle: server.handle(),
            state,
        });
        let stop = signals.sender();
        actix_rt::spawn(async move {
            let ended = match server.await {
                Ok(()) => "the HTTP server ended".to_owned(),
                Err(error) => format!("the HTTP server failed: {error}"),
            };
            // In a shutdown this is heard by nobody, as it should be.
            let _ = stop.send(Stop::ServerEnded(ended));
        });
        Ok(address)
    }

    /// Waits until a part that runs by itself has given up.
    pub(super) async fn failed(&self) -> Stop {
        match &self.tree {
            Some(tree) => Stop::Escalated(tree.escalated().await),
            None => std::future::pending().await,
        }
    }
}

/// Less memory than this, in bytes, and no query runs at all.
const LEAST_QUERY_MEMORY: u64 = 64 << 20;
/// The hidden command of a query's process.
pub(crate) const SQL_CHILD: &str = "__sql";
/// Threads for whoever asks for the columns of a dataset.
const DESCRIBERS: usize = 2;

fn unavailable(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Unavailable, error)
}

async fn open_blobs(config: &Config, scratch: &Path) -> anyhow::Result<Arc<dyn Blobs>> {
    let what = || format!("blobs.url = {}", config.blobs_url);
    let blobs = lastcall_store::open_blobs(&config.blobs_url, scratch).with_context(what)?;
    blobs.ping().await.with_context(what)?;
    Ok(blobs)
}

fn report_of(previous: &PreviousRun) -> Option<lastcall_actors::ShutdownReport> {
    match previous {
        PreviousRun::Ended(report) => Some((**report).clone()),
        PreviousRun::None | PreviousRun::Crashed => None,
    }
}

fn tell_previous(previous: &PreviousRun, recovered: u64) {
    let jobs = if recovered == 1 { "job" } else { "jobs" };
    match previous {
        PreviousRun::None if recovered == 0 => log::info!("first run on this store"),
        PreviousRun::None => log::info!("first run here, {recovered} {jobs} recovered"),
        PreviousRun::Ended(report) if report.clean => {
            log::info!("previous run ended cleanly, {recovered} {jobs} recovered");
        }
        PreviousRun::Ended(report) => log::warn!(
            "previous run ended in order with exit code {} and left work, {recovered} {jobs} recovered",
            report.exit_code
        ),
        PreviousRun::Crashed => {
            log::warn!("previous run ended uncleanly, {recovered} {jobs} recovered");
        }
    }
}

/// Says which nets of the operating system a query goes without here.
async fn tell_missing_nets(sql: Arc<Sql>) {
    match sql.capabilities().await {
        Ok(nets) => {
            if !nets.files {
                log::warn!("no landlock here: queries are kept from files by their plans alone");
            }
            if !nets.system_calls {
                log::warn!(
                    "no seccomp here: queries are kept from the network by their plans alone"
                );
            }
        }
        Err(error) => log::warn!("no process for queries can be started: {error}"),
    }
}

fn sql_config(config: &Config, scratch: &Path) -> anyhow::Result<SqlConfig> {
    let program = std::env::current_exe().context("this program's own file cannot be found")?;
    let at_once = config.analysis.pool.workers as u64;
    Ok(SqlConfig {
        // The bound is shared by all analyses that may run at once.
        memory: (config.analysis.memory / at_once).max(LEAST_QUERY_MEMORY),
        max_rows: config.analysis.max_rows,
        ..SqlConfig::new(program, vec![SQL_CHILD.into()], scratch.join("sql"))
    })
}

fn tree_config(config: &Config, instance: InstanceId) -> TreeConfig {
    let pool = |pool: &Pool| PoolConfig {
        workers: pool.workers,
        mailbox: pool.mailbox,
        ..PoolConfig::new(pool.timeout)
    };
    TreeConfig {
        analysis: pool(&config.analysis.pool),
        report: pool(&config.report),
        lease: config.jobs.lease,
        heartbeat: config.jobs.heartbeat,
        cleaner: CleanerConfig {
            interval: config.sessions.cleanup_interval,
            ..CleanerConfig::default()
        },
        supervision: Supervision {
            max_restarts: config.supervision.max_restarts,
            within: config.supervision.within,
            ..Supervision::default()
        },
        queued: if config.shutdown.finish_queued {
            Queued::Finish
        } else {
            Queued::Leave
        },
        ..TreeConfig::new(instance)
    }
}

fn api_config(config: &Config, instance: InstanceId) -> ApiConfig {
    ApiConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance,
        auth: config.auth.callers.clone(),
        // A page of the web must not use a service without keys through its user's browser.
        loopback_only: config.auth.is_open() && !config.auth.allow_anonymous,
        max_body: config.server.max_body,
        default_ttl: config.sessions.ttl,
        max_ttl: MAX_TTL,
        max_queued_analyses: config.analysis.pool.max_queued,
        max_queued_reports: config.report.max_queued,
        shutdown_timeout: config.shutdown.deadline,
        ..ApiConfig::default()
    }
}
