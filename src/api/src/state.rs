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

/// The state of closing the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closing {
    /// They are in use.
    Open,
    /// The listener is closed; requests in progress finish.
    ListenerClosed,
    /// All are cut but those that carry a stream of the system.
    Cut,
}

/// The parts that the handlers work with.
#[derive(Clone)]
pub struct Parts {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The bytes.
    pub blobs: Arc<dyn Blobs>,
    /// Notifications about jobs.
    pub feed: Feed,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The actors.
    pub system: Arc<dyn SystemPort>,
    /// Reads the columns of datasets.
    pub describe: Arc<dyn Describe>,
    /// The local disks.
    pub disks: Arc<dyn DiskSpace>,
    /// The sessions without results.
    pub new_sessions: Arc<NewSessions>,
    /// Records requests as spans.
    pub tracer: Tracer,
    /// Metrics of the jobs that have ended.
    pub job_metrics: JobMetrics,
}

/// The state shared by the handlers.
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
    /// Checks tokens, if they are accepted.
    tokens: Option<Arc<TokenVerifier>>,
    pub(crate) counters: Counters,
    pub(crate) schemas: Schemas,
    pub(crate) readiness: Readiness,
    pub(crate) access_log: AccessLog,
    pub(crate) in_flight: InFlightRequests,
    /// Open connections of HTTP/2, which end by themselves after `GOAWAY`.
    pub(crate) connections: InFlightRequests,
    /// Connections that carry a stream of the system.
    pub(crate) system_streams: InFlightRequests,
    /// The state of closing the connections.
    pub(crate) closing: watch::Sender<Closing>,
    pub(crate) recent: Recent,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) system_stream_permits: Arc<Semaphore>,
    pub(crate) system_feed: SystemFeed,
    pub(crate) drain_requested: AtomicBool,
    pub(crate) started_at: Timestamp,
}

impl ApiState {
    /// The state of a service that starts now.
    pub fn new(parts: Parts, config: ApiConfig) -> Self {
        Self {
            counters: Counters::new(&parts.job_metrics),
            schemas: Schemas::new(Arc::clone(&parts.describe), Arc::clone(&parts.store)),
            readiness: Readiness::default(),
            recent: Recent::default(),
            rate_limiter: RateLimiter::new(config.rate),
            access_log: AccessLog::new(config.access_log),
            drain_requested: AtomicBool::new(false),
            in_flight: InFlightRequests::new(),
            connections: InFlightRequests::new(),
            system_streams: InFlightRequests::new(),
            closing: watch::Sender::new(Closing::Open),
            streams: Arc::new(Semaphore::new(config.max_streams)),
            system_stream_permits: Arc::new(Semaphore::new(config.max_system_streams)),
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

    /// Replaces the authentication, for this reason. Requests in progress continue.
    /// [`mode`](Auth::mode) must stay the same.
    pub fn set_auth(&self, auth: Auth, reason: &str) {
        if let (Some(verifier), Some(settings)) = (&self.tokens, auth.tokens()) {
            verifier.reconfigure(settings.clone());
        }
        let auth = Arc::new(auth);
        *self.auth.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&auth);
        // Logged once the change is in force.
        if let (Some(keys), true) = (auth.keys(), self.config.audit) {
            let issuer = auth.tokens().map(|settings| settings.issuer.as_str());
            audit::log_keys(reason, keys.len(), issuer);
        }
    }

    /// Replaces the rate limit of owners.
    pub fn limit_rate(&self, policy: Option<RatePolicy>) {
        self.rate_limiter.set_policy(policy, self.clock.now());
    }

    /// The authentication of callers.
    pub fn auth(&self) -> Arc<Auth> {
        Arc::clone(&self.auth.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the keys of the token issuer up to date. Only one task may do this; without tokens it
    /// ends at once.
    ///
    /// # Cancel safety
    /// Dropping the future cancels a fetch that is under way, and the keys stay unchanged.
    pub fn refresh_token_keys(&self) -> impl Future<Output = ()> + Send + 'static {
        let verifier = self.tokens.clone();
        async move {
            if let Some(verifier) = verifier {
                match verifier.run().await {}
            }
        }
    }

    /// The settings of tokens, if they are accepted.
    pub(crate) fn token_settings(&self) -> Option<Arc<Settings>> {
        self.tokens.as_ref().map(|verifier| verifier.settings())
    }

    /// Whether no caller can be authenticated: there are no keys, and tokens cannot be checked.
    pub(crate) fn lacks_token_keys(&self) -> bool {
        let Some(verifier) = &self.tokens else {
            return false;
        };
        self.auth().keys().is_some_and(<[_]>::is_empty) && !verifier.has_keys()
    }

    /// Authenticates the caller, who must be allowed to use this method.
    ///
    /// # Errors
    /// `unauthorized` without valid credentials, `forbidden` if a token does not allow the method,
    /// and `issuer_unavailable` if the keys of the token issuer are not known.
    pub(crate) async fn caller(&self, method: &Method, headers: &HeaderMap) -> ApiResult<Caller> {
        let (auth, now) = (self.auth(), self.clock.now());
        auth.caller(self.tokens.as_deref(), method, headers, now)
            .await
    }

    /// Whether the process is stopping, or a request to stop is pending.
    pub(crate) fn is_stopping(&self) -> bool {
        self.drain_requested.load(Ordering::Relaxed) || self.system.phase().is_shutting_down()
    }

    /// How long a client may currently be idle.
    pub(crate) fn stall_timeout(&self, timeouts: StallTimeouts) -> Duration {
        if self.is_stopping() {
            timeouts.stopping
        } else {
            timeouts.running
        }
    }

    /// How many requests and closing connections are in flight.
    pub fn unfinished_requests(&self) -> usize {
        self.in_flight.count()
    }

    /// Records that the listener is closed, and waits until every request is complete and every
    /// connection of HTTP/2 was closed in order.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn close_connections(&self) {
        self.closing.send_replace(Closing::ListenerClosed);
        self.requests_finished().await;
        self.connections.drained().await;
    }

    /// Closes the remaining connections, even in the middle of a request, except those that carry a
    /// stream of the system, and those to the administration address.
    pub fn cut_connections(&self) {
        self.closing.send_replace(Closing::Cut);
    }

    /// Sends the report of the shutdown, as far as it is known, to the subscribers of the system,
    /// and waits at most `limit` until they have received it.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn end_system_streams(&self, report: ShutdownReport, limit: Duration) {
        self.system_feed.end(report);
        // What is not sent by then is dropped.
        let _ = timeout(limit, self.system_streams.drained()).await;
    }

    /// Waits until this connection must be cut.
    pub(crate) async fn cut(&self, connection: &Connection) {
        let mut closing = self.closing.subscribe();
        // An error means that the process ends.
        let _ = closing.wait_for(|closing| *closing == Closing::Cut).await;
        if connection.carries_system_stream() {
            std::future::pending().await
        }
    }

    /// Waits until every request has been answered completely.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn requests_finished(&self) {
        self.in_flight.drained().await;
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
