//! Parsing: a single query, and the tables that it names.

use datafusion::common::TableReference;
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::dialect::Grammar;
use super::failure;
use super::identifier_case::{self, Known};
use super::numbers;
use super::postfix;
use super::shape::{Shape, last, position, shape};
use crate::error::{Fault, Position};
use crate::protocol::{Failure, FailureKind, Need};

/// The maximum nesting of parentheses and subqueries.
const DEPTH: usize = 50;

/// The tokens of the text, including comments and spaces.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Failure> {
    let mut tokens = Tokenizer::new(&Grammar, sql)
        .tokenize_with_location()
        .map_err(|error| failure::of_parsing(ParserError::from(error).into()))?;
    numbers::plain(&mut tokens, sql)?;
    postfix::spelled_out(&mut tokens);
    Ok(tokens)
}

/// The kind of result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The rows of the query.
    Rows,
    /// The names and types of its columns.
    Describe,
    /// Statistics of its columns.
    Summarize,
}

/// Removes `DESCRIBE` or `SUMMARIZE` before a query, or before the name of a table, which means
/// all of its rows.
pub(super) fn kind(tokens: &mut Vec<TokenWithSpan>) -> Kind {
    let mut words = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    let Some((first, Token::Word(word))) = words.next().map(|(at, token)| (at, &token.token))
    else {
        return Kind::Rows;
    };
    let kind = match word.value.to_lowercase().as_str() {
        _ if word.quote_style.is_some() => return Kind::Rows,
        "describe" | "desc" => Kind::Describe,
        "summarize" | "summarise" => Kind::Summarize,
        _ => return Kind::Rows,
    };
    let is_query = match words.next().map(|(_, token)| &token.token) {
        None | Some(Token::LParen) => true,
        Some(Token::Word(word)) => matches!(
            word.keyword,
            Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::FROM
        ),
        Some(_) => false,
    };
    let space = Token::Whitespace(Whitespace::Space);
    let all = [
        Token::make_keyword("SELECT"),
        space.clone(),
        Token::Mul,
        space.clone(),
        Token::make_keyword("FROM"),
        space,
    ];
    let all = if is_query { Vec::new() } else { all.into() };
    tokens.splice(..=first, all.into_iter().map(TokenWithSpan::wrap));
    kind
}

/// Parses the tokens, which have to be a single query.
pub(super) fn query(tokens: Vec<TokenWithSpan>) -> Result<Box<Statement>, Failure> {
    let end = tokens.last().map(|token| token.span.end);
    let mut statements = DFParserBuilder::new(tokens)
        .with_dialect(&Grammar)
        .with_recursion_limit(DEPTH)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| {
            let mut failure = failure::of_parsing(error);
            // The parser has no position for the end of the text.
            if failure.kind == FailureKind::Syntax && failure.fault.position.is_none() {
                failure.fault.position = end.map(|end| Position {
                    line: end.line,
                    column: end.column,
                });
            }
            failure
        })?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(Parsed::Statement(statement)), true) if matches!(*statement, Statement::Query(_)) => {
            Ok(statement)
        }
        (None, _) => Err(FailureKind::Syntax.because(Fault::new("there is no query"))),
        (Some(_), false) => Err(not_allowed(
            "one query at a time: there is more than one statement",
        )),
        (Some(_), true) => Err(not_allowed(
            "only queries are allowed: SELECT, WITH, VALUES, DESCRIBE or SUMMARIZE",
        )),
    }
}

fn not_allowed(message: &str) -> Failure {
    FailureKind::Refused.because(Fault::new(message))
}

/// The tables that a query names, each once.
pub(super) fn needs(sql: &str) -> Result<Vec<Need>, Failure> {
    let mut tokens = tokens(sql)?;
    kind(&mut tokens);
    identifier_case::resolve(&mut tokens, &Known::default());
    let statement = query(tokens)?;
    let shape = shape(&statement)?;
    let (tables, _) = resolve_table_references(&Parsed::Statement(statement), false)
        .map_err(failure::of_planning)?;
    tables
        .into_iter()
        .map(|table| need(&table, &shape))
        .collect()
}

fn need(table: &TableReference, shape: &Shape) -> Result<Need, Failure> {
    let name = table.table();
    let ident = shape
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
            let fault = Fault::new(format!("there is no table {table}: tables have no schema"));
            Err(FailureKind::UnknownTable.because(fault.at(position)))
        }
    }
}
