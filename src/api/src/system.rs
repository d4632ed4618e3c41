//! `/v1/system`: the state of the process, and the request to stop it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use lastcall_actors::{DependencyStatus, Phase, ShutdownReport, SystemStatus};
use lastcall_domain::store::{JobFilter, Order, StoreCounts};
use lastcall_domain::{Disk, Service, State};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::{Caller, Role};
use crate::drain_view::DrainView;
use crate::health::StatusView;
use crate::problem::ApiResult;
use crate::room::DiskView;
use crate::scrape::OldestQueued;
use crate::service_view::ServiceView;
use crate::state::ApiState;

/// How long the store may take to return its counts.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of the process.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = System)]
pub(crate) struct SystemView {
    /// `starting`, `running`, `lame_duck`, `draining`, `handing_back` or `stopped`.
    #[schema(value_type = String, example = "running")]
    phase: Phase,
    /// One run of the process.
    instance: Uuid,
    /// The role of the caller: `reader`, `user` or `admin`.
    #[schema(example = "admin")]
    role: &'static str,
    /// The version of the service.
    version: String,
    /// When it started.
    started_at: DateTime<Utc>,
    /// Seconds since then.
    uptime_seconds: f64,
    /// The actors, in their start order.
    services: Vec<ServiceView>,
    /// Threads that were abandoned because an actor hung on them, and have not ended since.
    abandoned_threads: Vec<String>,
    /// The dependencies of work: while one is unavailable, no job is claimed.
    dependencies: Vec<DependencyView>,
    /// Open sessions; `null` if the store does not respond.
    sessions: Option<u64>,
    /// Unfinished jobs by service; `null` if the store does not respond.
    jobs: Option<BTreeMap<&'static str, JobCountsView>>,
    /// The local disks whose free room is known.
    disks: Vec<DiskView>,
    /// The progress of the shutdown; `null` before it starts.
    drain: Option<DrainView>,
    /// The report of the previous shutdown.
    #[schema(value_type = Option<Object>)]
    previous_shutdown: Option<ShutdownReport>,
}

/// A dependency of work.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Dependency)]
struct DependencyView {
    /// `store`, `blobs`, `scratch`, `file_descriptors` or `threads`.
    name: &'static str,
    /// `closed` while it is available, `open` while it is not, `half_open` while it is probed.
    breaker: &'static str,
    /// Outages since the process started.
    outages: u64,
    /// The last error, while it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Unfinished jobs.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = JobCounts)]
struct JobCountsView {
    /// Queued.
    queued: u64,
    /// Running, here or on a peer.
    running: u64,
}

/// `GET /v1/system`
#[utoipa::path(
    get,
    path = "/v1/system",
    tag = "system",
    operation_id = "getSystem",
    summary = "Get the state of the process",
    description = "",
    responses(
        (status = 200, description = "The state", body = SystemView),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
) -> ApiResult<web::Json<SystemView>> {
    let (counts, disks) = (state.counts().await, state.disks.disks().await);
    let view = SystemView::new(&state, state.system.status(), counts.as_ref(), &disks);
    Ok(web::Json(view.for_role(caller.role)))
}

impl SystemView {
    /// The view of the system for a reader.
    pub(crate) fn new(
        state: &ApiState,
        status: SystemStatus,
        counts: Option<&StoreCounts>,
        disks: &[Disk],
    ) -> Self {
        let services = status.services.iter();
        let drain = state.system.drain_progress();
        Self {
            phase: status.phase,
            instance: *state.config.instance.as_uuid(),
            role: Role::Reader.as_str(),
            version: state.config.version.clone(),
            started_at: state.started_at,
            uptime_seconds: seconds(state.clock.now() - state.started_at),
            services: services
                .map(|service| ServiceView::new(service, counts))
                .collect(),
            abandoned_threads: status.abandoned_threads,
            dependencies: status.dependencies.into_iter().map(dependency).collect(),
            sessions: counts.map(|counts| counts.sessions),
            jobs: counts.map(jobs),
            disks: disks.iter().map(DiskView::from).collect(),
            drain: drain.map(|progress| DrainView::new(progress, state.unfinished_requests())),
            previous_shutdown: state.system.previous_shutdown(),
        }
    }

    /// The view for a caller with this role.
    pub(crate) fn for_role(mut self, role: Role) -> Self {
        self.role = role.as_str();
        self
    }
}

/// `POST /v1/system/drain`
#[utoipa::path(
    post,
    path = "/v1/system/drain",
    tag = "system",
    operation_id = "drain",
    summary = "Start the shutdown",
    description = "The same as SIGTERM; repeating it changes nothing. Requires a key with the role `admin` or a token with the scope `lastcall:admin`.",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted as on every POST; a repeat without it changes nothing either"),
    ),
    responses(
        (status = 202, description = "Started", body = StatusView),
    ),
)]
pub(crate) async fn drain(state: web::Data<ApiState>, caller: Caller) -> ApiResult<HttpResponse> {
    caller.require_admin(state.token_settings().as_deref())?;
    // For the boot a further request is a second signal, which would cut the shutdown short.
    if !state.drain_requested.swap(true, Ordering::Relaxed)
        && !state.system.phase().is_shutting_down()
    {
        log::info!("{} requested a shutdown", caller.owner.as_str());
        state.system.request_drain();
    }
    let status = "draining";
    Ok(HttpResponse::Accepted().json(StatusView { status }))
}

impl ApiState {
    /// The oldest job of each queue, without services for which the store does not respond in time.
    pub(crate) async fn oldest_queued(&self, counts: &StoreCounts) -> OldestQueued {
        let mut oldest = OldestQueued::new();
        for service in Service::ALL {
            // An empty queue need not be searched.
            if counts
                .jobs
                .get(&service)
                .is_none_or(|jobs| jobs.queued == 0)
            {
                oldest.insert(service, None);
                continue;
            }
            let filter = JobFilter {
                state: Some(State::Queued),
                service: Some(service),
                order: Order::Asc,
                ..JobFilter::default()
            };
            let first = self.store.jobs(&filter, None, 1);
            if let Ok(Ok(page)) = tokio::time::timeout(STORE_TIMEOUT, first).await {
                oldest.insert(service, page.items.first().map(|job| job.created_at));
            }
        }
        oldest
    }

    /// The store's counts, if it responds in time.
    pub(crate) async fn counts(&self) -> Option<StoreCounts> {
        match tokio::time::timeout(STORE_TIMEOUT, self.store.counts()).await {
            Ok(Ok(mut counts)) => {
                for service in Service::ALL {
                    counts.jobs.entry(service).or_default();
                }
                Some(counts)
            }
            Ok(Err(error)) => {
                log::debug!("cannot read the counts of the store: {error}");
                None
            }
            Err(_) => None,
        }
    }
}

fn dependency(status: DependencyStatus) -> DependencyView {
    DependencyView {
        name: status.name.as_str(),
        breaker: status.breaker.as_str(),
        outages: status.outages,
        detail: status.detail,
    }
}

fn jobs(counts: &StoreCounts) -> BTreeMap<&'static str, JobCountsView> {
    let view = |(service, counts): (&Service, &lastcall_domain::store::JobCounts)| {
        let view = JobCountsView {
            queued: counts.queued,
            running: counts.running,
        };
        (service.as_str(), view)
    };
    counts.jobs.iter().map(view).collect()
}

pub(crate) fn seconds(span: chrono::TimeDelta) -> f64 {
    span.to_std().unwrap_or_default().as_secs_f64()
}
