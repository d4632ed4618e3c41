//! Functions and clauses of PostgreSQL and DuckDB that have another name in the engine.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LimitClause,
    ObjectName, Query, Value,
};

use crate::child::shape::last;

/// Rewrites `FETCH FIRST n ROWS ONLY` to `LIMIT n`.
pub(super) fn fetch(query: &mut Query) {
    let plain =
        |fetch: &mut datafusion::sql::sqlparser::ast::Fetch| !fetch.with_ties && !fetch.percent;
    let Some(fetch) = query.fetch.take_if(plain) else {
        return;
    };
    let one = || Expr::value(Value::Number("1".into(), false));
    let limit = Some(fetch.quantity.unwrap_or_else(one));
    let (offset, limit_by) = match query.limit_clause.take() {
        Some(LimitClause::LimitOffset {
            limit: None,
            offset,
            limit_by,
        }) => (offset, limit_by),
        _ => (None, Vec::new()),
    };
    query.limit_clause = Some(LimitClause::LimitOffset {
        limit,
        offset,
        limit_by,
    });
}

/// Renames a function to its name in the engine.
pub(super) fn function(expr: &mut Expr) {
    let Expr::Function(function) = expr else {
        return;
    };
    let Some(name) = last(&function.name).map(|name| name.value.to_lowercase()) else {
        return;
    };
    if let Some(other) = renamed(&name) {
        function.name = ObjectName::from(vec![Ident::new(other)]);
        return;
    }
    if name == "mod"
        && let FunctionArguments::List(list) = &function.args
        && let [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(left)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(right)),
        ] = list.args.as_slice()
    {
        let nested = |side: &Expr| Box::new(Expr::Nested(Box::new(side.clone())));
        *expr = Expr::Nested(Box::new(Expr::BinaryOp {
            left: nested(left),
            op: BinaryOperator::Modulo,
            right: nested(right),
        }));
    }
}

/// The engine's name of a function.
pub(super) fn renamed(name: &str) -> Option<&'static str> {
    Some(match name {
        "sign" => "signum",
        "variance" => "var",
        "every" => "bool_and",
        // Not only the first.
        "array_remove" | "list_remove" => "array_remove_all",
        "array_replace" | "list_replace" => "array_replace_all",
        // The engine's own do not support dates and timestamps.
        "nvl" | "ifnull" => "coalesce",
        _ => return None,
    })
}
