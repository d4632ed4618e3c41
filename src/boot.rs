//! Builds all parts, waits for a reason to stop, and closes them in reverse order. The only module
//! that knows every part.
//!
//! [`startup`] builds the parts and pushes a closer for each onto [`closers`]; [`shutdown`] is the
//! sequence from the first signal to the exit. [`signals`] and [`watchdog`] have their own threads,
//! which wait for nobody: whatever hangs, signals are handled and the deadline holds.

mod closers;
mod disks;
mod file_id;
mod limits;
mod orphans;
mod reload;
mod run_marker;
mod sd_notify;
mod settings;
mod shutdown;
mod signals;
mod startup;
mod state_dir;
mod store_clock;
mod system;
mod threads;
mod tls;
mod tracer;
mod watchdog;

use std::process::ExitCode;
use std::sync::Arc;

use actix_rt::SystemRunner;
use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

use crate::config::{Config, raise_file_limit};
use crate::exit::{Exit, Failure};
use crate::logging::LogWriter;
use closers::Closers;
use limits::LimitsInForce;
pub(crate) use reload::ConfigFiles;
use reload::Reload;
use sd_notify::Manager;
pub(crate) use settings::{PDF_CHILD, SQL_CHILD, local_sql_config};
pub(crate) use signals::BlockedSignals;
use signals::{Signals, Stop};
use startup::Service;
use tls::ListenerTls;
use watchdog::Watchdog;

/// Runs the service until it is stopped. Returns the exit code.
///
/// The watchdog and the signal thread outlive this: they guard the process until it exits.
///
/// # Errors
/// If it could not start. Everything built so far is closed by then.
pub(crate) fn serve(
    config: &Config,
    files: ConfigFiles,
    held: BlockedSignals,
    log: &LogWriter,
) -> Result<ExitCode, Failure> {
    let timeline = config
        .timeline()
        .map_err(|_| anyhow::anyhow!("the phases do not fit in shutdown.deadline"))
        .map_err(|error| Failure::new(Exit::Config, error))?;
    let tls = ListenerTls::load(config)?;
    let manager = Manager::from_environment();
    let guard = Watchdog::start(log.clone())
        .and_then(|watchdog| Signals::listen(held, timeline, watchdog, manager.clone()))
        .map_err(|error| Failure::new(Exit::Software, error))?;
    let signals = &guard;
    raise_file_limit().map_err(|error| Failure::new(Exit::Unavailable, error))?;
    let runtime = main_runtime().map_err(|error| Failure::new(Exit::Software, error))?;
    let runner = actix_rt::System::with_tokio_rt(|| Arc::clone(&runtime));
    lastcall_domain::mark_arbiter();
    let main = MainThread { runner, runtime };

    let mut closers = Closers::default();
    let started = main.runner.block_on(async {
        tokio::select! {
            biased;
            stop = signals.stop() => Started::Stopped(stop),
            started = startup::start(config, tls.in_force(), signals, log, &mut closers) => match started {
                Ok(service) => Started::Ready(service),
                Err(failure) => Started::Failed(failure),
            },
        }
    });
    match started {
        Started::Ready(service) => {
            let scheme = if tls.in_force().is_some() {
                "https"
            } else {
                "http"
            };
            let status = format!("ready on {scheme}://{}", service.http.address);
            manager.ready(&status);
            reload::warn_of_expired(&config.auth.callers);
            let limits = LimitsInForce::new(
                config.per_owner,
                Arc::clone(&service.store),
                service.tree.clone(),
                service.http.state.clone(),
            );
            let reload = Reload::new(files, limits, tls, signals, manager.clone(), status);
            let stop = main.runner.block_on(async {
                tokio::select! {
                    stop = wait(&service, signals) => stop,
                    never = reload.run(&service.http.state) => match never {},
                    never = reload::notify_watchdog(&manager, &service.tree) => match never {},
                    never = orphans::reap() => match never {},
                }
            });
            Ok(shutdown::run(
                *service, closers, main, signals, timeline, stop,
            ))
        }
        Started::Stopped(stop) => Ok(shutdown::end_start(closers, main, timeline, &stop)),
        Started::Failed(failure) => {
            shutdown::abort_start(closers, main);
            Err(failure)
        }
    }
}

/// The outcome of the start.
enum Started {
    Ready(Box<Service>),
    /// A signal came first.
    Stopped(Stop),
    Failed(Failure),
}

/// What runs on the main thread.
struct MainThread {
    runner: SystemRunner,
    runtime: Arc<Runtime>,
}

fn main_runtime() -> anyhow::Result<Arc<Runtime>> {
    let runtime = Builder::new_current_thread().enable_all().build();
    Ok(Arc::new(runtime.context("cannot start the runtime")?))
}

/// Waits for a reason to stop.
async fn wait(service: &Service, signals: &Signals) -> Stop {
    tokio::select! {
        stop = signals.stop() => stop,
        escalation = service.tree.escalated() => signals.stops().escalated(escalation),
    }
}
