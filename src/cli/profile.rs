//! `lastcall profile FILE…`: profiles without a server.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lastcall_domain::profile::Profile;
use lastcall_domain::{Cancel, Clock as _, ProfileOptions, Progress, ReadOptions, SystemClock};
use lastcall_render::ReportInput;

use super::local_file::{LocalFile, engine};
use super::output::{OutputArgs, Target};
use super::{read_args, stdin, table, template_args};
use crate::exit::{Exit, Failure};

/// How often the progress bar is drawn.
const TICK: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct ProfileArgs {
    /// CSV, TSV, NDJSON, JSON, Parquet, Arrow, XLSX, XLS or ODS files, detected from their extensions or else from
    /// their first bytes; gzip and zstd are decompressed. `-` is the standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    look: template_args::TemplateArgs,
    #[command(flatten)]
    read: read_args::ReadArgs,
}

/// Profiles the files, and prints a table of each or writes the report of one.
pub(super) fn run(args: &ProfileArgs) -> Result<(), Failure> {
    let read = args.read.options()?;
    let files: Vec<&Path> = args.files.iter().map(PathBuf::as_path).collect();
    let read_too: Vec<&Path> = files.iter().copied().chain(args.look.files()).collect();
    let target = args.output.target(&read_too)?;
    let template = args.look.template(&target)?;
    if files.len() > 1 && target != Target::Table {
        return Err(Failure::new(
            Exit::Usage,
            anyhow!("a report is about one file"),
        ));
    }
    stdin::once(&files)?;
    for (place, file) in files.iter().enumerate() {
        let profile = compute(file, &read)?;
        let report = ReportInput::profile(&profile, SystemClock.now());
        let report = report.with_template(template.as_ref());
        let between = if place > 0 { "\n" } else { "" };
        target.write(&report, || format!("{between}{}", table::of(&profile)))?;
    }
    Ok(())
}

fn compute(file: &Path, read: &ReadOptions) -> Result<Profile, Failure> {
    let file = LocalFile::open(file, read)?;
    let progress = Progress::new();
    let bar = ProgressWatch::start(&progress);
    let profile = engine().profile(
        file.source.clone(),
        &ProfileOptions {
            read: read.clone(),
            ..ProfileOptions::default()
        },
        &Cancel::new(),
        &progress,
    );
    bar.finish();
    profile.map_err(|error| file.failure(&error))
}

/// Draws a progress bar on a terminal until it is dropped; draws nothing if output is piped.
pub(super) struct ProgressWatch {
    shown: Option<(ProgressBar, Cancel, std::thread::JoinHandle<()>)>,
}

impl ProgressWatch {
    pub(super) fn start(progress: &Progress) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { shown: None };
        }
        let bar = ProgressBar::new(1000);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} % {eta} left") {
            bar.set_style(style);
        }
        let (done, progress) = (Cancel::new(), progress.clone());
        let (drawn, stop) = (bar.clone(), done.clone());
        let thread = std::thread::spawn(move || {
            while !stop.is_cancelled() {
                drawn.set_position((progress.get() * 1000.0) as u64);
                std::thread::park_timeout(TICK);
            }
        });
        Self {
            shown: Some((bar, done, thread)),
        }
    }

    pub(super) fn finish(self) {
        if let Some((bar, done, thread)) = self.shown {
            done.cancel();
            thread.thread().unpark();
            // The thread only draws: a panic in it must not lose the profile.
            let _ = thread.join();
            bar.finish_and_clear();
        }
    }
}
