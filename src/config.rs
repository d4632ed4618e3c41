//! The configuration: every key, its default and its rule, in one bucket.
//!
//! Values come from a TOML file, overridden by the environment (`LASTCALL__SHUTDOWN__DEADLINE=10s`
//! for `shutdown.deadline`). All faults are reported at once, each with its key, its value and the
//! rule that it breaks.

mod auth;
mod cors;
mod faults;
mod files;
mod jwt;
mod lists;
mod per_owner;
mod proxies;
mod reader;
mod rules;
mod secret;
mod shown;
mod sources;
mod tls;
mod trace;
mod units;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastcall_actors::{Timeline, TimelineFault};
use lastcall_api::TrustedProxies;
use lastcall_domain::StoreError;
use lastcall_store::check_store_url;

pub use auth::Access;
pub use faults::{Fault, Faults};
pub use files::raise_file_limit;
pub use per_owner::OwnerBounds;
use reader::Reader;
pub use secret::Secret;
pub use sources::Sources;
pub use tls::TlsFiles;
pub use trace::Trace;
use units::{KIB, MIB};
pub use units::{show_duration, show_size};

/// The whole configuration. Sizes are bytes.
#[derive(Clone, Debug)]
pub struct Config {
    /// `server.*`
    pub server: Server,
    /// `auth.*`
    pub auth: Access,
    /// `store.url`, a secret: it may carry a password.
    pub store_url: Secret,
    /// `store.min_free`: below this free space on a local disk, nothing new is accepted.
    pub store_min_free: u64,
    /// `blobs.url`
    pub blobs_url: String,
    /// `state.dir`: where the shutdown report and scratch files go.
    pub state_dir: PathBuf,
    /// `analysis.*`
    pub analysis: Analysis,
    /// `sql.require_sandbox`: whether SQL is disabled if the kernel cannot sandbox queries.
    pub sql_require_sandbox: bool,
    /// `report.*`
    pub report: Pool,
    /// `jobs.*`
    pub jobs: Jobs,
    /// `sessions.*`
    pub sessions: Sessions,
    /// `limits.per_owner.*`
    pub per_owner: OwnerBounds,
    /// `supervision.*`
    pub supervision: Supervision,
    /// `shutdown.*`
    pub shutdown: Shutdown,
    /// `log.*`
    pub log: Log,
    /// `trace.*`
    pub trace: Trace,
}

/// `server.*`
#[derive(Clone, Debug)]
pub struct Server {
    /// The address to listen on; port 0 picks a free one.
    pub bind: SocketAddr,
    /// The largest upload.
    pub max_body: u64,
    /// Connections that are open at once.
    pub max_connections: usize,
    /// The origins whose pages may use the service.
    pub cors_origins: Vec<String>,
    /// The proxies that are trusted to name the client of a request.
    pub trusted_proxies: TrustedProxies,
    /// The certificate of `bind`; plain HTTP without one.
    pub tls: Option<TlsFiles>,
    /// A separate address for health, metrics and `/v1/system`, in addition to `bind`.
    pub admin_bind: Option<SocketAddr>,
}

/// What AnalysisService and ReportService have in common.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Jobs run at once.
    pub workers: usize,
    /// Jobs that may wait in the actor's mailbox.
    pub mailbox: usize,
    /// Jobs that may be queued.
    pub max_queued: u64,
    /// How long one attempt may take.
    pub timeout: Duration,
}

/// `analysis.*`
#[derive(Clone, Copy, Debug)]
pub struct Analysis {
    /// What it shares with `report.*`.
    pub pool: Pool,
    /// The bound shared by all running analyses.
    pub memory: u64,
    /// The most rows that a query may answer with.
    pub max_rows: u64,
}

/// `jobs.*`
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    /// Attempts that may fail by their own fault.
    pub max_attempts: u32,
    /// How often a job may be handed back.
    pub max_interruptions: u32,
    /// How long a claim is valid without a heartbeat.
    pub lease: Duration,
    /// The interval between heartbeats.
    pub heartbeat: Duration,
}

