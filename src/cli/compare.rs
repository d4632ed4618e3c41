//! `lastcall compare A B`: compares two files without a server.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use lastcall_domain::compare::{Comparison, DriftThresholds};
use lastcall_domain::{Cancel, Clock as _, CompareOptions, Progress, SystemClock};
use lastcall_render::ReportInput;

use super::local_file::{LocalFile, engine};
use super::output::OutputArgs;
use super::profile::ProgressWatch;
use super::{compare_table, read_args, stdin};
use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The baseline: CSV, TSV, NDJSON, JSON, Parquet, Arrow, XLSX, XLS or ODS, detected
    /// from its extension or else from its first bytes; gzip and zstd are decompressed. `-` is the standard
    /// input.
    baseline: PathBuf,
    /// The candidate, to compare with the baseline.
    candidate: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// The population stability index from which drift is moderate.
    #[arg(long, value_name = "PSI", default_value_t = DriftThresholds::default().moderate)]
    moderate: f64,
    /// The population stability index from which drift is major.
    #[arg(long, value_name = "PSI", default_value_t = DriftThresholds::default().major)]
    major: f64,
    /// The change in the share of missing cells that counts, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = DriftThresholds::default().missing)]
    missing_share: f64,
    #[command(flatten)]
    read: read_args::ReadArgs,
}

/// Compares the files, and prints a table or writes a report.
pub(super) fn run(args: &CompareArgs) -> Result<(), Failure> {
    let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
    let options = CompareOptions {
        read: args.read.options()?,
        thresholds: DriftThresholds {
            moderate: args.moderate,
            major: args.major,
            missing: args.missing_share,
        },
        ..CompareOptions::default()
    };
    options.check().map_err(|error| usage(error.into()))?;
    let files = [args.baseline.as_path(), args.candidate.as_path()];
    let target = args.output.target(&files)?;
    stdin::once(&files)?;
    let comparison = compare(args, &options)?;
    let report = ReportInput::compare(&comparison, SystemClock.now());
    target.write(&report, || compare_table::of(&comparison))
}

fn compare(args: &CompareArgs, options: &CompareOptions) -> Result<Comparison, Failure> {
    let baseline = LocalFile::open(&args.baseline, &options.read)?;
    let candidate = LocalFile::open(&args.candidate, &options.read)?;
    let progress = Progress::new();
    let bar = ProgressWatch::start(&progress);
    let comparison = engine().compare_with(
        (baseline.source.clone(), &options.read),
        (candidate.source.clone(), &options.read),
        &options.thresholds,
        &Cancel::new(),
        &progress,
    );
    bar.finish();
    comparison.map_err(|error| {
        let detail = anyhow!(
            "{} and {}: {error} ({})",
            args.baseline.display(),
            args.candidate.display(),
            error.code()
        );
        Failure::new(Exit::BadData, detail)
    })
}
