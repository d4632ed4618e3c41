//! Looks at the system for all who follow it: one task, however many they are, which runs only while
//! somebody does.

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
/// The longest time between two events is this and a poll's.
const MAX_INTERVAL: Duration = Duration::from_millis(900);
/// How often the store and the disks are asked.
const FIGURES_INTERVAL: Duration = Duration::from_secs(1);
/// How long the first event waits for their figures.
const FIRST_FIGURES_TIMEOUT: Duration = Duration::from_millis(250);

/// The latest events of the system, and those that follow. To be called again where none come for a
/// while: the thread that published them may have died.
///
/// # Panics
/// Where no actix system runs on this thread.
pub(crate) fn follow(state: &web::Data<ApiState>) -> watch::Receiver<Latest> {
    let (news, starts) = state.system_feed.follow();
    if starts {
        actix_web::rt::spawn(publish(state.clone()));
    }
    news
}

/// What parts say that may take their time.
#[derive(Default)]
struct Figures {
    counts: Option<StoreCounts>,
    disks: Vec<Disk>,
}

type PendingFigures = Pin<Box<dyn Future<Output = Figures>>>;

/// Asks the store and the disks, after a pause. Both answer within a bound.
fn ask(state: web::Data<ApiState>, pause: Duration) -> PendingFigures {
    Box::pin(async move {
        sleep(pause).await;
        Figures {
            counts: state.counts().await,
            disks: state.disks.disks().await,
        }
    })
}

/// Publishes until nobody follows or there is nothing more to come.
async fn publish(state: web::Data<ApiState>) {
    let mut running = Running {
        state: &state,
        ended: false,
    };
    let mut pending = ask(state.clone(), Duration::ZERO);
    let mut figures = Figures::default();
    if let Ok(first) = timeout(FIRST_FIGURES_TIMEOUT, &mut pending).await {
        figures = first;
        pending = ask(state.clone(), FIGURES_INTERVAL);
    }
    let mut published = state.system.status();
    let mut at = Instant::now();
    tell(&state, &published, &figures, None);
    loop {
        let status = tokio::select! {
            biased;
            report = state.system_feed.ended() => {
                let end = event("end", &EndView { reason: "stopped", report: &report });
                return tell(&state, &state.system.status(), &figures, Some(end));
            }
            () = state.system.phase_passed(published.phase) => state.system.status(),
            answer = &mut pending => {
                figures = answer;
                pending = ask(state.clone(), FIGURES_INTERVAL);
                continue;
            }
            () = sleep(POLL_INTERVAL) => {
                if state.system_feed.end_unfollowed() {
                    running.ended = true;
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
        tell(&state, &status, &figures, None);
        (published, at) = (status, Instant::now());
    }
}

fn tell(state: &ApiState, status: &SystemStatus, figures: &Figures, end: Option<Bytes>) {
    let Figures { counts, disks } = figures;
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
    // What is made of plain values is written.
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// A publisher, which another one replaces where it dies.
struct Running<'a> {
    state: &'a ApiState,
    ended: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.state.system_feed.publisher_died();
        }
    }
}
