//! Converts the engine's errors into failures with a kind, a position and a suggestion.

use std::any::Any;
use std::error::Error as StdError;
use std::io::{Error, ErrorKind};

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::object_store;
use datafusion::sql::sqlparser::parser::ParserError;
use lastcall_domain::Dependency;
use nix::errno::Errno;

use super::{functions, unsupported, wording};
use crate::error::{Fault, Position};
use crate::hint;
use crate::protocol::{Failure, FailureKind};

/// The failure of an error while parsing.
pub(super) fn of_parsing(error: DataFusionError) -> Failure {
    match root(&error) {
        DataFusionError::SQL(parser, _) => match parser.as_ref() {
            ParserError::RecursionLimitExceeded => {
                FailureKind::Refused.because(Fault::new("the query is nested too deeply"))
            }
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                let (message, position) = split_position(message);
                FailureKind::Syntax.because(Fault::new(wording::plain(message)).at(position))
            }
        },
        root => FailureKind::Syntax.because(fault(&error, root)),
    }
}

/// The failure of an error while planning.
pub(super) fn of_planning(error: DataFusionError) -> Failure {
    let root = root(&error);
    match root {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, .. } if is_internal(field) => {
                let fault = Fault::new(
                    "not supported: IN, ANY or ALL in an aggregate, or here of a query that refers to the query around it",
                );
                let fault = fault.suggest(Some("write EXISTS (SELECT … WHERE …)".into()));
                FailureKind::Invalid.because(fault)
            }
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => {
                let fault = Fault::new(format!("there is no column {}", written(field)))
                    .at(place_of(field, &error))
                    .suggest(other_column(field, valid_fields));
                FailureKind::UnknownColumn.because(fault)
            }
            SchemaError::AmbiguousReference { field } => {
                let fault = Fault::new(format!(
                    "more than one table has a column {}",
                    hint::quoted(&field.name)
                ))
                .at(place_of(field, &error))
                .suggest(Some("write the table's name and a dot before it".into()));
                FailureKind::UnknownColumn.because(fault)
            }
            _ => FailureKind::Invalid.because(fault(&error, root)),
        },
        DataFusionError::Plan(message) => match message.strip_prefix("Invalid function '") {
            Some(rest) => {
                functions::unknown(rest.split('\'').next().unwrap_or_default(), place(&error))
            }
            None => {
                let fault = match unsupported::explained(message) {
                    Some((message, instead)) => Fault::new(message).suggest(Some(instead.into())),
                    None => invalid(&error, root),
                };
                let help = fault.suggestion.clone();
                let help = help.or_else(|| unsupported::about_types(&fault.message));
                FailureKind::Invalid.because(fault.suggest(help))
            }
        },
        DataFusionError::NotImplemented(_) => {
            let fault = invalid(&error, root);
            FailureKind::Invalid.because(match unsupported::explained(&fault.message) {
                Some((message, instead)) => {
                    Fault { message, ..fault }.suggest(Some(instead.into()))
                }
                None => Fault {
                    message: format!("not supported: {}", wording::named(&fault.message)),
                    ..fault
                },
            })
        }
        DataFusionError::Configuration(_) => FailureKind::Invalid.because(invalid(&error, root)),
        // Constants are computed while planning.
        _ => of_running(error),
    }
}

/// Whether a rewrite has added the column.
fn is_internal(column: &Column) -> bool {
    let table = column.relation.as_ref().map(|table| table.table());
    table.is_some_and(|table| table.starts_with('\u{1f}'))
}

/// A column as a query has to write it.
fn written(column: &Column) -> String {
    let name = hint::quoted(&column.name);
    match &column.relation {
        Some(table) => format!("{}.{name}", hint::quoted(table.table())),
        None => name,
    }
}

/// The column to suggest: one of that name in another table, otherwise one of a similar name,
/// preferably in the same table.
fn other_column(missing: &Column, valid: &[Column]) -> Option<String> {
    let elsewhere = |column: &&Column| column.name == missing.name;
    if missing.relation.is_some()
        && let Some(column) = valid.iter().find(elsewhere)
    {
        return Some(format!("did you mean {}?", written(column)));
    }
    let named = |column: &&Column| column.relation == missing.relation;
    let narrow = missing.relation.is_some() && valid.iter().any(|column| named(&column));
    let names = valid.iter().filter(|column| !narrow || named(column));
    hint::did_you_mean(&missing.name, names.map(|column| column.name.as_str()))
}

