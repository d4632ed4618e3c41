//! `lastcall profile FILE`: one profile without a server.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use lastcall_domain::profile::Profile;
use lastcall_domain::{
    Cancel, Clock as _, Format, ProfileOptions, Progress, ReadOptions, ReportFormat, SystemClock,
};
use lastcall_engine::{Engine, EngineConfig, Source};
use lastcall_render::{FontConfig, Renderer, ReportInput};

use super::{print, stdin, table};
use crate::exit::{Exit, Failure};

/// The memory that a profile on the command line may take, in bytes.
pub(super) const MEMORY: u64 = 1 << 30;
/// How often the progress bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// Profiles `file` and prints a table, or writes a report to `output`.
pub(super) fn run(file: &Path, output: Option<&Path>, read: &ReadOptions) -> Result<(), Failure> {
    let format = output.map(report_format).transpose()?;
    if output.is_some_and(|output| is_same(file, output)) {
        return Err(Failure::new(
            Exit::Usage,
            anyhow!(
                "{}: the report would take the place of the data",
                file.display()
            ),
        ));
    }
    let profile = compute(file, read)?;
    match (output, format) {
        (Some(output), Some(format)) => write(&profile, output, format),
        _ => print(&table::of(&profile)),
    }
}

pub(super) fn report_format(output: &Path) -> Result<ReportFormat, Failure> {
    ReportFormat::from_file_name(&output.to_string_lossy()).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            anyhow!(
                "{}: the ending must be html, pdf, xlsx, md or json",
                output.display()
            ),
        )
    })
}

/// Whether both paths lead to one file.
pub(super) fn is_same(file: &Path, output: &Path) -> bool {
    match (file.canonicalize(), output.canonicalize()) {
        (Ok(file), Ok(output)) => file == output,
        _ => false,
    }
}

fn compute(file: &Path, read: &ReadOptions) -> Result<Profile, Failure> {
    let saved = stdin::save(file)?;
    let (file, name) = match &saved {
        Some(saved) => (saved.path(), stdin::NAME.to_owned()),
        None => {
            let name = file.file_name().unwrap_or_default();
            (file, name.to_string_lossy().into_owned())
        }
    };
    let shown = match saved {
        Some(_) => Path::new(stdin::NAME).display(),
        None => file.display(),
    };
    let format = format_of(file).map_err(|error| Failure::new(Exit::NoInput, error))?;
    let valid = read.check_for(format);
    valid.map_err(|error| Failure::new(Exit::Usage, error))?;
    let source = Source {
        path: file.to_owned(),
        format,
        name,
        seed: 0,
    };
    let engine = Engine::new(EngineConfig {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory: MEMORY,
        scratch: std::env::temp_dir(),
    });
    let progress = Progress::new();
    let bar = ProgressWatch::start(&progress);
    let profile = engine.profile(
        source,
        &ProfileOptions {
            read: read.clone(),
            ..ProfileOptions::default()
        },
        &Cancel::new(),
        &progress,
    );
    bar.finish();
    profile.map_err(|error| {
        Failure::new(
            Exit::BadData,
            anyhow!("{shown}: {error} ({})", error.code()),
        )
    })
}

/// The format that the file's ending names, or else its first bytes.
pub(super) fn format_of(file: &Path) -> anyhow::Result<Format> {
    let shown = file.display();
    // Before it is opened: that of a pipe waits for whoever writes to it.
    let kind = std::fs::metadata(file).with_context(|| format!("{shown}: cannot be read"))?;
    anyhow::ensure!(
        kind.is_file(),
        "{shown}: is not a regular file; `-` reads from a pipe"
    );
    if let Some(format) = Format::from_file_name(&file.to_string_lossy()) {
        return Ok(format);
    }
    Source::detect_format(file).with_context(|| format!("{shown}: cannot be read"))
}

fn write(profile: &Profile, output: &Path, format: ReportFormat) -> Result<(), Failure> {
    let input = ReportInput::profile(profile, SystemClock.now());
    write_report(&input, output, format)
}

/// Writes a report to a file.
pub(super) fn write_report(
    input: &ReportInput<'_>,
    output: &Path,
    format: ReportFormat,
) -> Result<(), Failure> {
    let bytes = Renderer::new(FontConfig::default())
        .render(input, format, &Cancel::new())
        .map_err(|error| Failure::new(Exit::Software, error))?;
    std::fs::write(output, bytes)
        .with_context(|| format!("{}: cannot be written", output.display()))
        .map_err(|error| Failure::new(Exit::CannotCreate, error))
}

/// Draws a bar on a terminal until it is dropped; draws nothing where output is piped.
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
            // The thread only draws: a panic in it is no reason to lose the profile.
            let _ = thread.join();
            bar.finish_and_clear();
        }
    }
}
