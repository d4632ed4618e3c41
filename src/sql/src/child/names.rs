//! Names of result columns: as written in the query, not as the engine generates them.
//!
//! A column keeps the name of its table's column, an alias is written as in the query, and any
//! other expression is named by its own text: `count(*)`, `date_trunc('month', seen)`.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, Statement};

use super::rewrite::shown;

/// Longer texts of expressions are cut, in characters.
const MAX_TEXT: usize = 120;

/// The names that a query gives to the columns of its answer.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// From the first column on, up to the first `*`.
    left: Vec<Option<String>>,
    /// From the last column back, to the last `*`; empty if there is none.
    right: Vec<Option<String>>,
}

impl Names {
    /// The names in a query whose identifiers keep their case.
    pub(super) fn of(statement: &Statement) -> Self {
        let Statement::Query(query) = statement else {
            return Self::default();
        };
        let mut body = query.body.as_ref();
        let select = loop {
            match body {
                SetExpr::Select(select) => break select,
                SetExpr::Query(query) => body = query.body.as_ref(),
                SetExpr::SetOperation { left, .. } => body = left.as_ref(),
                _ => return Self::default(),
            }
        };
        let items = &select.projection;
        let stars = |item: &SelectItem| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        };
        let first = items.iter().position(stars).unwrap_or(items.len());
        let after_last = items
            .iter()
            .rposition(stars)
            .map_or(items.len(), |last| last + 1);
        Self {
            left: items[..first].iter().map(name).collect(),
            right: items[after_last..].iter().rev().map(name).collect(),
        }
    }

    /// A schema with these names.
    pub(super) fn apply(&self, schema: &Schema) -> SchemaRef {
        let count = schema.fields().len();
        let fields = schema.fields().iter().enumerate().map(|(index, field)| {
            let left = self.left.get(index);
            let right = || self.right.get(count - 1 - index);
            match left.or_else(right) {
                Some(Some(name)) => Arc::new(Field::new(
                    name,
                    field.data_type().clone(),
                    field.is_nullable(),
                )),
                _ => Arc::new(Field::new(
                    shown(field.name()),
                    field.data_type().clone(),
                    field.is_nullable(),
                )),
            }
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => None,
        SelectItem::UnnamedExpr(expr) => {
            let text = expr.to_string();
            Some(match text.char_indices().nth(MAX_TEXT) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            })
        }
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}
