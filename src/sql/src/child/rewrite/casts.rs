//! Rewrites casts to calls of [`udf::CAST`], which rounds, and whose calls have distinct names.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, Select, SelectItem, TimezoneInfo, UnaryOperator, Value, ValueWithSpan,
};

use crate::child::udf;

/// Names a cast column after its operand, as PostgreSQL and the engine do.
pub(super) fn keep_names(select: &mut Select) {
    let taken = |items: &[SelectItem], name: &Ident| {
        items
            .iter()
            .filter(|item| named(item).is_some_and(|other| other.value == name.value))
            .count()
            > 1
    };
    for index in 0..select.projection.len() {
        let SelectItem::UnnamedExpr(expr @ Expr::Cast { .. }) = &select.projection[index] else {
            continue;
        };
        if let Some(name) = innermost(expr)
            && !taken(&select.projection, name)
        {
            select.projection[index] = SelectItem::ExprWithAlias {
                alias: Ident::with_quote('"', name.value.clone()),
                expr: expr.clone(),
            };
        }
    }
}

/// The name or alias of a column.
fn named(item: &SelectItem) -> Option<&Ident> {
    match item {
        SelectItem::UnnamedExpr(expr) => innermost(expr),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias),
        _ => None,
    }
}

fn innermost(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(names) => names.last(),
        Expr::Cast { expr, .. } => innermost(expr),
        _ => None,
    }
}

/// Replaces a cast by a call; a cast to an unknown type is kept.
pub(super) fn call(cast: &mut Expr) {
    let Expr::Cast {
        kind,
        expr,
        data_type,
        array: false,
        format: None,
    } = &cast
    else {
        return;
    };
    let Some(target) = target(data_type) else {
        return;
    };
    let name = match kind {
        CastKind::Cast | CastKind::DoubleColon => udf::CAST,
        CastKind::TryCast | CastKind::SafeCast => udf::TRY_CAST,
    };
    // The engine reads a number with a point as a float, which would lose digits.
    let value = match written(expr).filter(|_| target.starts_with("Decimal")) {
        Some(digits) => super::text(digits),
        None => (**expr).clone(),
    };
    *cast = super::call(name, vec![value, super::text(target)]);
}

/// The digits of a numeric literal.
fn written(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => written(inner),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: inner,
        } => written(inner)
            .filter(|digits| !digits.starts_with('-'))
            .map(|digits| format!("-{digits}")),
        Expr::Value(ValueWithSpan {
            value: Value::Number(number, _),
            ..
        }) => {
            let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            plain.then(|| number.clone())
        }
        // A long literal is already a decimal.
        Expr::Function(_) => long_number(expr),
        _ => None,
    }
}

fn long_number(expr: &Expr) -> Option<String> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.as_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(digits),
                ..
            }))),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(target),
                ..
            }))),
        ] if super::is_named(function, udf::CAST)
            && target == LONG
            && digits.chars().all(|c| c.is_ascii_digit()) =>
        {
            Some(digits.clone())
        }
        _ => None,
    }
}

/// The type of integers beyond 64 bits.
const LONG: &str = "Decimal128(38, 0)";

/// An integer beyond 64 bits is a decimal; the engine reads it as a float with 15 digits.
pub(super) fn of_long_number(expr: &mut Expr) {
    if let Expr::Value(ValueWithSpan {
        value: Value::Number(number, _),
        ..
    }) = expr
        && number.len() <= 38
        && number.chars().all(|c| c.is_ascii_digit())
        && number.parse::<u64>().is_err()
    {
        *expr = super::call(
            udf::CAST,
            vec![super::text(number.clone()), super::text(LONG)],
        );
    }
}

/// The engine's name of a type.
fn target(data_type: &DataType) -> Option<String> {
    Some(
        match data_type {
            DataType::Boolean | DataType::Bool => "Boolean",
            DataType::TinyInt(_) => "Int8",
            DataType::SmallInt(_) | DataType::Int2(_) => "Int16",
            DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "Int32",
            DataType::BigInt(_) | DataType::Int8(_) => "Int64",
            DataType::Real | DataType::Float4 => "Float32",
            DataType::Float(_)
            | DataType::Double(_)
            | DataType::DoublePrecision
            | DataType::Float8 => "Float64",
            DataType::Varchar(None)
            | DataType::CharacterVarying(None)
            | DataType::Text
            | DataType::String(None) => "Utf8View",
            DataType::Date => "Date32",
            DataType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                "Time64(Nanosecond)"
            }
            DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
            | DataType::Datetime(_) => "Timestamp(Microsecond, None)",
            DataType::Timestamp(..) => "Timestamp(Microsecond, Some(\"UTC\"))",
            DataType::Interval { .. } => "Interval(MonthDayNano)",
            DataType::Decimal(digits) | DataType::Numeric(digits) | DataType::Dec(digits) => {
                return decimal(*digits);
            }
            _ => return None,
        }
        .to_owned(),
    )
}

fn decimal(digits: ExactNumberInfo) -> Option<String> {
    match digits {
        ExactNumberInfo::Precision(precision @ 1..=38) => {
            Some(format!("Decimal128({precision}, 0)"))
        }
        ExactNumberInfo::PrecisionAndScale(precision @ 1..=38, scale)
            if scale.unsigned_abs() <= precision =>
        {
            Some(format!("Decimal128({precision}, {scale})"))
        }
        // No precision, or more than a decimal has: the engine decides.
        _ => None,
    }
}
