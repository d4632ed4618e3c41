//! From text to syntax: one statement, a query, and the tables that it names.

use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Span, TokenWithSpan, Tokenizer};

use super::spelling::{self, Known};
use super::{failure, functions};
use crate::error::{Fault, Position};
use crate::hint::quoted;
use crate::protocol::{Failure, FailureKind, Need};

/// How deep parentheses and subqueries may nest.
const DEPTH: usize = 50;

/// The text as tokens, with comments and spaces.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Failure> {
    Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| {
            failure::of_parsing(datafusion::sql::sqlparser::parser::ParserError::from(error).into())
        })
}

/// The one query that the tokens are.
pub(super) fn query(tokens: Vec<TokenWithSpan>) -> Result<Statement, Failure> {
    let mut statements = DFParserBuilder::new(tokens)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(DEPTH)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(failure::of_parsing)?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(Statement::Statement(statement)), true) if matches!(*statement, Sql::Query(_)) => {
            Ok(Statement::Statement(statement))
        }
        (None, _) => Err(FailureKind::Syntax.because(Fault::new("there is no query"))),
        (Some(_), false) => Err(refused(
            "one query at a time: there is more than one statement",
        )),
        (Some(_), true) => Err(refused("only queries are allowed: SELECT, WITH or VALUES")),
    }
}

fn refused(message: &str) -> Failure {
    FailureKind::Refused.because(Fault::new(message))
}

/// The tables that a query names, each once.
pub(super) fn needs(sql: &str) -> Result<Vec<Need>, Failure> {
    let mut tokens = tokens(sql)?;
    spelling::respell(&mut tokens, &Known::default());
    let statement = query(tokens)?;
    let mut written = Written::default();
    if let Statement::Statement(statement) = &statement
        && let ControlFlow::Break(failure) = statement.visit(&mut written)
    {
        return Err(failure);
    }
    let (tables, _) = resolve_table_references(&statement, false).map_err(failure::of_planning)?;
    tables
        .into_iter()
        .map(|table| written.need(&table))
        .collect()
}

/// The relations as they are written.
#[derive(Default)]
struct Written {
    relations: Vec<ObjectName>,
}

impl Visitor for Written {
    type Break = Failure;

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Failure> {
        self.relations.push(relation.clone());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Failure> {
        let function = match factor {
            TableFactor::Table {
                name,
                args: Some(_),
                ..
            }
            | TableFactor::Function { name, .. } => last(name),
            TableFactor::TableFunction { .. } => None,
            _ => return ControlFlow::Continue(()),
        };
        let (name, position) = function.map_or(("TABLE", None), |name| {
            (name.value.as_str(), position(name.span))
        });
        ControlFlow::Break(
            FailureKind::Refused.because(functions::refused_as_a_table(name).at(position)),
        )
    }
}

impl Written {
    fn need(&self, table: &TableReference) -> Result<Need, Failure> {
        let name = table.table();
        let ident = self
            .relations
            .iter()
            .filter_map(last)
            .find(|ident| ident.value == name);
        let position = ident.and_then(|ident| position(ident.span));
        match table {
            TableReference::Bare { .. } => Ok(Need {
                name: name.to_owned(),
                quoted: ident.is_some_and(|ident| ident.quote_style.is_some()),
                position,
            }),
            TableReference::Partial { .. } | TableReference::Full { .. } => {
                let fault = Fault::new(format!("there is no table {table}: tables have no schema"))
                    .at(position)
                    .suggest(Some(format!("a dataset is queried as {}", quoted(name))));
                Err(FailureKind::UnknownTable.because(fault))
            }
        }
    }
}

fn last(name: &ObjectName) -> Option<&Ident> {
    name.0.last().and_then(ObjectNamePart::as_ident)
}

/// The start of a span; nothing if it is not known.
pub(super) fn position(span: Span) -> Option<Position> {
    (span.start.line > 0).then_some(Position {
        line: span.start.line,
        column: span.start.column,
    })
}
