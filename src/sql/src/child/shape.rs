//! Limits on the structure of a query, and the tables that it names; checked before planning.
//!
//! Rejects what would take minutes to plan (planning takes more than linear time in the depth of
//! an expression, and doubles with each query nested in a `WITH`), and what the planner would
//! silently ignore.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    Query, Select, SelectFlavor, SetExpr, SetOperator, SetQuantifier, Statement, TableFactor,
    Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::Span;

use crate::error::{Fault, Position};
use crate::protocol::{Failure, FailureKind};

/// The maximum depth of an expression. A chain of operators is as deep as it is long.
const EXPRESSION_DEPTH: usize = 500;
/// The maximum length of a chain of set operations.
const SET_OPERATIONS: usize = 500;
/// The maximum nesting of queries with a `WITH`.
const WITH_DEPTH: usize = 6;

/// The tables and aliases of a query.
#[derive(Default)]
pub(super) struct Shape {
    /// The relations as written, including common table expressions.
    pub relations: Vec<ObjectName>,
    /// Relations with an alias, and that alias.
    pub aliases: Vec<(String, String)>,
    statements: usize,
    depth: usize,
    with_depth: usize,
}

/// Checks a query, and collects its relations.
pub(super) fn shape(statement: &Statement) -> Result<Shape, Failure> {
    let mut shape = Shape::default();
    match statement.visit(&mut shape) {
        ControlFlow::Continue(()) => Ok(shape),
        ControlFlow::Break(failure) => Err(failure),
    }
}

impl Shape {
    /// A table's name, and its aliases in the query.
    pub(super) fn names_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        let folded = table.to_lowercase();
        let aliases = self
            .aliases
            .iter()
            .filter(move |(name, _)| name.to_lowercase() == folded);
        std::iter::once(table).chain(aliases.map(|(_, alias)| alias.as_str()))
    }
}

type Flow = ControlFlow<Failure>;

impl Visitor for Shape {
    type Break = Failure;

