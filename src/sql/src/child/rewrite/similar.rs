//! Rewrites `SIMILAR TO`, whose patterns the engine treats as regular expressions.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value, ValueWithSpan};

use crate::child::shape::position;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Rewrites it to a match of the whole text with an equivalent regular expression.
pub(super) fn as_regular_expression(similar: &mut Expr) -> ControlFlow<Failure> {
    let Expr::SimilarTo {
        negated,
        expr,
        pattern,
        escape_char,
    } = &similar
    else {
        return ControlFlow::Continue(());
    };
    let Expr::Value(ValueWithSpan {
        value: Value::SingleQuotedString(written),
        ..
    }) = &**pattern
    else {
        let fault =
            Fault::new("not supported: SIMILAR TO with a pattern that is not a string literal")
                .suggest(Some("write ~ with a regular expression".into()));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    };
    let escape = match escape_char {
        None => Some('\\'),
        Some(ValueWithSpan {
            value: Value::SingleQuotedString(escape),
            span,
        }) => {
            let mut characters = escape.chars();
            let first = characters.next();
            if characters.next().is_some() {
                let fault = Fault::new("ESCAPE takes one character").at(position(*span));
                return ControlFlow::Break(FailureKind::Invalid.because(fault));
            }
            first
        }
        Some(_) => None,
    };
    let test = super::call(
        "regexp_like",
        vec![(**expr).clone(), super::text(regular(written, escape))],
    );
    *similar = if *negated {
        Expr::Nested(Box::new(Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: Box::new(test),
        }))
    } else {
        test
    };
    ControlFlow::Continue(())
}

/// The regular expression of a pattern: `%` and `_` are wildcards, `| * + ? { } ( ) [ ]` keep
/// their meaning, everything else is literal.
fn regular(pattern: &str, escape: Option<char>) -> String {
    let mut expression = String::from("^(?s:");
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(c) = characters.next() {
        match c {
            c if Some(c) == escape => {
                if let Some(next) = characters.next() {
                    literal(&mut expression, next);
                }
            }
            ']' if in_class => {
                in_class = false;
                expression.push(']');
            }
            // A named class, such as [:digit:], ends within.
            '[' if in_class => {
                expression.push('[');
                for c in characters.by_ref() {
                    expression.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '\\' | '&' | '~' if in_class => {
                expression.push('\\');
                expression.push(c);
            }
            c if in_class => expression.push(c),
            '[' => {
                in_class = true;
                expression.push('[');
            }
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            '(' => expression.push_str("(?:"),
            '|' | '*' | '+' | '?' | '{' | '}' | ')' => expression.push(c),
            c => literal(&mut expression, c),
        }
    }
    expression.push_str(")$");
    expression
}

fn literal(expression: &mut String, c: char) {
    if c.is_ascii_punctuation() && c != '_' {
        expression.push('\\');
    }
    expression.push(c);
}

#[cfg(test)]
mod tests {
    use super::regular;

    #[test]
    fn a_pattern_matches_the_whole_text_with_its_own_signs() {
        assert_eq!(regular("a%", Some('\\')), "^(?s:a.*)$");
        assert_eq!(regular("f.o_", Some('\\')), "^(?s:f\\.o.)$");
        assert_eq!(regular("(a|b)+\\%", Some('\\')), "^(?s:(?:a|b)+\\%)$");
        assert_eq!(regular("[a-c^_]#_", Some('#')), "^(?s:[a-c^_]_)$");
    }
}
