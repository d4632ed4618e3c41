//! The HTML report: one file that loads nothing, with styles for light, dark and print.
//!
//! Its content security policy allows its own style sheet and script, each by its hash: markup
//! that got in by mistake could neither run nor load anything.

use std::io::{BufWriter, Write};
use std::sync::OnceLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lastcall_domain::Cancel;
use sha2::{Digest, Sha256};

use crate::document::{Block, Card, Document, Section};
use crate::error::RenderError;

const STYLE: &str = include_str!("../templates/style.css");
const SCRIPT: &str = include_str!("../templates/report.js");

#[derive(Template)]
#[template(path = "head.html")]
struct Head<'a> {
    doc: &'a Document,
    cards: Vec<&'a Card>,
    style: &'static str,
    policy: &'static str,
}

#[derive(Template)]
#[template(path = "section.html")]
struct SectionTemplate<'a> {
    section: &'a Section,
}

#[derive(Template)]
#[template(path = "foot.html")]
struct Footer<'a> {
    doc: &'a Document,
    script: &'static str,
}

/// Writes the page.
///
/// # Errors
/// [`RenderError::Cancelled`] between two sections, and errors of `out`.
pub(crate) fn html(
    doc: &Document,
    cancel: &Cancel,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    // Templates write a few bytes at a time.
    let mut page = BufWriter::new(out);
    let blocks = doc.sections.iter().flat_map(|section| &section.blocks);
    let cards = blocks.filter_map(|block| match block {
        Block::Card(card) => Some(card),
        _ => None,
    });
    let head = Head {
        doc,
        cards: cards.collect(),
        style: STYLE,
        policy: policy(),
    };
    head.write_into(&mut page)?;
    for section in &doc.sections {
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        SectionTemplate { section }.write_into(&mut page)?;
    }
    let script = SCRIPT;
    Footer { doc, script }.write_into(&mut page)?;
    Ok(page.flush()?)
}

/// The content security policy.
fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let hash = |text: &str| format!("sha256-{}", STANDARD.encode(Sha256::digest(text)));
        format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; \
             form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        )
    })
}
