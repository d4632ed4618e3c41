//! The state shared by the handlers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::http::header::HeaderMap;
use lastcall_domain::trace::Tracer;
use lastcall_domain::{Answered, Blobs, Clock, DiskSpace, Feed, Store, Timestamp};
use tokio::sync::{Semaphore, watch};

use crate::access_log::AccessLog;
use crate::audit;
use crate::auth::{Auth, Caller};
use crate::config::ApiConfig;
use crate::describe::Schemas;
use crate::http_metrics::HttpMetrics;
use crate::in_flight::InFlightRequests;
use crate::ports::{Describe, SystemPort};
use crate::problem::ApiResult;
use crate::rate_limit::RateLimiter;
use crate::readiness::Readiness;
use crate::recent::Recent;

/// The parts that the handlers work with.
#[derive(Clone)]
pub struct Parts {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The bytes.
    pub blobs: Arc<dyn Blobs>,
    /// News of jobs.
    pub feed: Feed,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The actors.
    pub system: Arc<dyn SystemPort>,
    /// Who can tell the columns of a dataset.
    pub describe: Arc<dyn Describe>,
    /// The local disks.
    pub disks: Arc<dyn DiskSpace>,
    /// Which jobs have answered what.
    pub answered: Arc<Answered>,
    /// Where requests are recorded.
    pub tracer: Tracer,
}

/// What the handlers share.
pub struct ApiState {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) feed: Feed,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) system: Arc<dyn SystemPort>,
    pub(crate) disks: Arc<dyn DiskSpace>,
    pub(crate) answered: Arc<Answered>,
    pub(crate) tracer: Tracer,
    pub(crate) config: ApiConfig,
    auth: RwLock<Arc<Auth>>,
    pub(crate) metrics: HttpMetrics,
    pub(crate) schemas: Schemas,
    pub(crate) readiness: Readiness,
    pub(crate) access_log: AccessLog,
    pub(crate) load: InFlightRequests,
    /// Open connections of HTTP/2, which end by themselves once they are told to.
    pub(crate) connections: InFlightRequests,
    /// Whether nobody can connect any more.
    pub(crate) listener_closed: watch::Sender<bool>,
    pub(crate) recent: Recent,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) drain_requested: AtomicBool,
    pub(crate) started_at: Timestamp,
}

impl ApiState {
    /// The state of a service that begins now.
    pub fn new(parts: Parts, config: ApiConfig) -> Self {
        Self {
            metrics: HttpMetrics::new(),
            schemas: Schemas::new(Arc::clone(&parts.describe), Arc::clone(&parts.store)),
            readiness: Readiness::default(),
            recent: Recent::default(),
            rate_limiter: RateLimiter::new(config.rate),
            access_log: AccessLog::new(config.access_log),
            drain_requested: AtomicBool::new(false),
            load: InFlightRequests::new(),
            connections: InFlightRequests::new(),
            listener_closed: watch::Sender::new(false),
            streams: Arc::new(Semaphore::new(config.max_streams)),
            started_at: parts.clock.now(),
            store: parts.store,
            blobs: parts.blobs,
            feed: parts.feed,
            clock: parts.clock,
            system: parts.system,
            auth: RwLock::new(Arc::new(config.auth.clone())),
            disks: parts.disks,
            answered: parts.answered,
            tracer: parts.tracer,
            config,
        }
    }

    /// How callers prove who they are from now on, for this reason. Requests in progress go on.
    pub fn set_auth(&self, auth: Auth, reason: &str) {
        if let (Auth::Keys(keys), true) = (&auth, self.config.audit) {
            audit::note_keys(reason, keys.len());
        }
        *self.auth.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(auth);
    }

    /// Whether callers prove themselves with keys.
    pub fn has_keys(&self) -> bool {
        let auth = self.auth.read().unwrap_or_else(PoisonError::into_inner);
        matches!(**auth, Auth::Keys(_))
    }

    /// The caller that the headers prove.
    ///
    /// # Errors
    /// `unauthorized` where they prove none.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> ApiResult<Caller> {
        let auth = Arc::clone(&self.auth.read().unwrap_or_else(PoisonError::into_inner));
        auth.caller(headers, self.clock.now())
    }

    /// Whether the process was told to stop, be it by a request that it has not acted on yet.
    pub(crate) fn is_stopping(&self) -> bool {
        self.drain_requested.load(Ordering::Relaxed) || self.system.phase().is_shutting_down()
    }

    /// How many requests and closing connections are still owed something.
    pub fn owed(&self) -> usize {
        self.load.owed()
    }

    /// Says that the listener is closed, and waits until every request has its whole answer and
    /// every connection of HTTP/2 was closed in order.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn close_connections(&self) {
        self.listener_closed.send_replace(true);
        self.settled().await;
        self.connections.drained().await;
    }

    /// Waits until every request has its whole answer, sent.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn settled(&self) {
        self.load.drained().await;
    }
}

impl std::fmt::Debug for ApiState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiState")
            .field("config", &self.config)
            .field("phase", &self.system.phase())
            .finish_non_exhaustive()
    }
}
