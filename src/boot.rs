//! The only place that knows everyone: it builds the parts up, waits for a reason to stop, and
//! takes them down in the reverse order.
//!
//! [`built`] is the way up, [`down`] the way down. Signals belong to us, not to actix; the
//! shutdown is what the supervisor answers, not `System::stop`; and the last line of the log is
//! printed only after the operating system has said that no thread is left.

mod built;
mod down;
mod record;
mod signals;
mod state_dir;
mod system;
mod threads;
mod watchdog;

use std::process::ExitCode;

use crate::config::Config;
use crate::exit::{Exit, Failure};
use built::Built;
pub(crate) use built::SQL_CHILD;
use down::Ended;
use signals::{Signals, Stop};

/// Runs the service until it is told to stop. The answer is how it ended.
///
/// # Errors
/// Where it could not start.
pub fn serve(config: Config) -> Result<ExitCode, Failure> {
    let signals = Signals::listen().map_err(|error| Failure::new(Exit::Software, error))?;
    let runner = actix_rt::System::new();
    let ended = runner.block_on(run(&config, &signals));
    // Joins what the parts ran on this runtime's threads.
    drop(runner);
    signals.close();
    ended.map(Ended::conclude)
}

async fn run(config: &Config, signals: &Signals) -> Result<Ended, Failure> {
    let mut built = Built::default();
    let stop = tokio::select! {
        biased;
        stop = signals.next() => stop,
        up = built.up(config, signals) => match up {
            Ok(()) => wait(&built, signals).await,
            Err(failure) => {
                down::abandon(built).await;
                return Err(failure);
            }
        },
    };
    Ok(down::take_down(built, config, signals, stop).await)
}

/// Waits for a reason to stop.
async fn wait(built: &Built, signals: &Signals) -> Stop {
    tokio::select! {
        stop = signals.next() => stop,
        stop = built.failed() => stop,
    }
}
