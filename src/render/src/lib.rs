//! Reports as HTML, PDF, XLSX and Markdown.
//!
//! An input becomes a [document](document::Document): sections of blocks with sanitised texts and
//! formatted numbers. HTML, PDF and Markdown are written from that document; the workbook keeps
//! numbers as numbers. The same input gives the same bytes.
//!
//! A [`Renderer`] blocks, and leaves no thread and no file behind; after a PDF, typst's interned
//! strings remain. A service therefore typesets PDFs with a [`Typesetter`], in child processes that
//! are replaced. An idle renderer needs almost no memory; it searches for fonts once a PDF needs
//! them.

mod chart;
mod document;
mod error;
mod fonts;
mod glyphs;
mod html;
mod input;
mod limits;
mod markdown;
mod number;
mod pdf;
mod plot;
mod query_result;
mod text;
mod typesetter;
mod xlsx;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lastcall_domain::{Cancel, ReportFormat, assert_may_compute};

pub use error::RenderError;
pub use fonts::FontConfig;
use fonts::FontFinder;
use input::Known;
pub use input::{Origin, OriginDataset, ReportBody, ReportInput};
use limits::Limits;
pub use pdf::Manuscript;
pub use query_result::StoredResult;
pub use typesetter::{Typesetter, TypesetterConfig, child};

/// Renders reports.
pub struct Renderer {
    fonts: FontFinder,
    scratch: PathBuf,
}

impl Renderer {
    /// A renderer with this configuration of fonts, which are searched for once they are needed.
    pub fn new(fonts: FontConfig) -> Self {
        Self {
            fonts: FontFinder::new(fonts),
            scratch: std::env::temp_dir(),
        }
    }

    /// Sets the folder for temporary files.
    pub fn with_scratch(mut self, folder: &Path) -> Self {
        self.scratch = folder.to_owned();
        self
    }

    /// Whether a PDF can show the character, with a built-in font or one in the folders. Searches
    /// the folders.
    pub fn has_font_for(&self, c: char) -> bool {
        self.fonts.has(c)
    }

    /// The document of a PDF, for a [`Typesetter`].
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn manuscript(
        &self,
        report: &ReportInput<'_>,
        cancel: &Cancel,
    ) -> Result<Manuscript, RenderError> {
        assert_may_compute();
        let document = document(report, limits::PDF, cancel)?;
        Manuscript::new(&document, report.created_at, report.template)
    }

    /// Renders a report in memory; see [`write`](Self::write).
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn render(
        &self,
        report: &ReportInput<'_>,
        format: ReportFormat,
        cancel: &Cancel,
    ) -> Result<Vec<u8>, RenderError> {
        let mut bytes = Vec::new();
        self.write(report, format, cancel, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes a report to `out`. Blocks: milliseconds for most reports, up to a few seconds for the
    /// largest PDFs and for workbooks of many rows.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`] soon after the flag is set; otherwise errors of the format or the
    /// machine. No text or number in the input causes an error.
    pub fn write(
        &self,
        report: &ReportInput<'_>,
        format: ReportFormat,
        cancel: &Cancel,
        out: &mut (dyn Write + Send),
    ) -> Result<(), RenderError> {
        assert_may_compute();
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let known = Known::of(&report.body);
        let report = &ReportInput {
            body: known.as_ref().map_or(report.body, Known::body),
            ..*report
        };
        let mut out = Output {
            inner: out,
            cancel,
            failed: None,
        };
        let written = match format {
            ReportFormat::Html => {
                html::html(&document(report, limits::HTML, cancel)?, cancel, &mut out)
            }
            ReportFormat::Pdf => {
                let manuscript = self.manuscript(report, cancel)?;
                Ok(out.write_all(&pdf::typeset(&manuscript, &self.fonts, cancel)?)?)
            }
            ReportFormat::Md => {
                let page =
                    markdown::markdown(&document(report, limits::MARKDOWN, cancel)?, cancel)?;
                Ok(out.write_all(&page)?)
            }
            ReportFormat::Xlsx => xlsx::xlsx(report, &self.scratch, cancel, &mut out),
            ReportFormat::Json => json(report, &mut out),
        };
        match written {
            Err(_) if cancel.is_cancelled() => Err(RenderError::Cancelled),
            Err(error) => Err(out.failed.unwrap_or(error)),
            Ok(()) => Ok(()),
        }
    }
}

/// A writer that fails once the flag is set, and keeps the first error: templates, serializers and
/// archives each wrap it in an error of their own.
struct Output<'a> {
    inner: &'a mut (dyn Write + Send),
    cancel: &'a Cancel,
    failed: Option<RenderError>,
}

impl Output<'_> {
    fn noted<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && self.failed.is_none()
        {
            self.failed = RenderError::of_scratch(error);
        }
        done
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let written = self.inner.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.noted(flushed)
    }
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new(FontConfig::default())
    }
}

fn document(
    report: &ReportInput<'_>,
    limits: Limits,
    cancel: &Cancel,
) -> Result<document::Document, RenderError> {
    let (title, at) = (report.title, report.created_at);
    let mut document = match report.body {
        ReportBody::Profile(profile) => document::profile(profile, title, at, limits, cancel)?,
        ReportBody::Table { result, query } => {
            let plot = plotted(report, cancel)?;
            document::table(result, title, query, plot.as_ref(), at, limits)
        }
        ReportBody::Stored { result, query } => {
            let plot = plotted(report, cancel)?;
            let head = result.head(&limits, cancel)?;
            document::table(&head, title, query, plot.as_ref(), at, limits)
        }
        ReportBody::Correlation(data) => document::correlation(data, title, at, limits),
        ReportBody::Compare(data) => document::compare(data, title, at, limits),
        ReportBody::Check(data) => document::check(data, title, at, limits),
        ReportBody::Other { kind, value } => {
            document::generic(value, title.unwrap_or(kind), kind, at, limits)
        }
    };
    if let Some(title) = report
        .template
        .and_then(|template| template.title.as_deref())
    {
        document.title = document::Text::new(title, text::FULL);
    }
    document.comes_from(report.origin);
    Ok(document)
}

/// The chart of a query result, if one is requested.
fn plotted(report: &ReportInput<'_>, cancel: &Cancel) -> Result<Option<plot::Plot>, RenderError> {
    let Some(spec) = report.chart else {
        return Ok(None);
    };
    match report.body {
        ReportBody::Table { result, .. } => {
            let read = |sink: &mut dyn query_result::RowSink, cancel: &Cancel| {
                query_result::feed(result, sink, cancel)
            };
            plot::plot(spec, read, cancel).map(Some)
        }
        ReportBody::Stored { result, .. } => {
            let read =
                |sink: &mut dyn query_result::RowSink, cancel: &Cancel| result.read(sink, cancel);
            plot::plot(spec, read, cancel).map(Some)
        }
        _ => Ok(None),
    }
}

fn json(report: &ReportInput<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    match report.body {
        ReportBody::Profile(profile) => serde_json::to_writer_pretty(&mut *out, profile),
        ReportBody::Table { result, .. } => serde_json::to_writer_pretty(&mut *out, result),
        ReportBody::Stored { result, .. } => return Ok(result.copy(out)?),
        ReportBody::Correlation(data) => serde_json::to_writer_pretty(&mut *out, data),
        ReportBody::Compare(data) => serde_json::to_writer_pretty(&mut *out, data),
        ReportBody::Check(data) => serde_json::to_writer_pretty(&mut *out, data),
        ReportBody::Other { value, .. } => serde_json::to_writer_pretty(&mut *out, value),
    }?;
    Ok(out.write_all(b"\n")?)
}
