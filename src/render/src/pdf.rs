//! The PDF, typeset by typst. `world` provides typst's input, `diagnostics` words its errors.
//!
//! typst keeps file names until the process exits, so they are always the same here; it memoizes
//! results, so its cache is evicted after every report; and it runs on rayon's threads, so it gets
//! a pool of its own, which has ended when this returns. What it interns stays: the service
//! typesets in [child processes](crate::typesetter) that are replaced.

mod diagnostics;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use bytes::Bytes as Shared;
use chrono::{DateTime, Datelike, Timelike, Utc};
use lastcall_domain::{Cancel, Logo, ReportTemplate, TemplateColors, TemplateSource};
use rayon::ThreadPoolBuilder;
use serde::Serialize;
use serde_json::value::RawValue;
use typst::diag::{HintedString, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Smart};
use typst::syntax::Span;
use typst::visualize::{ExchangeFormat, RasterImage};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::document::{Document, GENERATOR};
use crate::error::RenderError;
use crate::fonts::{FontFinder, FontSet};
use crate::glyphs;
use crate::text::clean;
use world::ReportWorld;

/// typst recurses to the depth of the layout. The layout is shallow; typst's stack frames are
/// large.
const STACK: usize = 16 * 1024 * 1024;

/// A document that is ready to be typeset.
#[derive(Debug)]
pub struct Manuscript {
    /// The document as JSON.
    pub(crate) json: String,
    /// The creation time in the PDF's metadata.
    pub(crate) created_at: DateTime<Utc>,
    /// The caller's part of its design.
    pub(crate) theme: Theme,
}

impl Manuscript {
    /// The document for the typesetter.
    pub(crate) fn new(
        doc: &Document,
        created_at: DateTime<Utc>,
        template: Option<&ReportTemplate>,
    ) -> Result<Self, RenderError> {
        Ok(Self {
            json: serde_json::to_string(doc)?,
            created_at,
            theme: template.map(Theme::of).unwrap_or_default(),
        })
    }
}

/// The caller's part of a report's design.
#[derive(Clone, Debug, Default)]
pub(crate) struct Theme {
    /// The template, in typst's language.
    pub(crate) source: Option<String>,
    /// The bytes of an image.
    pub(crate) logo: Option<Shared>,
    /// The colours.
    pub(crate) colors: TemplateColors,
}

impl Theme {
    fn of(template: &ReportTemplate) -> Self {
        Self {
            source: template
                .source
                .as_ref()
                .map(TemplateSource::text)
                .map(str::to_owned),
            logo: template.logo.as_ref().map(Logo::bytes).cloned(),
            colors: template.colors.clone(),
        }
    }

    /// Whether the theme has a template or an image, which may take any time and memory to run or
    /// decode, and whose errors are the caller's.
    pub(crate) fn is_untrusted(&self) -> bool {
        self.source.is_some() || self.logo.is_some()
    }

    /// Whether the logo can be decoded. An SVG is only decoded when it is drawn.
    fn check_logo(&self) -> Result<(), RenderError> {
        let Some(logo) = &self.logo else {
            return Ok(());
        };
        let Some(format) = ExchangeFormat::detect(logo) else {
            return Ok(());
        };
        let decoded = RasterImage::plain(Bytes::new(logo.clone()), format);
        decoded.map(drop).map_err(|why| {
            let why = why.to_string();
            RenderError::Template(format!("the logo: {}", clean(&why)))
        })
    }
}

/// The data that the layout reads.
#[derive(Serialize)]
struct Input<'a> {
    document: &'a RawValue,
    fonts: &'a [String],
    /// Notes on typesetting.
    notes: &'a [String],
    /// The caller's colours; the layout has defaults for the others.
    colors: &'a TemplateColors,
    /// Whether there is a logo.
    logo: bool,
    /// Whether the template is the caller's own.
    own: bool,
}

/// Typesets the document.
///
/// # Errors
/// [`RenderError::Cancelled`] before layout and before writing, [`RenderError::Template`] if a
/// caller's template or logo is involved, and [`RenderError::Typeset`].
pub(crate) fn typeset(
    manuscript: &Manuscript,
    fonts: &FontFinder,
    cancel: &Cancel,
) -> Result<Vec<u8>, RenderError> {
    let source = manuscript.theme.source.as_deref().unwrap_or_default();
    let fonts = fonts.faces_for(&[&manuscript.json, source]);
    if cancel.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    let created_at = manuscript.created_at;
    let bytes = in_own_pool(|| {
        let set = lay_out(manuscript, fonts)?;
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        // Of the standard layout, only missing glyphs violate PDF/UA.
        let untrusted = manuscript.theme.is_untrusted();
        write(&set, created_at, &[PdfStandard::Ua_1])
            .or_else(|_| write(&set, created_at, &[]))
            .map_err(|errors| match untrusted {
                true => RenderError::Template(diagnostics::plain(&errors)),
                false => RenderError::Typeset(diagnostics::plain(&errors)),
            })
    });
    typst::comemo::evict(0);
    bytes?
}

