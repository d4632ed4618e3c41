//! Messages for typst's errors; for a caller's template, with line and column.

use std::fmt::Write as _;
use std::iter;

use typst::WorldExt as _;
use typst::diag::SourceDiagnostic;
use typst::syntax::DiagSpan;

use super::world::ReportWorld;
use crate::text::clean;

/// How many errors are named.
const NAMED: usize = 3;
/// The longest message of an error, in characters: some quote the source.
const MAX_MESSAGE: usize = 500;

/// The first errors, without their positions.
pub(super) fn plain(errors: &[SourceDiagnostic]) -> String {
    let messages: Vec<_> = errors
        .iter()
        .take(NAMED)
        .map(|error| shortened(&error.message))
        .collect();
    messages.join("; ")
}

/// The first errors of a template, each with its position and hints.
pub(super) fn located(errors: &[SourceDiagnostic], world: &ReportWorld) -> String {
    let mut text = String::new();
    for error in errors.iter().take(NAMED) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        // An error within the layout has a call site in the template.
        let calls = error.trace.iter().map(|call| call.span.into());
        let mut places = iter::once(error.span).chain(calls);
        match places.find_map(|span| place(span, world)) {
            Some((line, column)) => {
                let _ = write!(text, "line {line}, column {column}: ");
            }
            None if error.span.id().is_some_and(|id| world.is_standard(id)) => {
                text.push_str("in the standard layout: ");
            }
            None => {}
        }
        text.push_str(&shortened(&error.message));
        // Hints about options of typst's command line do not apply.
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
fn place(span: DiagSpan, world: &ReportWorld) -> Option<(usize, usize)> {
    let template = world
        .own_template()
        .filter(|own| Some(own.id()) == span.id())?;
    let start = world.range(span)?.start;
    let (line, column) = template.lines().byte_to_line_column(start)?;
    Some((line + 1, column + 1))
}

/// A message on one line, cut at [`MAX_MESSAGE`].
fn shortened(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", clean(&message[..end])),
        None => clean(message).into_owned(),
    }
}
