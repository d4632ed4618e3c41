//! The way down: the parts in the reverse of the order in which they were built.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lastcall_actors::log_lines;
use lastcall_actors::shutdown::{DrainOutcome, Leftovers, Shutdown};
use lastcall_domain::Store;
use lastcall_sql::Sql;
use tokio::time::Instant;

use super::built::{Built, Http};
use super::record::Record;
use super::signals::{Signals, Stop};
use super::state_dir::StateDir;
use super::threads;
use super::watchdog::Watchdog;
use crate::config::Config;
use crate::exit::Exit;
use crate::work::Compute;

/// What a part may take to close when there is no deadline to respect.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after its deadline the process is ended whatever it does.
const OVERTIME: Duration = Duration::from_millis(300);
/// What is left of the deadline for the threads when the store does not close.
const LAST_THREADS: Duration = Duration::from_millis(50);

/// What the end of an answer that is on its way may take although it is time to hand back.
const LAST_BYTES: Duration = Duration::from_millis(50);

/// What is known when the runtime has ended.
pub(super) struct Ended {
    shutdown: Option<Shutdown>,
    outcome: DrainOutcome,
    other_left: Vec<String>,
    compute: Option<Arc<Compute>>,
    record: Option<Record>,
    /// Held until the report is written: the next process must not begin before.
    state_dir: Option<StateDir>,
    watchdog: Option<Watchdog>,
}

/// Closes what a start that failed has built.
pub(super) async fn abandon(built: Built) {
    if let Some(http) = &built.http {
        http.handle.stop(false).await;
    }
    close_sql(built.sql).await;
    if let Some(problem) = close_store(built.store, PATIENCE).await {
        log::warn!("{problem}");
    }
    if let Some(record) = &built.record {
        record.undo();
    }
}

/// Takes everything down, for `stop`'s reason.
pub(super) async fn take_down(
    built: Built,
    config: &Config,
    signals: &Signals,
    stop: Stop,
) -> Ended {
    log::info!("{}", log_lines::SHUTTING_DOWN);
    match &stop {
        Stop::Asked(_) => {}
        Stop::Escalated(escalation) => log::error!(
            "{} died too often, the last time of: {}",
            escalation.service,
            escalation.fault
        ),
        Stop::ServerEnded(what) => log::error!("{what}"),
    }
    let (Some(tree), Ok(timeline)) = (built.tree.clone(), config.timeline()) else {
        // A signal during the start, before there was anything to drain.
        abandon(built).await;
        return Ended::before_start();
    };
    if let Some(system) = &built.system {
        system.drains(timeline);
    }
    let shutdown = tree.shutdown(stop.reason(), timeline);
    let watchdog = arm(&shutdown, built.record.clone());
    let mut other_left = Vec::new();

    let conducted = conduct(&shutdown, built.http, &mut other_left);
    let outcome = tokio::select! {
        outcome = conducted => outcome,
        never = hurry_on_signal(&shutdown, signals) => match never {},
    };
    drop(tree);
    close_sql(built.sql).await;
    let patience = until(shutdown.deadline()).saturating_sub(LAST_THREADS);
    other_left.extend(close_store(built.store, patience).await);
    Ended {
        shutdown: Some(shutdown),
        outcome,
        other_left,
        compute: built.compute,
        record: built.record,
        state_dir: built.state_dir,
        watchdog,
    }
}

/// The steps between the first signal and the end of the last actor.
async fn conduct(
    shutdown: &Shutdown,
    http: Option<Http>,
    other_left: &mut Vec<String>,
) -> DrainOutcome {
    shutdown.lame_duck().await;
    if let Some(http) = http {
        // No connection is accepted any more; requests in progress finish.
        http.handle.pause().await;
        if let Err(error) = http.socket.shutdown(std::net::Shutdown::Both) {
            log::warn!("the listener did not close: {error}");
        }
        let due = async {
            shutdown.hand_back_due().await;
            tokio::time::sleep(LAST_BYTES).await;
        };
        tokio::select! {
            biased;
            () = http.state.settled() => {}
            () = due => {
                let owed = http.state.owed();
                if owed > 0 {
                    other_left.push(format!("requests without a whole answer: {owed}"));
                }
            }
        }
        // Not the graceful stop, which looks once a second: there is nothing to wait for.
        http.handle.stop(false).await;
    }
    shutdown.drain().await
}