/// Lays out the pages; a note on the last one names characters without a glyph.
fn lay_out(manuscript: &Manuscript, fonts: FontSet) -> Result<PagedDocument, RenderError> {
    let theme = &manuscript.theme;
    theme.check_logo()?;
    let families = fonts.families.clone();
    let data = |notes: &[String]| -> Result<Vec<u8>, RenderError> {
        Ok(serde_json::to_vec(&Input {
            document: serde_json::from_str(&manuscript.json)?,
            fonts: &families,
            notes,
            colors: &theme.colors,
            logo: theme.logo.is_some(),
            own: theme.source.is_some(),
        })?)
    };
    let mut world = ReportWorld::new(data(&[])?, fonts, theme)?;
    let set = compile(&world, theme)?;
    match glyphs::note(&glyphs::missing(&set)) {
        None => Ok(set),
        Some(note) => {
            world.set_data(data(&[note])?);
            compile(&world, theme)
        }
    }
}

fn compile(world: &ReportWorld, theme: &Theme) -> Result<PagedDocument, RenderError> {
    let set = typst::compile::<PagedDocument>(world).output;
    set.map_err(|errors| match theme.is_untrusted() {
        true => RenderError::Template(diagnostics::located(&errors, world)),
        false => RenderError::Typeset(diagnostics::plain(&errors)),
    })
}

/// Writes the pages, tagged for screen readers, to the given standards.
fn write(
    set: &PagedDocument,
    created_at: DateTime<Utc>,
    standards: &[PdfStandard],
) -> Result<Vec<u8>, Vec<SourceDiagnostic>> {
    let unknown = |error: HintedString| {
        vec![SourceDiagnostic::error(
            Span::detached(),
            error.message().clone(),
        )]
    };
    let standards = PdfStandards::new(standards).map_err(unknown)?;
    let options = PdfOptions {
        creator: Smart::Custom(Some(GENERATOR.to_owned())),
        timestamp: timestamp(created_at),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(set, &options).map_err(|errors| errors.to_vec())
}

/// Runs typst on one thread, which has ended when this returns.
///
/// A scope would not do: it waits for the closure, not for the thread's exit.
fn in_own_pool<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, RenderError> {
    let mut threads = Vec::new();
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        // As by default, a panic outside `work` ends the process: otherwise the caller would wait
        // forever. Decoding a large image may panic for want of memory.
        .spawn_handler(|worker| {
            let thread = thread::Builder::new()
                .name("pdf".to_owned())
                .stack_size(STACK);
            threads.push(thread.spawn(|| worker.run())?);
            Ok(())
        })
        .build()
        .map_err(|error| RenderError::Threads(error.to_string()))?;
    let result = catch_unwind(AssertUnwindSafe(|| pool.install(work)));
    drop(pool);
    for thread in threads {
        // Panics of the work are caught above; a panic of rayon itself adds nothing.
        let _ = thread.join();
    }
    result.map_err(|panic| resume_unwind(panic))
}

fn timestamp(at: DateTime<Utc>) -> Option<Timestamp> {
    let small = |n: u32| u8::try_from(n).ok();
    let at = Datetime::from_ymd_hms(
        at.year(),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )?;
    Some(Timestamp::new_utc(at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use typst::layout::{Frame, FrameItem};

    use super::*;
    use crate::document::frame;
    use crate::fonts::FontConfig;

    fn text(frame: &Frame, found: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Group(group) => text(&group.frame, found),
                FrameItem::Text(item) => found.push_str(&item.text),
                _ => {}
            }
        }
    }

    #[test]
    fn characters_without_a_glyph_are_noted() {
        for (title, noted) in [("whole", false), ("a\u{10fffd}b", true)] {
            let now = Utc::now();
            let manuscript = Manuscript::new(&frame(title, "Profile", now), now, None).unwrap();
            let fonts = FontFinder::new(FontConfig::default());
            let set = lay_out(&manuscript, fonts.faces_for(&[&manuscript.json])).unwrap();
            let mut found = String::new();
            for page in set.pages() {
                text(&page.frame, &mut found);
            }
            assert!(found.contains(title), "{found}");
            assert_eq!(found.contains("U+10FFFD"), noted, "{found}");
        }
    }
}
