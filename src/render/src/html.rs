//! The page: one file that loads nothing, readable on light, dark and paper.

use std::io::{BufWriter, Write};

use askama::Template;
use lastcall_domain::Cancel;

use crate::document::{Block, Document, Section};
use crate::error::RenderError;

const STYLE: &str = include_str!("../templates/style.css");

#[derive(Template)]
#[template(path = "head.html")]
struct Head<'a> {
    doc: &'a Document,
    style: &'static str,
}

#[derive(Template)]
#[template(path = "section.html")]
struct Part<'a> {
    section: &'a Section,
}

#[derive(Template)]
#[template(path = "foot.html")]
struct Foot<'a> {
    doc: &'a Document,
}

/// Writes the page.
///
/// # Errors
/// [`RenderError::Cancelled`] between two sections, and what `out` says.
pub(crate) fn html(
    doc: &Document,
    cancel: &Cancel,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    // A template writes a few bytes at a time.
    let mut page = BufWriter::new(out);
    Head { doc, style: STYLE }.write_into(&mut page)?;
    for section in &doc.sections {
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        Part { section }.write_into(&mut page)?;
    }
    Foot { doc }.write_into(&mut page)?;
    Ok(page.flush()?)
}
