//! The command line.

mod backup;
mod check;
mod check_data;
mod check_table;
mod compare;
mod compare_table;
mod health;
mod local_file;
mod output;
mod profile;
mod read_args;
mod stdin;
mod table;
mod template_args;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};

use crate::boot::{self, BlockedSignals};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::logging::{self, LogWriter};
use crate::memory;

/// Runs analyses and reports behind an API, and never loses an accepted job.
#[derive(Debug, Parser)]
#[command(name = "lastcall", version, about, subcommand_required = false)]
struct Cli {
    /// The configuration, a TOML file; every key can be overridden by the environment
    /// (LASTCALL__SHUTDOWN__DEADLINE=10s).
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
enum Command {
    /// Run the service (the default).
    Serve,
    #[command(flatten)]
    Local(Local),
    /// One query in a process of its own; started by the service only.
    #[command(name = boot::SQL_CHILD, hide = true)]
    Sql,
    /// A process that sets PDFs; started by the service only.
    #[command(name = boot::PDF_CHILD, hide = true)]
    Pdf,
}

/// The commands that end by themselves.
#[derive(Debug, Subcommand)]
enum Local {
    /// Validate the configuration, print the computed shutdown timeline, exit.
    Check,
    /// Profile local files, without a server.
    Profile(profile::ProfileArgs),
    /// Compare two local files, without a server.
    Compare(compare::CompareArgs),
    /// Check a local file against a data contract, without a server; exits with 1 if a check
    /// fails.
    CheckData(check_data::CheckDataArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Check the health of the service on this machine; exits with 0 or 69. For HEALTHCHECK.
    Health,
    /// Copy the SQLite store to a file, consistently, even while the service runs.
    Backup {
        /// The file to write; an existing file is never overwritten.
        #[arg(value_name = "OUT")]
        output: PathBuf,
    },
}

/// How long flushing the log may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs the command that the arguments name.
///
/// Signals are blocked from the first instruction on, so that the service receives those that
/// arrive while it starts. Every other command unblocks them at once.
pub fn run() -> ExitCode {
    let held = BlockedSignals::block();
    let cli = Cli::parse();
    let command = match cli.command {
        None | Some(Command::Serve) => return serve(&cli.config, held),
        // Only its parent ends the child of a query.
        Some(Command::Sql) => return lastcall_sql::child::main(),
        Some(Command::Pdf) => return lastcall_render::child::main(),
        Some(Command::Local(command)) => command,
    };
    held.release();
    let done = match command {
        Local::Openapi => print(&lastcall_api::openapi()).map(|()| ExitCode::SUCCESS),
        Local::Profile(args) => profile::run(&args).map(|()| ExitCode::SUCCESS),
        Local::Compare(args) => compare::run(&args).map(|()| ExitCode::SUCCESS),
        Local::CheckData(args) => check_data::run(&args),
        Local::Check => load(&cli.config).and_then(|config| {
            let text = check::describe(&config);
            let text = text.map_err(|error| Failure::new(Exit::Config, error))?;
            print(&text).map(|()| ExitCode::SUCCESS)
        }),
        Local::Health => load(&cli.config)
            .and_then(|config| health::check(&config))
            .and_then(|status| print(&status))
            .map(|()| ExitCode::SUCCESS),
        Local::Backup { output } => load(&cli.config)
            .and_then(|config| backup::run(&config, &output))
            .and_then(|told| print(&told))
            .map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|failure| {
        report(&failure);
        failure.exit.into()
    })
}

/// Runs the service. All output, even about a failure, is written by the log thread: standard error
/// may be a pipe that nobody reads.
fn serve(file: &Option<PathBuf>, held: BlockedSignals) -> ExitCode {
    let log = match LogWriter::to_stderr() {
        Ok(log) => log,
        Err(error) => {
            let failure = Failure::new(Exit::Software, error);
            report(&failure);
            return failure.exit.into();
        }
    };
    let files = boot::ConfigFiles::identify(file.as_deref());
    let ended = load(file).and_then(|config| {
        memory::configure();
        logging::init(&config, &log);
        boot::serve(&config, files, held, &log)
    });
    let code = ended.unwrap_or_else(|failure| {
        log.line(format!("{}\n", message(&failure)).into_bytes());
        failure.exit.into()
    });
    log.flush(Instant::now() + FLUSH_TIMEOUT);
    code
}

fn load(file: &Option<PathBuf>) -> Result<Config, Failure> {
    Config::load(file.as_deref()).map_err(|faults| Failure::new(Exit::Config, faults))
}

fn print(text: &str) -> Result<(), Failure> {
    write_out(format!("{}\n", text.trim_end()).as_bytes())
}

fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write as _};
    let mut out = std::io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A reader that has gone away (`| head`) is no failure.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = anyhow::Error::new(error).context("standard output cannot be written");
            Err(Failure::new(Exit::Io, error))
        }
        _ => Ok(()),
    }
}

#[expect(clippy::print_stderr, reason = "the command line's answer")]
fn report(failure: &Failure) {
    eprintln!("{}", message(failure));
}

fn message(failure: &Failure) -> String {
    format!("lastcall: {:#}", failure.error)
}
