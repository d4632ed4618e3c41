//! The sequence from the first signal to the exit. One deadline bounds every wait.

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lastcall_actors::log_lines;
use lastcall_actors::shutdown::{
    DrainOutcome, EXIT_ESCALATED, EXIT_HANDED_BACK, Leftovers, Shutdown, Timeline,
};
use lastcall_actors::{Reason, ShutdownReport};
use tokio::time::Instant;

use super::MainThread;
use super::closers::Closers;
use super::run_marker::RunMarker;
use super::signals::{Cause, Signals, Stop};
use super::startup::{Http, Service};
use super::threads;
use crate::exit::Exit;

/// How long closing everything may take if no deadline is earlier.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The most time that is reserved for the report and the exit.
const REPORT_TIME: Duration = Duration::from_millis(100);
/// How long to wait for the stopped threads to exit.
const THREADS_TIMEOUT: Duration = Duration::from_secs(2);
/// Extra time for responses in progress when the hand-back is due.
const LAST_RESPONSES_TIMEOUT: Duration = Duration::from_millis(50);
/// How long the subscribers of system events may take for their last event.
const LAST_EVENT_TIMEOUT: Duration = Duration::from_millis(250);

/// Shuts down a service that was ready, for `stop`'s reason.
pub(super) fn run(
    service: Service,
    closers: Closers,
    main: MainThread,
    signals: &Signals,
    timeline: Timeline,
    stop: Stop,
) -> ExitCode {
    log_begin(&stop.cause);
    let Service {
        tree,
        system,
        http,
        marker,
        state_dir,
        store: _,
    } = service;
    let reason = stop.cause.reason();
    let mut other_left = Vec::new();
    system.set_drain(stop.at, timeline);
    let (shutdown, outcome) = main.runner.block_on(async {
        let shutdown = tree.shutdown_since(stop.at, reason, timeline);
        system.set_shutdown(shutdown.clone());
        prepare_watchdog(signals, &shutdown, None, reason, &marker);
        let sequence = sequence(&shutdown, http, &mut other_left);
        let outcome = tokio::select! {
            outcome = sequence => outcome,
            never = expedite_on_second_signal(&shutdown, signals) => match never {},
        };
        (shutdown, outcome)
    });
    prepare_watchdog(signals, &shutdown, Some(&outcome), reason, &marker);
    drop((tree, system));

    let report_time = REPORT_TIME.min((timeline.deadline - timeline.hand_back_end) / 4);
    let closed_by = shutdown.deadline() - report_time;
    other_left.extend(closers.close(&main.runner, closed_by));
    main.close(closed_by);
    let threads = threads::left(closed_by.min(Instant::now() + THREADS_TIMEOUT));
    state_dir.clean();
    let left = Leftovers {
        threads,
        other: other_left,
    };
    let report = shutdown.report(Some(outcome), left);
    marker.end(&report);
    log_report(&report);
    drop(state_dir);
    u8::try_from(report.exit_code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Ends a start that a signal interrupted: no work was accepted, so none is left.
pub(super) fn end_start(
    closers: Closers,
    main: MainThread,
    timeline: Timeline,
    stop: &Stop,
) -> ExitCode {
    log_begin(&stop.cause);
    let deadline = stop.at + timeline.deadline;
    let left = close_all(closers, main, deadline.min(Instant::now() + CLOSE_TIMEOUT));
    if left.is_empty() {
        log::info!("{}", log_lines::ALL_DOWN);
        Exit::Clean.into()
    } else {
        log_leftovers(&left);
        Exit::HandedBack.into()
    }
}

/// Closes what a failed start has built.
pub(super) fn abort_start(closers: Closers, main: MainThread) {
    let left = close_all(closers, main, Instant::now() + CLOSE_TIMEOUT);
    if !left.is_empty() {
        log_leftovers(&left);
    }
}

fn close_all(closers: Closers, main: MainThread, until: Instant) -> Vec<String> {
    let mut left = closers.close(&main.runner, until);
    main.close(until);
    let threads = threads::left(until).into_iter();
    left.extend(threads.map(|name| format!("thread {name}")));
    left
}

impl MainThread {
    /// Shuts the runtime and its threads down by `until`.
    fn close(self, until: Instant) {
        let Self { runner, runtime } = self;
        drop(runner);
        if let Some(runtime) = Arc::into_inner(runtime) {
            runtime.shutdown_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}

/// The steps between the first signal and the end of the last actor.
async fn sequence(shutdown: &Shutdown, http: Http, other_left: &mut Vec<String>) -> DrainOutcome {
    shutdown.lame_duck().await;
    // No further connections are accepted; requests in progress finish.
    http.handle.pause().await;
    if let Err(error) = http.socket.shutdown(std::net::Shutdown::Both) {
        log::warn!("the listener did not close: {error}");
    }
    let due = async {
        shutdown.hand_back_due().await;
        tokio::time::sleep(LAST_RESPONSES_TIMEOUT).await;
    };
    tokio::select! {
        biased;
        () = http.state.close_connections() => {}
        () = due => {
            let unfinished = http.state.unfinished_requests();
            if unfinished > 0 {
                other_left.push(format!("requests without a complete response: {unfinished}"));
            }
        }
    }
    http.state.cut_connections();
    let outcome = shutdown.drain().await;
    // The event streams end here.
    let known = Leftovers {
        other: other_left.clone(),
        ..Leftovers::default()
    };
    let report = shutdown.report(Some(outcome.clone()), known);
    let left = shutdown.deadline() - Instant::now();
    let timeout = LAST_EVENT_TIMEOUT.min(left / 8);
    http.state.end_system_streams(report, timeout).await;
    // Not the graceful stop, which polls once a second: there is nothing to wait for.
    http.handle.stop(false).await;
    if let Some(admin) = http.admin {
        admin.stop(false).await;
    }
    outcome
}

/// The second signal goes straight to the hand-back.
async fn expedite_on_second_signal(shutdown: &Shutdown, signals: &Signals) -> Infallible {
    signals.second().await;
    log::warn!("second signal: handing back unfinished jobs");
    shutdown.expedite();
    std::future::pending().await
}

/// Prepares the watchdog's report for the case that the deadline passes: only what is known by now.
fn prepare_watchdog(
    signals: &Signals,
    shutdown: &Shutdown,
    outcome: Option<&DrainOutcome>,
    reason: Reason,
    marker: &RunMarker,
) {
    let (shutdown, outcome, marker) = (shutdown.clone(), outcome.cloned(), marker.clone());
    let exit_code = match reason {
        Reason::Escalation => EXIT_ESCALATED,
        Reason::Sigterm | Reason::Sigint | Reason::Api => EXIT_HANDED_BACK,
    };
    signals.stops().watchdog().expire_with(exit_code, move || {
        let left = Leftovers {
            threads: threads::left(Instant::now()),
            other: vec!["the deadline passed before everything had ended".to_owned()],
        };
        let report = shutdown.report(outcome, left);
        // If the disk hangs, at least the log has it.
        log_report(&report);
        marker.end(&report);
    });
}

fn log_begin(cause: &Cause) {
    log::info!("{}", log_lines::SHUTTING_DOWN);
    match cause {
        Cause::Requested(_) => {}
        Cause::Escalated(escalation) => log::error!(
            "{} exceeded its restart limit; last fault: {}",
            escalation.service,
            escalation.fault
        ),
        Cause::ServerEnded(what) => log::error!("{what}"),
    }
}

fn log_leftovers(left: &[String]) {
    log::warn!("not everything was finished: {}", left.join(", "));
}

/// Logs the report, and whether all went well.
fn log_report(report: &ShutdownReport) {
    match serde_json::to_string(report) {
        Ok(text) => log::info!("shutdown report: {text}"),
        Err(error) => log::error!("cannot print the shutdown report: {error}"),
    }
    if report.clean {
        log::info!("{}", log_lines::ALL_DOWN);
    } else {
        log_leftovers(&report.leftovers());
    }
}