/// Suggests single quotes for text if a name in double quotes is unknown.
pub(super) fn mention_quotes(mut failure: Failure, sql: &str) -> Failure {
    if failure.kind == FailureKind::UnknownColumn
        && let Some(Position { line, column }) = failure.fault.position
        && let Some(line) = sql.split('\n').nth(index(line))
        && line.chars().nth(index(column)) == Some('"')
    {
        let text: String = line
            .chars()
            .skip(index(column) + 1)
            .take_while(|c| *c != '"')
            .collect();
        failure.fault.suggestion = Some(format!("text is written in single quotes: '{text}'"));
    }
    failure
}

/// Converts a number from 1 to an index.
fn index(number: u64) -> usize {
    usize::try_from(number)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}

/// The failure of an error while the query runs.
pub(super) fn of_running(error: DataFusionError) -> Failure {
    let root = root(&error);
    match root {
        DataFusionError::ResourcesExhausted(message) if is_about_disk(message) => out_of_disk(),
        DataFusionError::ResourcesExhausted(_) => out_of_memory(),
        DataFusionError::IoError(io) => of_io(io),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::MemoryError(_) => out_of_memory(),
            ArrowError::IoError(_, io) => of_io(io),
            ArrowError::OffsetOverflowError(_) => too_much_text(),
            _ => FailureKind::Failed.because(fault(&error, root)),
        },
        DataFusionError::Execution(message) if is_about_memory(message) => out_of_memory(),
        DataFusionError::NotImplemented(_) => of_planning(error),
        _ => of_table(&error).unwrap_or_else(|| FailureKind::Failed.because(fault(&error, root))),
    }
}

/// The failure if the operating system did not read the file of a table. Tables are the only
/// objects that the engine reads.
fn of_table(error: &DataFusionError) -> Option<Failure> {
    let mut is_object = false;
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        is_object |= cause.is::<object_store::Error>();
        if is_object && let Some(io) = cause.downcast_ref::<Error>() {
            match Dependency::of_io(io, Dependency::Blobs) {
                Some(Dependency::Blobs) => {
                    let fault = fault(error, root(error));
                    return Some(FailureKind::TableUnreadable.because(fault));
                }
                Some(Dependency::FileDescriptors) => return Some(out_of_descriptors(io)),
                _ => {}
            }
        }
        next = cause.source();
    }
    None
}

/// The failure of a file that found no file descriptor.
pub(super) fn out_of_descriptors(error: &Error) -> Failure {
    let innermost = std::iter::successors(Some(error), |error| {
        error.get_ref()?.downcast_ref::<Error>()
    })
    .last();
    // This process has a limit of its own, which only its query can reach.
    if innermost.and_then(Error::raw_os_error) == Some(Errno::EMFILE as i32) {
        FailureKind::Exhausted.because(Fault::new("the query opens too many files"))
    } else {
        FailureKind::NoFileDescriptors.because(Fault::new(error.to_string()))
    }
}

/// The failure of an error while the sandbox is entered.
pub(super) fn of_sandbox(error: &Error) -> Failure {
    // The sandbox marks an error about the folder of the temporary files; no other is an outage.
    match Dependency::of_io(error, Dependency::Blobs) {
        Some(Dependency::Scratch) => scratch_unavailable(error),
        Some(Dependency::FileDescriptors) => out_of_descriptors(error),
        _ => FailureKind::Failed.because(Fault::new(format!(
            "the query cannot enter the sandbox: {error}"
        ))),
    }
}

/// The failure of a temporary file.
pub(super) fn of_io(error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FailureKind::ScratchUnavailable
            .because(Fault::new("the disk of the temporary files is full")),
        // The engine's library of temporary files keeps the kind of an error and loses its code.
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem => scratch_unavailable(error),
        ErrorKind::FileTooLarge => out_of_disk(),
        ErrorKind::OutOfMemory => out_of_memory(),
        // The engine's own limit on spilled bytes.
        ErrorKind::Other if is_about_disk(&error.to_string()) => out_of_disk(),
        _ => match Dependency::of_io(error, Dependency::Scratch) {
            Some(Dependency::Scratch) => scratch_unavailable(error),
            Some(Dependency::FileDescriptors) => out_of_descriptors(error),
            _ => FailureKind::Failed
                .because(Fault::new(format!("reading or writing failed: {error}"))),
        },
    }
}

fn scratch_unavailable(error: &Error) -> Failure {
    FailureKind::ScratchUnavailable.because(Fault::new(format!(
        "the temporary files cannot be used: {error}"
    )))
}

/// The failure of a panic in the engine.
pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it has no message");
    if is_about_memory(message) {
        return out_of_memory();
    }
    if message.contains("offset overflow") {
        return too_much_text();
    }
    let message = wording::short(&format!("the engine cannot run this query: {message}"));
    FailureKind::Failed.because(Fault::new(message))
}

