//! The sequence from the first signal to the exit. Every wait ends by one deadline.

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

/// What may be taken to close everything where no deadline says less.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// What is kept of the deadline for the report and the exit, at most.
const REPORT_TIME: Duration = Duration::from_millis(100);
/// How long the threads that were told to end are waited for.
const THREADS_TIMEOUT: Duration = Duration::from_secs(2);
/// What the end of an answer that is on its way may take although it is time to hand back.
const LAST_BYTES_TIMEOUT: Duration = Duration::from_millis(50);
/// How long those who follow the system may take for their last event, at most.
const LAST_EVENT_TIMEOUT: Duration = Duration::from_millis(250);

/// Takes a service that was ready down, for `stop`'s reason.
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
    system.drains(stop.at, timeline);
    let (shutdown, outcome) = main.runner.block_on(async {
        let shutdown = tree.shutdown_since(stop.at, reason, timeline);
        system.drains_by(shutdown.clone());
        watch(signals, &shutdown, None, reason, &marker);
        let sequence = sequence(&shutdown, http, &mut other_left);
        let outcome = tokio::select! {
            outcome = sequence => outcome,
            never = hurry_on_second_signal(&shutdown, signals) => match never {},
        };
        (shutdown, outcome)
    });
    watch(signals, &shutdown, Some(&outcome), reason, &marker);
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

/// Ends a start that a signal has cut short: nothing was taken up, and nothing is left.
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

/// Closes what a start that failed had built.
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
    /// Ends the runtime, and what it has started on threads, by `until`.
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
    // No connection is accepted any more; requests in progress finish.
    http.handle.pause().await;
    if let Err(error) = http.socket.shutdown(std::net::Shutdown::Both) {
        log::warn!("the listener did not close: {error}");
    }
    let due = async {
        shutdown.hand_back_due().await;
        tokio::time::sleep(LAST_BYTES_TIMEOUT).await;
    };
    tokio::select! {
        biased;
        () = http.state.close_connections() => {}
        () = due => {
            let owed = http.state.owed();
            if owed > 0 {
                other_left.push(format!("requests without a whole answer: {owed}"));
            }
        }
    }
    http.state.cut_connections();
    let outcome = shutdown.drain().await;
    // Until here the drain could be watched.
    let known = Leftovers {
        other: other_left.clone(),
        ..Leftovers::default()
    };
    let report = shutdown.report(Some(outcome.clone()), known);
    let left = shutdown.deadline() - Instant::now();
    let patience = LAST_EVENT_TIMEOUT.min(left / 8);
    http.state.end_system_streams(report, patience).await;
    // Not the graceful stop, which looks once a second: there is nothing to wait for.
    http.handle.stop(false).await;
    if let Some(admin) = http.admin {
        admin.stop(false).await;
    }
    outcome
}

/// The second signal goes straight to the hand-back.
async fn hurry_on_second_signal(shutdown: &Shutdown, signals: &Signals) -> Infallible {
    signals.second().await;
    log::warn!("second signal: handing back unfinished jobs");
    shutdown.expedite();
    std::future::pending().await
}

/// What the watchdog is to say where the deadline passes all the same: what is known by now, and
/// nothing that is not.
fn watch(
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
        // Where the disk hangs, at least the log has it.
        log_report(&report);
        marker.end(&report);
    });
}

fn log_begin(cause: &Cause) {
    log::info!("{}", log_lines::SHUTTING_DOWN);
    match cause {
        Cause::Asked(_) => {}
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

/// Writes the report to the log, and in the end whether all went well.
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
