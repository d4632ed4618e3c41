//! What the engine says when it fails, as a failure with a kind, a place and a guess.

use std::any::Any;

use datafusion::common::{Diagnostic, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::functions;
use crate::error::{Fault, Position};
use crate::hint;
use crate::protocol::{Failure, FailureKind};

/// Longer messages are cut, in characters: some repeat the whole plan.
const MAX_MESSAGE: usize = 1000;

/// The failure of an error while parsing.
pub(super) fn of_parsing(error: DataFusionError) -> Failure {
    match error.find_root() {
        DataFusionError::SQL(parser, _) => match parser.as_ref() {
            ParserError::RecursionLimitExceeded => too_deep(),
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                let (message, position) = split_position(message);
                FailureKind::Syntax.because(Fault::new(short(message)).at(position))
            }
        },
        other => FailureKind::Syntax.because(fault(&error, other)),
    }
}

/// The failure of an error while planning.
pub(super) fn of_planning(error: DataFusionError) -> Failure {
    let root = error.find_root();
    match root {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => {
                let position = place(&error).or_else(|| field.spans().first().map(start));
                let fault = Fault::new(format!("there is no column {}", hint::quoted(&field.name)))
                    .at(position)
                    .suggest(hint::did_you_mean(
                        &field.name,
                        valid_fields.iter().map(|field| field.name.as_str()),
                    ));
                FailureKind::UnknownColumn.because(fault)
            }
            SchemaError::AmbiguousReference { field } => {
                let position = place(&error).or_else(|| field.spans().first().map(start));
                let fault = Fault::new(format!(
                    "more than one table has a column {}",
                    hint::quoted(&field.name)
                ))
                .at(position)
                .suggest(Some("write the table's name and a dot before it".into()));
                FailureKind::UnknownColumn.because(fault)
            }
            _ => FailureKind::Invalid.because(fault(&error, root)),
        },
        DataFusionError::Plan(message) => match message.strip_prefix("Invalid function '") {
            Some(rest) => {
                let name = rest.split('\'').next().unwrap_or_default();
                functions::unknown(name, place(&error))
            }
            None => FailureKind::Invalid.because(fault(&error, root)),
        },
        DataFusionError::NotImplemented(message) if message.contains("Recursive CTE") => {
            FailureKind::Refused.because(Fault::new("recursive queries are not allowed"))
        }
        DataFusionError::NotImplemented(_) | DataFusionError::Configuration(_) => {
            FailureKind::Invalid.because(fault(&error, root))
        }
        // Constants are computed while planning.
        _ => of_running(error),
    }
}

/// The failure of an error while the query runs.
pub(super) fn of_running(error: DataFusionError) -> Failure {
    let root = error.find_root();
    match root {
        DataFusionError::ResourcesExhausted(message) => {
            log::debug!("{message}");
            let what = if message.contains("disk") || message.contains("spill file") {
                "disk"
            } else {
                "memory"
            };
            FailureKind::Exhausted.because(Fault::new(format!(
                "the query needs more {what} than it may have"
            )))
        }
        DataFusionError::IoError(io) => of_io(io),
        root => FailureKind::Failed.because(fault(&error, root)),
    }
}

/// The failure of reading or writing.
pub(super) fn of_io(error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded => {
            FailureKind::Exhausted.because(Fault::new("the query needs more disk than it may have"))
        }
        ErrorKind::OutOfMemory => out_of_memory(),
        _ => FailureKind::Failed.because(Fault::new(format!("reading or writing failed: {error}"))),
    }
}

/// The failure of a panic in the engine.
pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it does not say why");
    if message.contains("capacity overflow") || message.contains("OS can't spawn") {
        return out_of_memory();
    }
    FailureKind::Failed.because(Fault::new(short(&format!(
        "the engine cannot run this query: {message}"
    ))))
}

/// The failure of a query that nests too deeply.
pub(super) fn too_deep() -> Failure {
    FailureKind::Refused.because(Fault::new("the query is nested too deeply"))
}

fn out_of_memory() -> Failure {
    FailureKind::Exhausted.because(Fault::new("the query needs more memory than it may have"))
}

/// The message of an error without the name of its kind.
fn fault(whole: &DataFusionError, root: &DataFusionError) -> Fault {
    let message = root.message();
    let (message, position) = split_position(&message);
    Fault::new(short(message)).at(position.or_else(|| place(whole)))
}

/// The place that a diagnostic names.
fn place(error: &DataFusionError) -> Option<Position> {
    error
        .diagnostic()
        .and_then(|diagnostic: &Diagnostic| diagnostic.span)
        .map(start)
}

fn start(span: datafusion::common::Span) -> Position {
    Position {
        line: span.start.line,
        column: span.start.column,
    }
}

/// Takes "at Line: 1, Column: 8" from the end of a message.
fn split_position(message: &str) -> (&str, Option<Position>) {
    let Some((head, tail)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let mut numbers = tail
        .splitn(2, ", Column: ")
        .map(|number| number.trim().parse::<u64>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) => (head, Some(Position { line, column })),
        _ => (message, None),
    }
}

fn short(message: &str) -> String {
    let message = message.trim();
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_at_the_end_of_a_message_is_taken_from_it() {
        let at = |line, column| Some(Position { line, column });
        assert_eq!(
            split_position("Expected: x at Line: 2, Column: 7"),
            ("Expected: x", at(2, 7))
        );
        assert_eq!(split_position("Expected: x"), ("Expected: x", None));
        assert_eq!(
            split_position("look at Line: four"),
            ("look at Line: four", None)
        );
    }
}
