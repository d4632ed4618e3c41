//! The command line.

mod check;
mod health;
mod logging;
mod profile;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::boot;
use crate::config::Config;
use crate::exit::{Exit, Failure};

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
enum Command {
    /// Run the service (what happens without a command).
    Serve,
    /// Validate the configuration, print the computed shutdown timeline, exit.
    Check,
    /// Profile a local file, without a server.
    Profile(ProfileArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Ask a running service whether it can serve; exits with 0 or 69. For HEALTHCHECK.
    Health,
    /// One query in a process of its own; started by the service only.
    #[command(name = boot::SQL_CHILD, hide = true)]
    Sql,
}

#[derive(Debug, Args)]
struct ProfileArgs {
    /// A CSV, TSV, NDJSON, Parquet or XLSX file, told by its ending or else by its first bytes;
    /// gzip is undone.
    file: PathBuf,
    /// Where to write a report; the ending picks html, pdf, xlsx, md or json. Without it, a
    /// table is printed.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Sql) => return lastcall_sql::child::main(),
        Some(Command::Openapi) => print(&lastcall_api::openapi()).map(|()| ExitCode::SUCCESS),
        Some(Command::Profile(args)) => {
            profile::run(&args.file, args.output.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Check) => load(&cli.config).and_then(|config| {
            let text = check::describe(&config);
            let text = text.map_err(|error| Failure::new(Exit::Config, error))?;
            print(&text).map(|()| ExitCode::SUCCESS)
        }),
        Some(Command::Health) => load(&cli.config)
            .and_then(|config| health::ask(&config))
            .map(|()| ExitCode::SUCCESS),
        None | Some(Command::Serve) => load(&cli.config).and_then(|config| {
            logging::init(&config);
            boot::serve(config)
        }),
    };
    done.unwrap_or_else(|failure| {
        report(&failure);
        failure.exit.into()
    })
}

fn load(file: &Option<PathBuf>) -> Result<Config, Failure> {
    Config::load(file.as_deref()).map_err(|faults| Failure::new(Exit::Config, faults))
}

fn print(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write as _};
    let mut out = std::io::stdout();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
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
    eprintln!("lastcall: {:#}", failure.error);
}
