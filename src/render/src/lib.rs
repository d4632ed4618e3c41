//! Reports as HTML, PDF, XLSX and Markdown.
//!
//! An input becomes a [document](document::Document), sections of blocks whose texts are clean
//! and whose numbers are as people read them; the page, the PDF and Markdown each write that
//! document, the workbook keeps the numbers as numbers. The same input gives the same bytes.
//!
//! Everything blocks and nothing is left behind: no thread, no cache, no file. A renderer that
//! has nothing to do holds next to nothing; fonts are looked for when a PDF needs them.

mod chart;
mod document;
mod error;
mod fonts;
mod html;
mod input;
mod limits;
mod markdown;
mod number;
mod pdf;
mod text;
mod xlsx;

use lastcall_domain::{Cancel, ReportFormat};

pub use error::RenderError;
pub use fonts::FontConfig;
use fonts::FontFinder;
use input::Known;
pub use input::{ReportBody, ReportInput};
use limits::Limits;

/// Makes reports.
pub struct Renderer {
    fonts: FontFinder,
}

impl Renderer {
    /// A renderer that will look for fonts where it is told to, once it needs some.
    pub fn new(fonts: FontConfig) -> Self {
        Self {
            fonts: FontFinder::new(fonts),
        }
    }

    /// Whether a PDF can show the character: by a font of the program, or by one of the folders
    /// that this looks through for it.
    pub fn has_font_for(&self, c: char) -> bool {
        self.fonts.has(c)
    }

    /// Makes a report. Blocks for as long as that takes: milliseconds for most, up to a few
    /// seconds for a PDF of the largest.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`] soon after the flag was set; else what is wrong with the
    /// format or with the machine. No text or number in the input is an error.
    pub fn render(
        &self,
        report: &ReportInput<'_>,
        format: ReportFormat,
        cancel: &Cancel,
    ) -> Result<Vec<u8>, RenderError> {
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let known = Known::of(&report.body);
        let report = &ReportInput {
            body: known.as_ref().map_or(report.body, Known::body),
            ..*report
        };
        match format {
            ReportFormat::Html => html::html(&document(report, limits::HTML, cancel)?, cancel),
            ReportFormat::Pdf => {
                let document = document(report, limits::PDF, cancel)?;
                pdf::pdf(&document, report.created_at, &self.fonts, cancel)
            }
            ReportFormat::Md => {
                markdown::markdown(&document(report, limits::MARKDOWN, cancel)?, cancel)
            }
            ReportFormat::Xlsx => {
                xlsx::xlsx(report, &document(report, limits::XLSX, cancel)?, cancel)
            }
            ReportFormat::Json => json(report),
        }
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
    match report.body {
        ReportBody::Profile(profile) => document::profile(profile, title, at, limits, cancel),
        ReportBody::Table { result, query } => {
            Ok(document::table(result, title, query, at, limits))
        }
        ReportBody::Correlation(data) => Ok(document::correlation(data, title, at, limits)),
        ReportBody::Compare(data) => Ok(document::compare(data, title, at, limits)),
        ReportBody::Other { kind, value } => Ok(document::generic(
            value,
            title.unwrap_or(kind),
            kind,
            at,
            limits,
        )),
    }
}

fn json(report: &ReportInput<'_>) -> Result<Vec<u8>, RenderError> {
    let mut json = match report.body {
        ReportBody::Profile(profile) => serde_json::to_vec_pretty(profile),
        ReportBody::Table { result, .. } => serde_json::to_vec_pretty(result),
        ReportBody::Correlation(data) => serde_json::to_vec_pretty(data),
        ReportBody::Compare(data) => serde_json::to_vec_pretty(data),
        ReportBody::Other { value, .. } => serde_json::to_vec_pretty(value),
    }?;
    json.push(b'\n');
    Ok(json)
}
