//! The settings of the HTTP surface.

use std::time::Duration;

use lastcall_domain::{InstanceId, Service};

use crate::auth::Auth;
use crate::forwarded::TrustedProxies;
use crate::rate_limit::RatePolicy;
use crate::tls::Tls;

/// The settings of the HTTP surface.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// The version of the service.
    pub version: String,
    /// The instance: one run of the process.
    pub instance: InstanceId,
    /// TLS on the listener; plain HTTP without it.
    pub tls: Option<Tls>,
    /// The initial authentication of callers.
    pub auth: Auth,
    /// Reject requests whose `Host` is not a loopback name or whose `Origin` differs, so that a web
    /// page cannot use a service without keys through its user's browser.
    pub loopback_only: bool,
    /// The origins whose pages may use the service; `*` for all.
    pub cors_origins: Vec<String>,
    /// The proxies that are trusted to name the client of a request.
    pub trusted_proxies: TrustedProxies,
    /// Whether every change is logged.
    pub audit: bool,
    /// One in this many requests is logged; none if 0.
    pub access_log: u32,
    /// The largest upload, in bytes, as sent and as decoded.
    pub max_body: u64,
    /// The default TTL of sessions.
    pub default_ttl: Duration,
    /// The longest TTL that a session may request.
    pub max_ttl: Duration,
    /// Jobs of AnalysisService that may be queued.
    pub max_queued_analyses: u64,
    /// Jobs of ReportService that may be queued.
    pub max_queued_reports: u64,
    /// The rate limit of owners; unlimited without one.
    pub rate: Option<RatePolicy>,
    /// The longest `Prefer: wait`.
    pub max_wait: Duration,
    /// The most open event streams of jobs.
    pub max_streams: usize,
    /// The most open event streams of the system.
    pub max_system_streams: usize,
    /// Threads that serve HTTP.
    pub workers: usize,
    /// Connections that are open at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a client may read nothing of its response.
    pub write_timeouts: StallTimeouts,
    /// How long a client may send nothing of its upload.
    pub read_timeouts: StallTimeouts,
    /// How long a graceful stop of the server waits for requests in progress.
    pub shutdown_timeout: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: InstanceId::new(),
            tls: None,
            auth: Auth::None,
            loopback_only: true,
            cors_origins: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            audit: true,
            access_log: 0,
            max_body: 2 << 30,
            default_ttl: Duration::from_secs(3600),
            max_ttl: Duration::from_secs(30 * 24 * 3600),
            max_queued_analyses: 10_000,
            max_queued_reports: 10_000,
            rate: None,
            max_wait: Duration::from_secs(60),
            max_streams: 1024,
            max_system_streams: 128,
            workers: std::thread::available_parallelism()
                .map_or(2, usize::from)
                .clamp(2, 8),
            max_connections: 8192,
            write_timeouts: StallTimeouts {
                running: Duration::from_secs(30),
                stopping: Duration::from_secs(5),
            },
            read_timeouts: StallTimeouts {
                running: Duration::from_secs(60),
                stopping: Duration::from_secs(5),
            },
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

impl ApiConfig {
    /// How many jobs of the service may be queued.
    pub(crate) fn max_queued(&self, service: Service) -> u64 {
        match service {
            Service::Analysis => self.max_queued_analyses,
            Service::Report => self.max_queued_reports,
        }
    }
}

/// How long a client may be idle in the middle of a request.
#[derive(Clone, Copy, Debug)]
pub struct StallTimeouts {
    /// While the service is running.
    pub running: Duration,
    /// During a shutdown.
    pub stopping: Duration,
}
