//! What typst finds fault with, in words: in a caller's template with line and column.

use std::fmt::Write as _;
use std::iter;

use typst::WorldExt as _;
use typst::diag::SourceDiagnostic;
use typst::syntax::DiagSpan;

use super::world::Page;
use crate::text::clean;

/// So many faults are named.
const NAMED: usize = 3;
/// The longest message of a fault, in characters: some quote what they are about.
const MAX_MESSAGE: usize = 500;

/// The first faults, without a place.
pub(super) fn plain(errors: &[SourceDiagnostic]) -> String {
    let messages: Vec<_> = errors
        .iter()
        .take(NAMED)
        .map(|error| shortened(&error.message))
        .collect();
    messages.join("; ")
}

/// The first faults of a template, each with the place in it and what may mend it.
pub(super) fn located(errors: &[SourceDiagnostic], page: &Page) -> String {
    let mut text = String::new();
    for error in errors.iter().take(NAMED) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        // What fails within the layout was called from somewhere in the template.
        let calls = error.trace.iter().map(|call| call.span.into());
        let mut places = iter::once(error.span).chain(calls);
        match places.find_map(|span| place(span, page)) {
            Some((line, column)) => {
                let _ = write!(text, "line {line}, column {column}: ");
            }
            None if error.span.id().is_some_and(|id| page.is_standard(id)) => {
                text.push_str("in the standard layout: ");
            }
            None => {}
        }
        text.push_str(&shortened(&error.message));
        // What typst's own program could do about it, nobody can here.
        let hints = error.hints.iter().filter(|hint| !hint.v.contains("`--"));
        for hint in hints {
            let _ = write!(text, " (hint: {})", shortened(&hint.v));
        }
    }
    let more = errors.len().saturating_sub(NAMED);
    if more > 0 {
        let _ = write!(text, "; and {more} more");
    }
    text
}

/// Line and column in the template, both from 1; the column in characters.
fn place(span: DiagSpan, page: &Page) -> Option<(usize, usize)> {
    let template = page
        .own_template()
        .filter(|own| Some(own.id()) == span.id())?;
    let start = page.range(span)?.start;
    let (line, column) = template.lines().byte_to_line_column(start)?;
    Some((line + 1, column + 1))
}

/// As much of a message as is worth reading, on one line.
fn shortened(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", clean(&message[..end])),
        None => clean(message).into_owned(),
    }
}
