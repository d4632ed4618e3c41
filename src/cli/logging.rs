//! The log: env_logger, as text for people or as one JSON object per line for containers.

use std::io::Write as _;

use env_logger::{Builder, Logger, Target, WriteStyle};
use log::{LevelFilter, Metadata, Record};
use serde_json::json;

use crate::config::Config;

/// What `accept` says of a listener that was shut down: `EINVAL`.
const CLOSED: i32 = 22;

/// Sets up the log of the process, on standard error. `RUST_LOG`, where set, comes after
/// `log.level` and so refines it.
pub(super) fn init(config: &Config) {
    // To this library what clients send is an error of the service: for debugging only.
    let of_clients = match config.log.level {
        level if level >= LevelFilter::Debug => level,
        _ => LevelFilter::Off,
    };
    let mut builder = Builder::new();
    builder
        .filter_level(config.log.level)
        // Its workers' coming and going is told by the lines of the contract.
        .filter_module("actix_server", LevelFilter::Warn)
        .filter_module("actix_http", of_clients)
        // That a table is there already is no news.
        .filter_module("tokio_postgres", LevelFilter::Warn)
        .parse_default_env()
        .target(Target::Stderr);
    if config.log.json {
        builder
            .write_style(WriteStyle::Never)
            .format(|out, record| writeln!(out, "{}", as_json(record)));
    }
    let logger = builder.build();
    let level = logger.filter();
    // Only a second initialization fails, and that would be a test in this process.
    if log::set_boxed_logger(Box::new(Log(logger))).is_ok() {
        log::set_max_level(level);
    }
}

/// The logger, without what is no news.
struct Log(Logger);

impl log::Log for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.0.matches(record) && !is_of_closing(record) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Whether it is the accepting thread being told by the listener, before it was told by us,
/// that the listener was closed for the shutdown. It calls that an error twice.
fn is_of_closing(record: &Record<'_>) -> bool {
    record.target() == "actix_server::accept" && {
        let text = record.args().to_string();
        let closed = std::io::Error::from_raw_os_error(CLOSED).to_string();
        text.starts_with("Can not deregister server socket") || text.ends_with(&closed)
    }
}

fn as_json(record: &Record<'_>) -> serde_json::Value {
    json!({
        "time": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "level": record.level().as_str(),
        "target": record.target(),
        "message": record.args().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_was_closed_is_no_error_and_every_other_one_is() {
        let is_noise = |target: &str, text: &str| {
            is_of_closing(
                &Record::builder()
                    .target(target)
                    .args(format_args!("{text}"))
                    .build(),
            )
        };
        let accept = "actix_server::accept";
        let error = "Error accepting connection: Invalid argument (os error 22)";
        assert!(is_noise(accept, error));
        let full = "Error accepting connection: Too many open files (os error 24)";
        assert!(!is_noise(accept, full));
        assert!(!is_noise("lastcall::boot", error));
    }
}
