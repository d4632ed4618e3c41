//! The HTML report: one file that loads nothing, readable in light, dark and print.
//!
//! Its policy allows the one style sheet and the one script of its own, each by its hash: no
//! markup that got in by mistake could run or load anything.

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
struct Foot<'a> {
    doc: &'a Document,
    script: &'static str,
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
    Foot { doc, script }.write_into(&mut page)?;
    Ok(page.flush()?)
}

/// What the page may do.
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
