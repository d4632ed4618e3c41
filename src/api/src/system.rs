//! `/v1/system`: how the process is, and telling it to stop.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use lastcall_domain::Service;
use lastcall_domain::store::StoreCounts;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::ports::{Phase, ServiceStatus};
use crate::problem::ApiResult;
use crate::state::ApiState;

/// How long the store may take to say its figures.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
pub(crate) struct SystemView {
    /// Where it stands between its start and its end.
    phase: Phase,
    /// One run of the process.
    instance: Uuid,
    /// The version of the service.
    version: String,
    /// When it started.
    started_at: DateTime<Utc>,
    /// For how many seconds it has been up.
    uptime_seconds: f64,
    /// The actors, in their start order.
    services: Vec<ServiceView>,
    /// Sessions that are there; `null` where the store does not say.
    sessions: Option<u64>,
    /// Unfinished jobs by service; `null` where the store does not say.
    jobs: Option<BTreeMap<&'static str, JobCountsView>>,
    /// How far the shutdown has come; `null` before it begins.
    #[schema(value_type = Option<Object>)]
    drain: Option<Value>,
    /// The report of the shutdown before this start.
    #[schema(value_type = Option<Object>)]
    previous_shutdown: Option<Value>,
}

/// Unfinished jobs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobCounts)]
struct JobCountsView {
    /// Waiting.
    queued: u64,
    /// In a worker's hand, here or at a peer.
    running: u64,
}

/// One actor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
struct ServiceView {
    #[serde(flatten)]
    status: ServiceStatus,
    /// Jobs that wait for it in the store; `null` where it runs none or the store does not say.
    queued: Option<u64>,
}

/// `GET /v1/system`
pub(crate) async fn get(state: web::Data<ApiState>) -> ApiResult<web::Json<SystemView>> {
    let counts = state.counts().await;
    let now = state.clock.now();
    let services = state.system.services().into_iter();
    let services = services.map(|status| ServiceView {
        queued: service_of(&status.name)
            .and_then(|service| Some(counts.as_ref()?.jobs.get(&service)?.queued)),
        status,
    });
    Ok(web::Json(SystemView {
        phase: state.phase(),
        instance: *state.config.instance.as_uuid(),
        version: state.config.version.clone(),
        started_at: state.started_at,
        uptime_seconds: seconds(now - state.started_at),
        services: services.collect(),
        sessions: counts.as_ref().map(|counts| counts.sessions),
        jobs: counts.as_ref().map(jobs),
        drain: state.system.drain_progress(),
        previous_shutdown: state.system.previous_shutdown(),
    }))
}

/// `POST /v1/system/drain`
pub(crate) async fn drain(state: web::Data<ApiState>, caller: Caller) -> ApiResult<HttpResponse> {
    caller.require_admin()?;
    state.system.request_drain(&format!(
        "POST /v1/system/drain by {}",
        caller.owner.as_str()
    ));
    Ok(HttpResponse::Accepted().json(json!({ "status": "draining" })))
}

impl ApiState {
    /// The store's figures, if it says them soon.
    pub(crate) async fn counts(&self) -> Option<StoreCounts> {
        match tokio::time::timeout(PATIENCE, self.store.counts()).await {
            Ok(Ok(mut counts)) => {
                for service in Service::ALL {
                    counts.jobs.entry(service).or_default();
                }
                Some(counts)
            }
            Ok(Err(error)) => {
                log::debug!("the store does not say its figures: {error}");
                None
            }
            Err(_) => None,
        }
    }
}

/// The service that an actor runs the jobs of.
pub(crate) fn service_of(actor: &str) -> Option<Service> {
    match actor {
        "AnalysisService" => Some(Service::Analysis),
        "ReportService" => Some(Service::Report),
        _ => None,
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
