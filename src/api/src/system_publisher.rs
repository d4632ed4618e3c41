//! Publishes snapshots of the system for all subscribers: one task, however many there are, which
//! runs only while there are any.

use std::pin::Pin;
use std::time::Duration;

use actix_web::web;
use bytes::Bytes;
use lastcall_actors::{ShutdownReport, SystemStatus};
use lastcall_domain::Disk;
use lastcall_domain::store::StoreCounts;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::auth::Role;
use crate::state::ApiState;
use crate::system::SystemView;
use crate::system_feed::Latest;

/// How often the status of the actors is compared with what was published last.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The shortest time between two events within a phase.
const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// The longest time between two events, without the poll interval.
const MAX_INTERVAL: Duration = Duration::from_millis(900);
/// How often the store and the disks are measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the first event waits for the first measurement.
const FIRST_MEASURE_TIMEOUT: Duration = Duration::from_millis(250);

/// Subscribes to the events of the system. Must be called again if none arrive for a while: the
/// thread of the publisher may have died.
///
/// # Panics
/// If no actix system runs on this thread.
pub(crate) fn subscribe(state: &web::Data<ApiState>) -> watch::Receiver<Latest> {
    let (latest, starts) = state.system_feed.subscribe();
    if starts {
        actix_web::rt::spawn(publish(state.clone()));
    }
    latest
}

/// What may take time to measure.
#[derive(Default)]
struct Measurements {
    counts: Option<StoreCounts>,
    disks: Vec<Disk>,
}

type PendingMeasurements = Pin<Box<dyn Future<Output = Measurements>>>;

/// Measures the store and the disks, after a pause. Both respond within a bound.
fn measure(state: web::Data<ApiState>, pause: Duration) -> PendingMeasurements {
    Box::pin(async move {
        sleep(pause).await;
        Measurements {
            counts: state.counts().await,
            disks: state.disks.disks().await,
        }
    })
}

/// Publishes until there are no subscribers or there is nothing more to publish.
async fn publish(state: web::Data<ApiState>) {
    let mut guard = PublisherGuard {
        state: &state,
        ended: false,
    };
    let mut pending = measure(state.clone(), Duration::ZERO);
    let mut measurements = Measurements::default();
    if let Ok(first) = timeout(FIRST_MEASURE_TIMEOUT, &mut pending).await {
        measurements = first;
        pending = measure(state.clone(), MEASURE_INTERVAL);
    }
    let mut published = state.system.status();
    let mut at = Instant::now();
    publish_snapshot(&state, &published, &measurements, None);
    loop {
        let status = tokio::select! {
            biased;
            report = state.system_feed.ended() => {
                let end = event("end", &EndView { reason: "stopped", report: &report });
                return publish_snapshot(&state, &state.system.status(), &measurements, Some(end));
            }
            () = state.system.phase_passed(published.phase) => state.system.status(),
            answer = &mut pending => {
                measurements = answer;
                pending = measure(state.clone(), MEASURE_INTERVAL);
                continue;
            }
            () = sleep(POLL_INTERVAL) => {
                if state.system_feed.stop_without_subscribers() {
                    guard.ended = true;
                    return;
                }
                let status = state.system.status();
                let age = at.elapsed();
                if age < MIN_INTERVAL || (age < MAX_INTERVAL && status == published) {
                    continue;
                }
                status
            }
        };
        publish_snapshot(&state, &status, &measurements, None);
        (published, at) = (status, Instant::now());
    }
}

fn publish_snapshot(
    state: &ApiState,
    status: &SystemStatus,
    measurements: &Measurements,
    end: Option<Bytes>,
) {
    let Measurements { counts, disks } = measurements;
    let view = SystemView::new(state, status.clone(), counts.as_ref(), disks);
    let system = Role::ALL.map(|role| {
        let view = view.clone().for_role(role);
        event("system", &view)
    });
    let system = Some(system);
    state.system_feed.publish(Latest { system, end });
}

/// The end of the stream.
#[derive(Serialize)]
struct EndView<'a> {
    reason: &'static str,
    report: &'a ShutdownReport,
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    // Plain values can always be serialised.
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// Reports the death of the publisher, so that another one replaces it.
struct PublisherGuard<'a> {
    state: &'a ApiState,
    ended: bool,
}

impl Drop for PublisherGuard<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.state.system_feed.publisher_died();
        }
    }
}
