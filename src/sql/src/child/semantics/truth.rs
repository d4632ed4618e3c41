//! `IS TRUE` and its kin among the columns. The engine's plans disagree on whether they are ever
//! null, and fail where they are grouped by.

use datafusion::logical_expr::Expr;

/// Writes the test with operators on whose nulls all plans agree.
pub(super) fn plain(expr: Expr) -> Expr {
    match expr {
        Expr::IsTrue(inner) => inner.clone().is_not_null().and(*inner),
        Expr::IsFalse(inner) => inner.clone().is_not_null().and(!*inner),
        Expr::IsNotTrue(inner) => inner.clone().is_null().or(!*inner),
        Expr::IsNotFalse(inner) => inner.clone().is_null().or(*inner),
        other => other,
    }
}
