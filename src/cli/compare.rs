//! `lastcall compare A B`: what changed between two files, without a server.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use lastcall_domain::compare::{Comparison, DriftThresholds};
use lastcall_domain::{Cancel, Clock as _, CompareOptions, Progress, SystemClock};
use lastcall_render::ReportInput;

use super::local_file::{LocalFile, engine};
use super::profile::{ProgressWatch, is_same, report_format, write_report};
use super::{compare_table, print, read_args};
use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The file that is compared with: CSV, TSV, NDJSON, Parquet or XLSX, detected from its extension or
    /// else by its first bytes; gzip is decompressed. `-` is the standard input.
    baseline: PathBuf,
    /// The file that is compared.
    candidate: PathBuf,
    /// Where to write a report; the ending picks html, pdf, xlsx, md or json. Without it, a
    /// table is printed.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// From which population stability index on a drift is moderate.
    #[arg(long, value_name = "PSI", default_value_t = DriftThresholds::default().moderate)]
    moderate: f64,
    /// From which population stability index on a drift is major.
    #[arg(long, value_name = "PSI", default_value_t = DriftThresholds::default().major)]
    major: f64,
    /// From which change of the share of missing cells on it counts, 0 to 1.
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
    let format = args.output.as_deref().map(report_format).transpose()?;
    let files = [&args.baseline, &args.candidate];
    if let Some(output) = &args.output
        && files.iter().any(|file| is_same(file, output))
    {
        let shown = output.display();
        return Err(usage(anyhow!(
            "{shown}: the report would take the place of the data"
        )));
    }
    if files.iter().all(|file| file.as_os_str() == "-") {
        return Err(usage(anyhow!(
            "only one of the two can be the standard input"
        )));
    }
    let comparison = compare(args, &options)?;
    match (&args.output, format) {
        (Some(output), Some(format)) => {
            let input = ReportInput::compare(&comparison, SystemClock.now());
            write_report(&input, output, format)
        }
        _ => print(&compare_table::of(&comparison)),
    }
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