/// `sessions.*`
#[derive(Clone, Copy, Debug)]
pub struct Sessions {
    /// The default time to live.
    pub ttl: Duration,
    /// How often TtlCleaner runs.
    pub cleanup_interval: Duration,
}

/// `supervision.*`
#[derive(Clone, Copy, Debug)]
pub struct Supervision {
    /// The most restarts before escalation.
    pub max_restarts: u32,
    /// The span in which restarts are counted.
    pub within: Duration,
}

/// `shutdown.*`
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// The time from the first signal to the exit.
    pub deadline: Duration,
    /// How long requests are still accepted.
    pub lame_duck: Duration,
    /// How long before the deadline unfinished work is handed back.
    pub cancel_before: Duration,
    /// Whether queued jobs are run until the deadline; otherwise they stay in the queue.
    pub finish_queued: bool,
}

/// `log.*`
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// The log level.
    pub level: log::LevelFilter,
    /// Whether each line is a JSON object, for containers; otherwise text.
    pub json: bool,
    /// One in this many requests is logged; none if 0.
    pub access: u32,
    /// Whether every change is logged.
    pub audit: bool,
}

impl Config {
    /// Reads the file, if there is one, and the environment.
    ///
    /// # Errors
    /// All [`Faults`] at once.
    pub fn load(file: Option<&Path>) -> Result<Self, Faults> {
        Self::from_sources(Sources::load(file, std::env::vars_os())?)
    }

    /// Builds the configuration from the sources.
    ///
    /// # Errors
    /// All [`Faults`] at once.
    pub fn from_sources(sources: Sources) -> Result<Self, Faults> {
        let mut read = Reader::new(sources);
        let config = Self::read(&mut read);
        config.check_together(&mut read);
        read.finish()?;
        Ok(config)
    }

