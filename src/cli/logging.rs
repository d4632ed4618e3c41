//! The log: env_logger, as text for people or as one JSON object per line for containers.

use std::io::Write as _;

use env_logger::{Builder, Target, WriteStyle};
use log::{LevelFilter, Record};
use serde_json::json;

use crate::config::Config;

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
        .parse_default_env()
        .target(Target::Stderr);
    if config.log.json {
        builder
            .write_style(WriteStyle::Never)
            .format(|out, record| writeln!(out, "{}", as_json(record)));
    }
    // Only a second initialization fails, and that would be a test in this process.
    let _ = builder.try_init();
}

fn as_json(record: &Record<'_>) -> serde_json::Value {
    json!({
        "time": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "level": record.level().as_str(),
        "target": record.target(),
        "message": record.args().to_string(),
    })
}