/// The failure of a query that exceeds its memory.
pub(super) fn out_of_memory() -> Failure {
    FailureKind::Exhausted.because(Fault::new("the query needs more memory than it may have"))
}

/// The failure of a query for which threads with stacks of so many bytes in all cannot be started.
/// The operating system has one error for two causes: the stacks exceed the query's memory, or there
/// are too many threads.
pub(super) fn no_thread(stacks: usize) -> Failure {
    let mut room = Vec::<u8>::new();
    let fits = room.try_reserve_exact(stacks).is_ok();
    // Otherwise the compiler may leave the allocation out.
    std::hint::black_box(&room);
    if fits {
        FailureKind::NoThreads.because(Fault::new("no thread can be started for the query"))
    } else {
        out_of_memory()
    }
}

/// The failure of a query whose texts overflow the engine's 32-bit offsets.
fn too_much_text() -> Failure {
    FailureKind::Exhausted.because(Fault::new(
        "the query makes more than 2 GiB of text at once",
    ))
}

fn out_of_disk() -> Failure {
    FailureKind::Exhausted.because(Fault::new("the query needs more disk than it may have"))
}

/// Whether an error without a kind is about memory. Threads and stacks are memory.
fn is_about_memory(message: &str) -> bool {
    [
        "capacity overflow",
        "failed to allocate",
        "memory allocation",
        "OS can't spawn",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

fn is_about_disk(message: &str) -> bool {
    message.contains("disk") || message.contains("spill")
}

/// The innermost error.
fn root(error: &DataFusionError) -> &DataFusionError {
    match error.find_root() {
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        DataFusionError::Diagnostic(_, inner) => root(inner),
        root => root,
    }
}

/// The message of an error, without the name of its kind.
fn fault(whole: &DataFusionError, root: &DataFusionError) -> Fault {
    let message = root.message();
    let (message, position) = split_position(&message);
    Fault::new(wording::plain(message)).at(position.or_else(|| place(whole)))
}

/// [`fault`] with the message of the planner's diagnosis, if there is one.
fn invalid(whole: &DataFusionError, root: &DataFusionError) -> Fault {
    match whole.diagnostic() {
        Some(diagnostic) => {
            let help = diagnostic.helps.first().map(|help| help.message.clone());
            Fault::new(wording::plain(&diagnostic.message))
                .at(place(whole))
                .suggest(help)
        }
        None => fault(whole, root),
    }
}

/// The position in a diagnosis.
fn place(error: &DataFusionError) -> Option<Position> {
    error
        .diagnostic()
        .and_then(|diagnostic| diagnostic.span)
        .map(start)
}

fn place_of(column: &Column, error: &DataFusionError) -> Option<Position> {
    place(error).or_else(|| column.spans().first().map(start))
}

fn start(span: datafusion::common::Span) -> Position {
    Position {
        line: span.start.line,
        column: span.start.column,
    }
}

/// Splits "at Line: 1, Column: 8" off the end of a message.
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

#[cfg(test)]
mod tests {
    use datafusion::parquet::errors::ParquetError;

    use super::*;

    fn kind_of(error: DataFusionError) -> FailureKind {
        of_running(error).kind
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_fault_of_the_query() {
        let object = |error: Error| object_store::Error::Generic {
            store: "files",
            source: Box::new(error),
        };
        let stale = || object(Error::from_raw_os_error(116));
        let of_table = [
            DataFusionError::from(stale()),
            DataFusionError::from(ParquetError::External(Box::new(stale()))),
        ];
        for error in of_table {
            assert_eq!(kind_of(error), FailureKind::TableUnreadable);
        }
        let none_left = |error: Errno| kind_of(object(Error::from(error)).into());
        assert_eq!(none_left(Errno::EMFILE), FailureKind::Exhausted);
        assert_eq!(none_left(Errno::ENFILE), FailureKind::NoFileDescriptors);
        // The data is damaged: it promises more bytes than there are.
        let short = object(Error::from(ErrorKind::UnexpectedEof));
        assert_eq!(kind_of(short.into()), FailureKind::Failed);
        for kind in [ErrorKind::NotFound, ErrorKind::StorageFull] {
            // As the engine's library of temporary files wraps them.
            let temporary = Error::new(kind, "at path \"spill\"");
            let failure = kind_of(DataFusionError::IoError(temporary));
            assert_eq!(failure, FailureKind::ScratchUnavailable, "{kind}");
        }
    }

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
