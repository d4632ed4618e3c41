//! `LIKE … ESCAPE`: the engine supports only the backslash.

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

/// Rewrites the pattern with backslashes if it is a literal; others are left to the engine.
pub(super) fn escape_with_backslash(like: &mut Expr) {
    let (Expr::Like {
        pattern,
        escape_char,
        ..
    }
    | Expr::ILike {
        pattern,
        escape_char,
        ..
    }) = like
    else {
        return;
    };
    let Some(ValueWithSpan {
        value: Value::SingleQuotedString(escape),
        ..
    }) = escape_char
    else {
        return;
    };
    let Expr::Value(ValueWithSpan {
        value: Value::SingleQuotedString(written),
        ..
    }) = &**pattern
    else {
        return;
    };
    let mut characters = escape.chars();
    let escape = characters.next();
    if characters.next().is_some() {
        return;
    }
    **pattern = super::text(with_backslashes(written, escape));
    *escape_char = None;
}

fn with_backslashes(pattern: &str, escape: Option<char>) -> String {
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        let (c, stands_for_itself) = match c {
            c if Some(c) == escape => match characters.next() {
                Some(next) => (next, true),
                None => break,
            },
            c => (c, c == '\\'),
        };
        if stands_for_itself && matches!(c, '%' | '_' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::with_backslashes;

    #[test]
    fn another_escape_becomes_the_backslash() {
        assert_eq!(with_backslashes("a!%b!_!!%", Some('!')), "a\\%b\\_!%");
        assert_eq!(with_backslashes("a\\b", Some('!')), "a\\\\b");
        assert_eq!(with_backslashes("a\\%", None), "a\\\\%");
    }
}
