//! The PDF, typeset by typst.
//!
//! typst keeps its file names as long as the process lives, so the two here are always the same; it
//! memoizes what it computes, so that is dropped after every report; and it works on rayon's
//! threads, so it gets a pool of its own, which has ended when this returns. What it interns stays:
//! the service has it done in [children](crate::typesetter) that are replaced.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::thread;

use chrono::{DateTime, Datelike, Timelike, Utc};
use lastcall_domain::Cancel;
use rayon::ThreadPoolBuilder;
use serde::Serialize;
use serde_json::value::RawValue;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::document::{Document, GENERATOR};
use crate::error::RenderError;
use crate::fonts::{FontFinder, FontSet};
use crate::glyphs;

const LAYOUT: &str = include_str!("../templates/report.typ");
/// typst recurses by the depth of the layout; ours is shallow, its own frames are not.
const STACK: usize = 16 * 1024 * 1024;

/// A document that is ready to be set in pages, on its way to whoever sets it.
#[derive(Debug)]
pub struct Manuscript {
    /// The document as JSON.
    pub(crate) json: String,
    /// The time that the PDF says it was made at.
    pub(crate) created_at: DateTime<Utc>,
}

impl Manuscript {
    /// The document for the typesetter.
    pub(crate) fn new(doc: &Document, created_at: DateTime<Utc>) -> Result<Self, RenderError> {
        Ok(Self {
            json: serde_json::to_string(doc)?,
            created_at,
        })
    }
}

/// What the layout reads.
#[derive(Serialize)]
struct Input<'a> {
    document: &'a RawValue,
    fonts: &'a [String],
    /// What is to be said of how the document was set.
    notes: &'a [String],
}

/// Sets the document in pages.
///
/// # Errors
/// [`RenderError::Cancelled`] before the pages are set and before they are written, and
/// [`RenderError::Typeset`].
pub(crate) fn typeset(
    manuscript: &Manuscript,
    fonts: &FontFinder,
    cancel: &Cancel,
) -> Result<Vec<u8>, RenderError> {
    let fonts = fonts.faces_for(&manuscript.json);
    if cancel.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    let created_at = manuscript.created_at;
    let bytes = in_own_pool(|| {
        let set = lay_out(manuscript, fonts)?;
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        // A glyph that no font has is the one thing of ours that PDF/UA forbids.
        write(&set, created_at, &[PdfStandard::Ua_1]).or_else(|_| write(&set, created_at, &[]))
    });
    typst::comemo::evict(0);
    bytes?
}

/// Sets the pages; what no font has a glyph for is said on the last of them.
fn lay_out(manuscript: &Manuscript, fonts: FontSet) -> Result<PagedDocument, RenderError> {
    let families = fonts.families.clone();
    let data = |notes: &[String]| -> Result<Vec<u8>, RenderError> {
        Ok(serde_json::to_vec(&Input {
            document: serde_json::from_str(&manuscript.json)?,
            fonts: &families,
            notes,
        })?)
    };
    let mut page = Page::new(data(&[])?, fonts)?;
    let set = compile(&page)?;
    match glyphs::note(&glyphs::missing(&set)) {
        None => Ok(set),
        Some(note) => {
            page.data = Bytes::new(data(&[note])?);
            compile(&page)
        }
    }
}

fn compile(page: &Page) -> Result<PagedDocument, RenderError> {
    let set = typst::compile::<PagedDocument>(page).output;
    set.map_err(|errors| typeset_error(&errors))
}

/// Writes the pages, tagged for screen readers, by further standards where they are given.
fn write(
    set: &PagedDocument,
    created_at: DateTime<Utc>,
    standards: &[PdfStandard],
) -> Result<Vec<u8>, RenderError> {
    let standards = PdfStandards::new(standards)
        .map_err(|error| RenderError::Typeset(error.message().to_string()))?;
    let options = PdfOptions {
        creator: Smart::Custom(Some(GENERATOR.to_owned())),
        timestamp: timestamp(created_at),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(set, &options).map_err(|errors| typeset_error(&errors))
}

/// Runs typst on one thread, which has ended when this returns.
///
/// A scope would not do: it waits for what the thread computes, not for the thread.
fn in_own_pool<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, RenderError> {
    let mut threads = Vec::new();
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        // The default is to end the process.
        .panic_handler(|_| log::error!("the typesetter panicked outside a report"))
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
        // Its work has been caught above; a panic of rayon itself is of no more use here.
        let _ = thread.join();
    }
    result.map_err(|panic| resume_unwind(panic))
}

fn typeset_error(errors: &[SourceDiagnostic]) -> RenderError {
    let messages: Vec<_> = errors
        .iter()
        .take(3)
        .map(|error| error.message.as_str())
        .collect();
    RenderError::Typeset(messages.join("; "))
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

/// All that typst can see: the layout, the data, the faces. No disk, no network, no clock.
struct Page {
    library: LazyHash<Library>,
    layout: Source,
    data_id: FileId,
    data: Bytes,
    fonts: FontSet,
}

impl Page {
    fn new(data: Vec<u8>, fonts: FontSet) -> Result<Self, RenderError> {
        let (layout_id, data_id) = file_ids()?;
        Ok(Self {
            library: LazyHash::new(Library::builder().build()),
            layout: Source::new(layout_id, LAYOUT.to_owned()),
            data_id,
            data: Bytes::new(data),
            fonts,
        })
    }
}

fn file_ids() -> Result<(FileId, FileId), RenderError> {
    static IDS: OnceLock<Option<(FileId, FileId)>> = OnceLock::new();
    let id =
        |name| Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).ok()?).intern());
    let ids = IDS.get_or_init(|| Some((id("report.typ")?, id("report.json")?)));
    ids.ok_or_else(|| RenderError::Typeset("no name for the layout".to_owned()))
}

impl World for Page {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.fonts.book
    }

    fn main(&self) -> FileId {
        self.layout.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.layout.id() {
            Ok(self.layout.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.data_id {
            Ok(self.data.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.faces.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
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
    fn what_no_font_has_a_glyph_for_is_said() {
        for (title, said) in [("whole", false), ("a\u{10fffd}b", true)] {
            let now = Utc::now();
            let manuscript = Manuscript::new(&frame(title, "Profile", now), now).unwrap();
            let fonts = FontFinder::new(FontConfig::default());
            let set = lay_out(&manuscript, fonts.faces_for(&manuscript.json)).unwrap();
            let mut found = String::new();
            for page in set.pages() {
                text(&page.frame, &mut found);
            }
            assert!(found.contains(title), "{found}");
            assert_eq!(found.contains("U+10FFFD"), said, "{found}");
        }
    }
}