    fn pre_visit_statement(&mut self, _: &Statement) -> Flow {
        self.statements += 1;
        refuse_if(
            self.statements > 1,
            "writing inside a query is not allowed: a query may only read",
        )
    }

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        self.with_depth += usize::from(query.with.is_some());
        refuse_if(
            self.with_depth > WITH_DEPTH,
            "the query is nested too deeply: WITH inside WITH",
        )?;
        refuse_if(
            query.with.as_ref().is_some_and(|with| with.recursive),
            "recursive queries are not allowed",
        )?;
        refuse_if(
            !query.locks.is_empty(),
            "locks are not allowed: a query may only read",
        )?;
        refuse_if(query.settings.is_some(), "settings are not allowed")?;
        unsupported(&[
            (query.for_clause.is_some(), "FOR XML and FOR JSON"),
            (
                query.format_clause.is_some(),
                "FORMAT; the request names the format",
            ),
            (
                counts_copies(&query.body),
                "INTERSECT ALL and EXCEPT ALL; without ALL they are",
            ),
        ])?;
        refuse_if(
            set_operations(&query.body) > SET_OPERATIONS,
            "the query chains too many set operations",
        )
    }

    fn post_visit_query(&mut self, query: &Query) -> Flow {
        self.with_depth -= usize::from(query.with.is_some());
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Flow {
        refuse_if(
            select.into.is_some(),
            "writing into a table is not allowed: a query may only read",
        )?;
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) =
            &select.group_by;
        unsupported(&[
            (
                select.flavor == SelectFlavor::FromFirstNoSelect,
                "FROM without SELECT; write SELECT * FROM …",
            ),
            (select.prewhere.is_some(), "PREWHERE; write WHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (
                !modifiers.is_empty(),
                "GROUP BY … WITH; write GROUP BY ROLLUP (…), CUBE (…) or GROUPING SETS (…)",
            ),
        ])?;
        select.from.iter().try_for_each(|from| joins(&from.joins))
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> Flow {
        self.depth += 1;
        refuse_if(
            self.depth > EXPRESSION_DEPTH,
            "the query is nested too deeply: an expression chains too many operators (IN takes long lists)",
        )
    }

    fn post_visit_expr(&mut self, _: &Expr) -> Flow {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> Flow {
        self.relations.push(relation.clone());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Flow {
        match factor {
            TableFactor::Table {
                name,
                args: Some(_),
                ..
            }
            | TableFactor::Function { name, .. } => {
                let function = last(name);
                let fault =
                    table_function_fault(function.map_or("a function", |ident| &ident.value));
                let position = function.and_then(|ident| position(ident.span));
                ControlFlow::Break(FailureKind::Refused.because(fault.at(position)))
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => joins(&table_with_joins.joins),
            TableFactor::TableFunction { .. } => refuse_if(true, "a function cannot be read from"),
            TableFactor::Table {
                name,
                alias,
                version,
                partitions,
                json_path,
                sample,
                ..
            } => {
                let passed_over = version.is_some()
                    || !partitions.is_empty()
                    || json_path.is_some()
                    || sample.is_some();
                if passed_over {
                    let fault =
                        Fault::new("samples, versions and partitions of a table are not supported");
                    return ControlFlow::Break(FailureKind::Invalid.because(fault));
                }
                if let (Some(ident), Some(alias)) = (last(name), alias) {
                    self.aliases
                        .push((ident.value.clone(), alias.name.value.clone()));
                }
                ControlFlow::Continue(())
            }
            TableFactor::Derived {
                sample: Some(_), ..
            } => {
                let fault = Fault::new("samples of a query are not supported");
                ControlFlow::Break(FailureKind::Invalid.because(fault))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn refuse_if(refused: bool, message: &str) -> Flow {
    if refused {
        ControlFlow::Break(FailureKind::Refused.because(Fault::new(message)))
    } else {
        ControlFlow::Continue(())
    }
}

/// Fails if one of the features is used.
fn unsupported(features: &[(bool, &str)]) -> Flow {
    match features.iter().find(|(there, _)| *there) {
        Some((_, feature)) => {
            let fault = Fault::new(format!("not supported: {feature}"));
            ControlFlow::Break(FailureKind::Invalid.because(fault))
        }
        None => ControlFlow::Continue(()),
    }
}

/// Fails if a shared column would be that of the left table in rows without a match on the left.
fn joins(joins: &[Join]) -> Flow {
    joins
        .iter()
        .try_for_each(|join| match &join.join_operator {
            JoinOperator::Right(by) | JoinOperator::RightOuter(by) | JoinOperator::FullOuter(by) => {
                let shared = matches!(by, JoinConstraint::Using(_) | JoinConstraint::Natural);
                unsupported(&[(
                    shared,
                    "USING and NATURAL in RIGHT and FULL joins; write ON a.x = b.x, and coalesce(a.x, b.x)",
                )])
            }
            JoinOperator::Left(JoinConstraint::Natural)
            | JoinOperator::LeftOuter(JoinConstraint::Natural) => {
                unsupported(&[(true, "NATURAL in LEFT joins; write USING (…)")])
            }
            _ => ControlFlow::Continue(()),
        })
}

/// Whether a set operation counts copies of a row. The engine keeps all copies or none.
fn counts_copies(mut body: &SetExpr) -> bool {
    while let SetExpr::SetOperation {
        op,
        set_quantifier,
        left,
        right,
    } = body
    {
        let counts = *op != SetOperator::Union && *set_quantifier == SetQuantifier::All;
        if counts || counts_copies(right) {
            return true;
        }
        body = left;
    }
    false
}

/// The length of a left-deep chain of set operations.
fn set_operations(mut body: &SetExpr) -> usize {
    let mut count = 0;
    while let SetExpr::SetOperation { left, .. } = body {
        count += 1;
        body = left;
    }
    count
}

/// The fault of a function used as a table.
fn table_function_fault(name: &str) -> Fault {
    Fault::new(format!(
        "{name}(…) cannot be read from: only the session's datasets are tables"
    ))
}

/// The last part of a name.
pub(super) fn last(name: &ObjectName) -> Option<&Ident> {
    name.0.last().and_then(ObjectNamePart::as_ident)
}

/// The start of a span, if known.
pub(super) fn position(span: Span) -> Option<Position> {
    (span.start.line > 0).then_some(Position {
        line: span.start.line,
        column: span.start.column,
    })
}