    fn read(read: &mut Reader) -> Self {
        let loopback = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));
        let store_url = Secret(read.url(
            "store.url",
            "sqlite://data/lastcall.db",
            &["sqlite", "postgres", "postgresql"],
        ));
        if let Err(StoreError::Failed(why)) = check_store_url(store_url.expose()) {
            read.fault("store.url", &format!("a URL that can be used: {why}"));
        }
        let blobs_url = read.url("blobs.url", "file://data/blobs", &["file", "s3"]);
        if !names_blobs(&blobs_url) {
            read.fault(
                "blobs.url",
                "file://folder or s3://bucket/prefix; the keys of a bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            );
        }
        let state_dir = read
            .text("state.dir")
            .map_or_else(|| default_state_dir(&store_url), PathBuf::from);
        Self {
            server: Server {
                bind: read.address("server.bind", loopback),
                max_body: read.size("server.max_body", 2 * 1024 * MIB, KIB..=1 << 40),
                max_connections: usize::try_from(read.count(
                    "server.max_connections",
                    files::default_connections(),
                    1..=files::max_connections(),
                ))
                .unwrap_or(usize::MAX),
                cors_origins: cors::origins(read),
                trusted_proxies: proxies::read(read),
                tls: TlsFiles::read(read),
                admin_bind: read.optional_address("server.admin_bind"),
            },
            auth: Access::read(read),
            store_url,
            store_min_free: read.size("store.min_free", 256 * MIB, 0..=1 << 50),
            blobs_url,
            state_dir,
            analysis: Analysis {
                pool: Pool::read(read, "analysis", Duration::from_mins(5)),
                memory: read.size("analysis.memory", 1024 * MIB, 64 * MIB..=1 << 42),
                max_rows: read.count("analysis.max_rows", 100_000, 1..=10_000_000),
            },
            sql_require_sandbox: read.flag("sql.require_sandbox", true),
            report: Pool::read(read, "report", Duration::from_mins(2)),
            jobs: Jobs {
                max_attempts: read.count("jobs.max_attempts", 3, 1..=100),
                max_interruptions: read.count("jobs.max_interruptions", 20, 1..=10_000),
                lease: read.duration("jobs.lease", secs(5), ms(100)..=secs(3600)),
                heartbeat: read.duration("jobs.heartbeat", secs(1), ms(20)..=secs(600)),
            },
            sessions: Sessions {
                ttl: read.duration("sessions.ttl", secs(3600), ms(1)..=MAX_TTL),
                cleanup_interval: read.duration(
                    "sessions.cleanup_interval",
                    secs(3600),
                    ms(10)..=secs(7 * 86_400),
                ),
            },
            per_owner: OwnerBounds::read(read),
            supervision: Supervision {
                max_restarts: read.count("supervision.max_restarts", 5, 0..=1000),
                within: read.duration("supervision.within", secs(30), ms(100)..=secs(86_400)),
            },
            shutdown: Shutdown {
                deadline: read.duration("shutdown.deadline", secs(25), ms(100)..=secs(86_400)),
                lame_duck: read.duration("shutdown.lame_duck", secs(5), ms(0)..=secs(86_400)),
                cancel_before: read.duration(
                    "shutdown.cancel_before",
                    secs(3),
                    ms(50)..=secs(86_400),
                ),
                finish_queued: read.choice("shutdown.queued", &["leave", "finish"]) == "finish",
            },
            log: Log {
                level: match read.choice("log.level", &["info", "error", "warn", "debug", "trace"])
                {
                    "error" => log::LevelFilter::Error,
                    "warn" => log::LevelFilter::Warn,
                    "debug" => log::LevelFilter::Debug,
                    "trace" => log::LevelFilter::Trace,
                    _ => log::LevelFilter::Info,
                },
                json: read.choice("log.format", &["text", "json"]) == "json",
                access: read.count("log.access", 0, 0..=1_000_000),
                audit: read.flag("log.audit", true),
            },
            trace: Trace::read(read),
        }
    }

    /// The phases of a shutdown, computed from its deadline.
    ///
    /// # Errors
    /// Every fault, if the phases do not fit, which a loaded configuration rules out.
    pub fn timeline(&self) -> Result<Timeline, Vec<TimelineFault>> {
        Timeline::plan(
            self.shutdown.deadline,
            self.shutdown.lame_duck,
            self.shutdown.cancel_before,
        )
    }
}

impl Pool {
    fn read(read: &mut Reader, section: &str, timeout: Duration) -> Self {
        let key = |name: &str| format!("{section}.{name}");
        Self {
            workers: read.count(&key("workers"), 4, 1..=1024),
            mailbox: read.count(&key("mailbox"), 64, 1..=65_536),
            max_queued: read.count(&key("max_queued"), 10_000, 1..=10_000_000),
            timeout: read.duration(&key("timeout"), timeout, ms(10)..=secs(7 * 86_400)),
        }
    }
}

/// The longest time to live of a session.
pub const MAX_TTL: Duration = secs(365 * 86_400);

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Whether the URL of the blobs, if it is one of a bucket, consists of bucket and prefix only: it
/// is shown, so it must not carry a secret.
fn names_blobs(url: &str) -> bool {
    match url.strip_prefix("s3://") {
        Some(bucket) => !bucket.starts_with('/') && !bucket.contains(['@', '?', '#']),
        None => true,
    }
}

impl Config {
    /// The folder of an SQLite store; if its file is a link, the folder of its target.
    pub fn sqlite_folder(&self) -> Option<PathBuf> {
        let path = sqlite_path(&self.store_url)?;
        let path = path.canonicalize().unwrap_or(path);
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => Some(folder.to_owned()),
            _ => Some(PathBuf::from(".")),
        }
    }
}

/// The file of an SQLite store.
fn sqlite_path(url: &Secret) -> Option<PathBuf> {
    let path = url.expose().strip_prefix("sqlite://")?;
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

fn default_state_dir(url: &Secret) -> PathBuf {
    match sqlite_path(url).as_deref().and_then(Path::parent) {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => PathBuf::from("data"),
    }
}