/// Every further signal goes straight to the hand-back.
async fn hurry_on_signal(shutdown: &Shutdown, signals: &Signals) -> std::convert::Infallible {
    loop {
        if let Stop::Asked(_) = signals.next().await {
            log::warn!("second signal: handing back what is not finished");
            shutdown.hurry();
        }
    }
}

/// Ends the process if the deadline passes all the same, and says so.
fn arm(shutdown: &Shutdown, record: Option<Record>) -> Option<Watchdog> {
    let last = shutdown.clone();
    let armed = Watchdog::arm(until(shutdown.deadline()) + OVERTIME, move || {
        let left = Leftovers {
            threads: threads::left(Duration::ZERO),
            other: vec!["the deadline passed before everything had ended".to_owned()],
        };
        write_report(&last, DrainOutcome::default(), left, record.as_ref());
        i32::from(Exit::HandedBack.code())
    });
    armed
        .inspect_err(|error| log::error!("the deadline cannot be watched: {error}"))
        .ok()
}

/// How long it is until `moment`.
fn until(moment: Instant) -> Duration {
    moment.saturating_duration_since(Instant::now())
}

async fn close_sql(sql: Option<Arc<Sql>>) {
    if let Some(sql) = sql {
        sql.shutdown().await;
    }
}

/// Closes the store; what went wrong, if something did.
async fn close_store(store: Option<Arc<dyn Store>>, patience: Duration) -> Option<String> {
    let store = store?;
    match tokio::time::timeout(patience, store.close()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("the store did not close in order: {error}")),
        Err(_) => Some("the store did not close in time".to_owned()),
    }
}

impl Ended {
    /// A shutdown before anything had been started.
    fn before_start() -> Self {
        Self {
            shutdown: None,
            outcome: DrainOutcome::default(),
            other_left: Vec::new(),
            compute: None,
            record: None,
            state_dir: None,
            watchdog: None,
        }
    }

    /// Joins the last threads, writes the report and tells the truth.
    pub(super) fn conclude(self) -> ExitCode {
        let patience = match &self.shutdown {
            Some(shutdown) => until(shutdown.deadline()),
            None => PATIENCE,
        };
        if let Some(compute) = self.compute {
            compute.shutdown(patience);
        }
        if let Some(watchdog) = self.watchdog {
            watchdog.disarm();
        }
        let left = Leftovers {
            threads: threads::left(patience.min(PATIENCE)),
            other: self.other_left,
        };
        let Some(shutdown) = self.shutdown else {
            log::info!("{}", log_lines::ALL_DOWN);
            return Exit::Clean.into();
        };
        if let Some(state_dir) = &self.state_dir {
            state_dir.clean();
        }
        let code = write_report(&shutdown, self.outcome, left, self.record.as_ref());
        drop(self.state_dir);
        u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
    }
}

/// Writes the report to its file and to the log; the exit code that it gives.
fn write_report(
    shutdown: &Shutdown,
    outcome: DrainOutcome,
    left: Leftovers,
    record: Option<&Record>,
) -> i32 {
    let report = shutdown.report(outcome, left);
    if let Some(record) = record {
        record.end(&report);
    }
    match serde_json::to_string(&report) {
        Ok(text) => log::info!("shutdown report: {text}"),
        Err(error) => log::error!("the shutdown report cannot be shown: {error}"),
    }
    if report.clean {
        log::info!("{}", log_lines::ALL_DOWN);
    } else {
        log::warn!(
            "not everything was finished: {}",
            report.leftovers().join(", ")
        );
    }
    report.exit_code
}
