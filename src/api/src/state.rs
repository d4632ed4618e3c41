//! The state shared by the handlers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use lastcall_actors::ShutdownReport;
use lastcall_domain::trace::Tracer;
use lastcall_domain::{Blobs, Clock, DiskSpace, Feed, NewSessions, Store, Timestamp};
use lastcall_jwt::{Settings, TokenVerifier};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::access_log::AccessLog;
use crate::audit;
use crate::auth::{Auth, Caller};
use crate::config::{ApiConfig, StallTimeouts};
use crate::counters::Counters;
use crate::describe::Schemas;
use crate::in_flight::{Connection, InFlightRequests};
use crate::job_metrics::JobMetrics;
use crate::ports::{Describe, SystemPort};
use crate::problem::ApiResult;
use crate::rate_limit::{RateLimiter, RatePolicy};
use crate::readiness::Readiness;
use crate::recent::Recent;
use crate::system_feed::SystemFeed;

/// How far the connections are from their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closing {
    /// They are used.
    Open,
    /// Nobody can connect any more; requests in progress finish.
    ListenerClosed,
    /// None is left but those that carry a stream of the system.
    Cut,
}

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
    /// The sessions in which nothing has been analysed.
    pub new_sessions: Arc<NewSessions>,
    /// Where requests are recorded.
    pub tracer: Tracer,
    /// How jobs have ended.
    pub job_metrics: JobMetrics,
}

/// What the handlers share.
pub struct ApiState {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) feed: Feed,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) system: Arc<dyn SystemPort>,
    pub(crate) disks: Arc<dyn DiskSpace>,
    pub(crate) new_sessions: Arc<NewSessions>,
    pub(crate) tracer: Tracer,
    pub(crate) config: ApiConfig,
    auth: RwLock<Arc<Auth>>,
    /// Where tokens are accepted.
    tokens: Option<Arc<TokenVerifier>>,
    pub(crate) counters: Counters,
    pub(crate) schemas: Schemas,
    pub(crate) readiness: Readiness,
    pub(crate) access_log: AccessLog,
    pub(crate) load: InFlightRequests,
    /// Open connections of HTTP/2, which end by themselves once they are told to.
    pub(crate) connections: InFlightRequests,
    /// Connections that carry a stream of the system.
    pub(crate) watchers: InFlightRequests,
    /// How far the connections are from their end.
    pub(crate) closing: watch::Sender<Closing>,
    pub(crate) recent: Recent,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) watcher_room: Arc<Semaphore>,
    pub(crate) system_feed: SystemFeed,
    pub(crate) drain_requested: AtomicBool,
    pub(crate) started_at: Timestamp,
}

impl ApiState {
    /// The state of a service that begins now.
    pub fn new(parts: Parts, config: ApiConfig) -> Self {
        Self {
            counters: Counters::new(&parts.job_metrics),
            schemas: Schemas::new(Arc::clone(&parts.describe), Arc::clone(&parts.store)),
            readiness: Readiness::default(),
            recent: Recent::default(),
            rate_limiter: RateLimiter::new(config.rate),
            access_log: AccessLog::new(config.access_log),
            drain_requested: AtomicBool::new(false),
            load: InFlightRequests::new(),
            connections: InFlightRequests::new(),
            watchers: InFlightRequests::new(),
            closing: watch::Sender::new(Closing::Open),
            streams: Arc::new(Semaphore::new(config.max_streams)),
            watcher_room: Arc::new(Semaphore::new(config.max_watchers)),
            system_feed: SystemFeed::new(),
            started_at: parts.clock.now(),
            store: parts.store,
            blobs: parts.blobs,
            feed: parts.feed,
            clock: parts.clock,
            system: parts.system,
            tokens: config
                .auth
                .tokens()
                .map(|settings| Arc::new(TokenVerifier::new(settings.clone()))),
            auth: RwLock::new(Arc::new(config.auth.clone())),
            disks: parts.disks,
            new_sessions: parts.new_sessions,
            tracer: parts.tracer,
            config,
        }
    }

