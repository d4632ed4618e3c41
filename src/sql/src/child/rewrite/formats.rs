//! Formats of `to_char`: the engine supports those of strftime, and copies any other text.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DollarQuotedString, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value,
    ValueWithSpan,
};

use crate::child::shape::position;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// PostgreSQL's patterns with an equivalent in strftime; a pattern precedes its prefixes.
const PATTERNS: &[(&str, &str)] = &[
    ("YYYY", "%Y"),
    ("IYYY", "%G"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("DDD", "%j"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("HH", "%I"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("MS", "%3f"),
    ("US", "%6f"),
    ("IW", "%V"),
    ("ID", "%u"),
    ("AM", "%p"),
    ("PM", "%p"),
];
/// Patterns that begin like others but differ in meaning: seconds of the day, day of the ISO year.
const OTHERS: [&str; 2] = ["SSSS", "IDDD"];
/// Patterns whose case decides the case of the result.
const CASED: &[(&str, &str)] = &[
    ("FMMonth", "%B"),
    ("FMDay", "%A"),
    ("Mon", "%b"),
    ("Dy", "%a"),
];

/// Converts a format of PostgreSQL to one of strftime.
pub(super) fn as_strftime(function: &mut Function) -> ControlFlow<Failure> {
    let FunctionArguments::List(list) = &mut function.args else {
        return ControlFlow::Continue(());
    };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(format))) = list.args.get_mut(1) else {
        return ControlFlow::Continue(());
    };
    let Expr::Value(ValueWithSpan {
        value:
            Value::SingleQuotedString(written)
            | Value::DollarQuotedString(DollarQuotedString { value: written, .. }),
        span,
    }) = format
    else {
        return ControlFlow::Continue(());
    };
    if written.contains('%') {
        return ControlFlow::Continue(());
    }
    let Some(strftime) = translated(written) else {
        let fault = Fault::new(format!("to_char does not know the format '{written}'"))
            .at(position(*span))
            .suggest(Some(
                "write it as in strftime: to_char(t, '%Y-%m-%d %H:%M')".into(),
            ));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    };
    *format = super::text(strftime);
    ControlFlow::Continue(())
}

/// The format in the notation of strftime; `None` if a letter or digit is unknown.
fn translated(mut rest: &str) -> Option<String> {
    let mut format = String::new();
    'next: while let Some(first) = rest.chars().next() {
        let begins = |other: &str| {
            let head = rest.get(..other.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(other))
        };
        if OTHERS.into_iter().any(begins) {
            return None;
        }
        for (pattern, sign) in CASED {
            if let Some(after) = rest.strip_prefix(pattern) {
                format.push_str(sign);
                rest = after;
                continue 'next;
            }
        }
        for (pattern, sign) in PATTERNS {
            let (head, same) = (rest.get(..pattern.len()), |head: &str| {
                head == *pattern || head == pattern.to_lowercase()
            });
            if head.is_some_and(same) {
                // Its case decides the case of the result.
                let lower = *sign == "%p" && head != Some(*pattern);
                format.push_str(if lower { "%P" } else { sign });
                rest = &rest[pattern.len()..];
                continue 'next;
            }
        }
        if let Some((quoted, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
        {
            format.push_str(quoted);
            rest = after;
            continue;
        }
        if first.is_alphanumeric() || matches!(first, '"' | '\\') {
            return None;
        }
        format.push(first);
        rest = &rest[first.len_utf8()..];
    }
    Some(format)
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn the_usual_patterns_are_those_of_strftime() {
        let all = [
            ("YYYY-MM-DD HH24:MI:SS", Some("%Y-%m-%d %H:%M:%S")),
            ("yyyymmdd", Some("%Y%m%d")),
            ("DD Mon YYYY", Some("%d %b %Y")),
            ("IYYY-\"W\"IW", Some("%G-W%V")),
            ("HH12:MI am", Some("%I:%M %P")),
            ("FM999", None),
            ("Month", None),
            ("Q", None),
            ("SSSS", None),
            ("YYYY-IDDD", None),
        ];
        for (format, strftime) in all {
            assert_eq!(translated(format).as_deref(), strftime, "{format}");
        }
    }
}
