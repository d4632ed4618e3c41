//! PostgreSQL's numeric literals: `1_000`, `0xFF`, `0o17`, `0b101`. The parser would take letters
//! after a digit as a name, and `0xFF` as bytes.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::shape::position;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Converts each number to decimal digits; fails if a letter follows one.
pub(super) fn plain(tokens: &mut Vec<TokenWithSpan>, sql: &str) -> Result<(), Failure> {
    let mut index = 0;
    while index < tokens.len() {
        let next = tokens.get(index + 1).map(|next| &next.token);
        let token = &tokens[index];
        let (number, taken) = match (&token.token, next) {
            (Token::Number(number, _), Some(Token::Word(word))) if word.quote_style.is_none() => {
                let radix = match word.value.chars().next() {
                    Some('b' | 'B') => 2,
                    Some('o' | 'O') => 8,
                    _ => 0,
                };
                let digits = word.value.get(1..).unwrap_or_default();
                let value = if number == "0" && radix > 0 {
                    whole(digits, radix)
                } else {
                    None
                };
                (value, 2)
            }
            (Token::Number(number, _), _) if number.contains('_') => {
                let doubled = number.contains("__") || number.ends_with('_');
                ((!doubled).then(|| number.replace('_', "")), 1)
            }
            (Token::HexStringLiteral(digits), _) if is_number(token, sql) => {
                let joined = matches!(next, Some(Token::Word(_) | Token::Number(..)));
                (whole(digits, 16).filter(|_| !joined), 1)
            }
            _ => {
                index += 1;
                continue;
            }
        };
        let Some(number) = number else {
            let fault = Fault::new("a number is followed by a letter, or has no digits")
                .at(position(token.span))
                .suggest(Some(
                    "names that begin with a digit need double quotes".into(),
                ));
            return Err(FailureKind::Syntax.because(fault));
        };
        let span = token.span;
        let number = TokenWithSpan::new(Token::Number(number, false), span);
        tokens.splice(index..index + taken, [number]);
        index += 1;
    }
    Ok(())
}

/// Whether hexadecimal digits are a number, `0xFF`, and not bytes, `X'FF'`.
fn is_number(token: &TokenWithSpan, sql: &str) -> bool {
    let index = |number: u64| usize::try_from(number).unwrap_or(1).saturating_sub(1);
    let start = token.span.start;
    let line = sql.split('\n').nth(index(start.line));
    line.and_then(|line| line.chars().nth(index(start.column))) == Some('0')
}

/// The number in decimal digits.
fn whole(digits: &str, radix: u32) -> Option<String> {
    let digits = digits.strip_prefix('_').unwrap_or(digits);
    if digits.contains("__") || digits.ends_with('_') {
        return None;
    }
    u128::from_str_radix(&digits.replace('_', ""), radix)
        .ok()
        .map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::child::parse;

    fn read(sql: &str) -> Option<String> {
        let tokens = parse::tokens(sql).ok()?;
        Some(tokens.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn numbers_of_other_bases_and_with_underscores_are_numbers() {
        assert_eq!(
            read("select 1_000, 1_0.2_5, 0b101, 0o17, 0xfF, X'FF', 1e5, a1").unwrap(),
            "select 1000, 10.25, 5, 15, 255, X'FF', 1e5, a1"
        );
    }

    #[test]
    fn a_letter_after_a_number_is_a_mistake() {
        for sql in [
            "select 1a",
            "select 0b102",
            "select 1_",
            "select 1__0",
            "select 0x",
        ] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }
}