    /// How callers prove who they are from now on, for this reason. Requests in progress go on.
    /// [`mode`](Auth::mode) stays the same.
    pub fn set_auth(&self, auth: Auth, reason: &str) {
        if let (Some(verifier), Some(settings)) = (&self.tokens, auth.tokens()) {
            verifier.reconfigure(settings.clone());
        }
        let auth = Arc::new(auth);
        *self.auth.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&auth);
        // What the audit says is in force by then.
        if let (Some(keys), true) = (auth.keys(), self.config.audit) {
            let issuer = auth.tokens().map(|settings| settings.issuer.as_str());
            audit::note_keys(reason, keys.len(), issuer);
        }
    }

    /// How many requests an owner may send from now on.
    pub fn limit_rate(&self, policy: Option<RatePolicy>) {
        self.rate_limiter.set_policy(policy, self.clock.now());
    }

    /// How callers prove who they are.
    pub fn auth(&self) -> Arc<Auth> {
        Arc::clone(&self.auth.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the keys of the token issuer up to date. One task does this; where no tokens are
    /// accepted it ends at once.
    ///
    /// # Cancel safety
    /// Dropping the future ends a fetch that is under way, and the keys stay as they are.
    pub fn refresh_token_keys(&self) -> impl Future<Output = ()> + Send + 'static {
        let verifier = self.tokens.clone();
        async move {
            if let Some(verifier) = verifier {
                match verifier.run().await {}
            }
        }
    }

    /// Which tokens are accepted, if any are.
    pub(crate) fn token_settings(&self) -> Option<Arc<Settings>> {
        self.tokens.as_ref().map(|verifier| verifier.settings())
    }

    /// Whether nobody can be let in: there are no keys, and tokens cannot be checked.
    pub(crate) fn lacks_token_keys(&self) -> bool {
        let Some(verifier) = &self.tokens else {
            return false;
        };
        self.auth().keys().is_some_and(<[_]>::is_empty) && !verifier.has_keys()
    }

    /// The caller that the headers prove, who may use this method.
    ///
    /// # Errors
    /// `unauthorized` where they prove none, `forbidden` where a token does not allow it, and
    /// `issuer_unavailable` where the keys of the token issuer are not known.
    pub(crate) async fn caller(&self, method: &Method, headers: &HeaderMap) -> ApiResult<Caller> {
        let (auth, now) = (self.auth(), self.clock.now());
        auth.caller(self.tokens.as_deref(), method, headers, now)
            .await
    }

    /// Whether the process was told to stop, be it by a request that it has not acted on yet.
    pub(crate) fn is_stopping(&self) -> bool {
        self.drain_requested.load(Ordering::Relaxed) || self.system.phase().is_shutting_down()
    }

    /// How long a client may do nothing now.
    pub(crate) fn stall_timeout(&self, timeouts: StallTimeouts) -> Duration {
        if self.is_stopping() {
            timeouts.stopping
        } else {
            timeouts.running
        }
    }

    /// How many requests and closing connections are still owed something.
    pub fn unfinished_requests(&self) -> usize {
        self.load.owed()
    }

    /// Says that the listener is closed, and waits until every request has its whole answer and
    /// every connection of HTTP/2 was closed in order.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn close_connections(&self) {
        self.closing.send_replace(Closing::ListenerClosed);
        self.settled().await;
        self.connections.drained().await;
    }

    /// Closes whatever connection is left, in the middle of a request if need be, but for those
    /// that carry a stream of the system, and those to the address for administration.
    pub fn cut_connections(&self) {
        self.closing.send_replace(Closing::Cut);
    }

    /// Tells those who follow the system how the shutdown went, as far as that is known, and waits
    /// until they have it, for at most `patience`.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn end_system_streams(&self, report: ShutdownReport, patience: Duration) {
        self.system_feed.end(report);
        // What is not sent by then is not owed.
        let _ = timeout(patience, self.watchers.drained()).await;
    }

    /// Waits until this connection is to be cut.
    pub(crate) async fn cut(&self, connection: &Connection) {
        let mut closing = self.closing.subscribe();
        // An error means that the process ends.
        let _ = closing.wait_for(|closing| *closing == Closing::Cut).await;
        if connection.is_watching() {
            std::future::pending().await
        }
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
