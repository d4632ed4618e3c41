//! The log: env_logger, as text for people or as one JSON object per line for containers.
//!
//! env_logger formats the lines; the [`writer`], which never blocks its caller, writes them.

mod context;
mod writer;

use std::io::{IsTerminal as _, Write as _};
use std::sync::{OnceLock, PoisonError, RwLock};

use env_logger::{Builder, Logger, Target, WriteStyle};
use lastcall_api::AUDIT;
use log::{Level, LevelFilter, Metadata, Record};
use serde_json::{Value, json};

use crate::config::Config;
use context::LogContext;
pub(crate) use writer::{LogWriter, THREAD};

/// The error of `accept` on a listener that was shut down: `EINVAL`.
const CLOSED: i32 = 22;

/// Sets up the log of the process, through `writer`. `RUST_LOG` refines `log.level`. Panics are
/// logged as well: the standard library would write them to a stream that may block.
pub(crate) fn init(config: &Config, writer: &LogWriter) {
    let logger = build(config, writer);
    if config.log.json {
        writer.note_drops_with(|dropped| {
            let note = dropped_lines(dropped);
            format!("{}\n", json_line(Level::Warn, module_path!(), &note))
        });
    }
    let level = logger.filter();
    let log = LOG.get_or_init(|| Log {
        logger: RwLock::new(logger),
        writer: writer.clone(),
        json: config.log.json,
    });
    // Only a second initialization fails, as in a test of this process.
    if log::set_logger(log).is_ok() {
        log::set_max_level(level);
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// Applies this configuration's `log.level`. The format stays.
pub(crate) fn set_level(config: &Config) {
    let Some(log) = LOG.get() else { return };
    let mut config = config.clone();
    config.log.json = log.json;
    let logger = build(&config, &log.writer);
    let level = logger.filter();
    *log.logger.write().unwrap_or_else(PoisonError::into_inner) = logger;
    log::set_max_level(level);
}

fn build(config: &Config, writer: &LogWriter) -> Logger {
    // This library logs faults of clients as errors: for debugging only.
    let of_clients = match config.log.level {
        level if level >= LevelFilter::Debug => level,
        _ => LevelFilter::Off,
    };
    let mut builder = Builder::new();
    builder
        .filter_level(config.log.level)
        // The service logs its own start and stop.
        .filter_module("actix_server", LevelFilter::Warn)
        .filter_module("actix_http", of_clients)
        // Notices about existing tables are noise.
        .filter_module("tokio_postgres", LevelFilter::Warn)
        // The audit has its own key, independent of the level.
        .filter_module(AUDIT, LevelFilter::Info)
        .parse_default_env()
        .target(Target::Pipe(Box::new(writer.clone())));
    if config.log.json {
        builder
            .write_style(WriteStyle::Never)
            .format(|out, record| writeln!(out, "{}", as_json(record)));
    } else if shows_styles() {
        builder.write_style(WriteStyle::Always);
    }
    builder.build()
}

/// Whether to use styles, by the same rules that env_logger applies to its own streams.
fn shows_styles() -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    std::io::stderr().is_terminal() && unset("NO_COLOR") && !dumb
}

fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    let what = panic.payload_as_str().unwrap_or("no message");
    let location = panic.location().map(ToString::to_string);
    let location = location.unwrap_or_else(|| "an unknown location".to_owned());
    log::error!("thread {name} panicked at {location}: {what}");
    let trace = std::backtrace::Backtrace::capture();
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        log::error!("backtrace of the panic:\n{trace}");
    }
}

/// The log line that stands for lines dropped because nobody read them.
fn dropped_lines(count: u64) -> String {
    let lines = if count == 1 { "line" } else { "lines" };
    format!("{count} {lines} of the log dropped: standard error does not take them")
}

/// The same as a line of text in env_logger's format.
fn dropped_lines_as_text(count: u64) -> String {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let note = dropped_lines(count);
    format!("[{now} WARN  {}] {note}\n", module_path!())
}

/// The logger, filtered and with context.
struct Log {
    logger: RwLock<Logger>,
    writer: LogWriter,
    json: bool,
}

/// The log of the process.
static LOG: OnceLock<Log> = OnceLock::new();

impl Log {
    fn with<T>(&self, use_logger: impl FnOnce(&Logger) -> T) -> T {
        use_logger(&self.logger.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl log::Log for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.with(|logger| logger.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        self.with(|logger| {
            if logger.matches(record) && !is_closed_listener(record) {
                match LogContext::now() {
                    // The message of an audit line is JSON, also in a log of text.
                    Some(context) if !self.json && record.target() != AUDIT => {
                        context.log(logger, record);
                    }
                    _ => logger.log(record),
                }
            }
        });
    }

    fn flush(&self) {
        self.with(log::Log::flush);
    }
}

/// Whether the line reports, as an error, that the listener was closed for the shutdown. actix logs
/// that twice.
fn is_closed_listener(record: &Record<'_>) -> bool {
    record.target() == "actix_server::accept" && {
        let text = record.args().to_string();
        let closed = std::io::Error::from_raw_os_error(CLOSED).to_string();
        text.starts_with("Can not deregister server socket") || text.ends_with(&closed)
    }
}

fn as_json(record: &Record<'_>) -> Value {
    let message = record.args().to_string();
    let mut line = json_line(record.level(), record.target(), &message);
    if record.target() == AUDIT
        && let Ok(audit) = serde_json::from_str::<Value>(&message)
    {
        line["message"] = audit["action"].clone();
        line["audit"] = audit;
    }
    if let Some(context) = LogContext::now() {
        context.add_to(&mut line);
    }
    line
}

fn json_line(level: Level, target: &str, message: &str) -> Value {
    json!({
        "time": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "level": level.as_str(),
        "target": target,
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_error_of_a_closed_listener_is_ignored() {
        let is_noise = |target: &str, text: &str| {
            is_closed_listener(
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
