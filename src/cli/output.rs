//! The output of a command: a table on the terminal, or a report.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use lastcall_domain::{Cancel, ReportFormat};
use lastcall_render::{FontConfig, RenderError, Renderer, ReportInput};

use super::{print, write_out};
use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// The report to write; its extension selects html, pdf, xlsx, md or json. Without it, a
    /// table is printed.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// The format of the report, overriding the extension of OUT; without OUT the report is
    /// written to standard output.
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<ReportFormat>,
}

/// The destination of the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Table,
    StandardOutput(ReportFormat),
    File(PathBuf, ReportFormat),
}

impl OutputArgs {
    /// The destination by the flags, where these files are read.
    pub(super) fn target(&self, read: &[&Path]) -> Result<Target, Failure> {
        let usage = |error: anyhow::Error| Err(Failure::new(Exit::Usage, error));
        let Some(output) = &self.output else {
            return match self.format {
                None => Ok(Target::Table),
                Some(ReportFormat::Pdf | ReportFormat::Xlsx) if std::io::stdout().is_terminal() => {
                    usage(anyhow!(
                        "this report is not for a terminal: name a file with -o"
                    ))
                }
                Some(format) => Ok(Target::StandardOutput(format)),
            };
        };
        let shown = output.display();
        if read.iter().any(|file| is_same(file, output)) {
            return usage(anyhow!(
                "{shown}: the report would take the place of what is read"
            ));
        }
        let ending = || ReportFormat::from_file_name(&output.to_string_lossy());
        match self.format.or_else(ending) {
            Some(format) => Ok(Target::File(output.clone(), format)),
            None => usage(anyhow!(
                "{shown}: the ending must be html, pdf, xlsx, md or json, or --format names one"
            )),
        }
    }
}

impl Target {
    /// The format of the report, where one is written.
    pub(super) fn format(&self) -> Option<ReportFormat> {
        match self {
            Self::Table => None,
            Self::StandardOutput(format) | Self::File(_, format) => Some(*format),
        }
    }

    /// Prints the table, or writes the report.
    pub(super) fn write(
        &self,
        report: &ReportInput<'_>,
        table: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self {
            Self::Table => print(&table()),
            Self::StandardOutput(format) => write_out(&rendered(report, *format)?),
            Self::File(output, format) => std::fs::write(output, rendered(report, *format)?)
                .with_context(|| format!("{}: cannot be written", output.display()))
                .map_err(|error| Failure::new(Exit::CannotCreate, error)),
        }
    }
}

fn rendered(report: &ReportInput<'_>, format: ReportFormat) -> Result<Vec<u8>, Failure> {
    let renderer = Renderer::new(FontConfig::default());
    let failed = |error: RenderError| {
        // The disk for temporary files, which a workbook needs.
        let exit = match (&error, error.dependency()) {
            (RenderError::Template(_), _) => Exit::BadData,
            (_, Some(_)) => Exit::Io,
            (_, None) => Exit::Software,
        };
        Failure::new(exit, error)
    };
    let report = renderer.render(report, format, &Cancel::new());
    report.map_err(failed)
}

/// Whether both paths lead to one file.
fn is_same(file: &Path, output: &Path) -> bool {
    match (file.canonicalize(), output.canonicalize()) {
        (Ok(file), Ok(output)) => file == output,
        _ => false,
    }
}
