//! `regr_r2` of a constant: all of it is explained. The engine has null.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, Ident, ObjectName, Value,
};

/// Rewrites `regr_r2(y, x)` to 1 if `y` is constant and `x` is not.
pub(super) fn of_a_constant(expr: &mut Expr) {
    let Expr::Function(function) = expr else {
        return;
    };
    let sum = |name: &str, op, than: &str| {
        let named = Function {
            name: ObjectName::from(vec![Ident::new(name)]),
            ..function.clone()
        };
        Expr::BinaryOp {
            left: Box::new(Expr::Function(named)),
            op,
            right: Box::new(number(than)),
        }
    };
    let constant = Expr::BinaryOp {
        left: Box::new(sum("regr_sxx", BinaryOperator::Gt, "0")),
        op: BinaryOperator::And,
        right: Box::new(sum("regr_syy", BinaryOperator::Eq, "0")),
    };
    *expr = Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen {
            condition: constant,
            result: number("1.0"),
        }],
        else_result: Some(Box::new(expr.clone())),
    };
}

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.into(), false))
}
