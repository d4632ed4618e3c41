//! PostgreSQL's `x ISNULL` and `x NOTNULL`. The parser would take the word for an alias.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// Writes them as `x IS NULL` and `x IS NOT NULL`.
pub(super) fn spelled_out(tokens: &mut Vec<TokenWithSpan>) {
    let mut after_value = false;
    let mut index = 0;
    while index < tokens.len() {
        let TokenWithSpan { token, span } = &tokens[index];
        let span = *span;
        let words: &[&str] = match token {
            Token::Word(word) if word.quote_style.is_none() && after_value => {
                match word.value.to_lowercase().as_str() {
                    "isnull" => &["IS", "NULL"],
                    "notnull" => &["IS", "NOT", "NULL"],
                    _ => &[],
                }
            }
            _ => &[],
        };
        if words.is_empty() {
            if !matches!(token, Token::Whitespace(_)) {
                after_value = ends_value(token);
            }
            index += 1;
            continue;
        }
        let spaced = words.iter().flat_map(|word| {
            let space = Token::Whitespace(Whitespace::Space);
            [space, Token::make_keyword(word)].map(|token| TokenWithSpan::new(token, span))
        });
        tokens.splice(index..=index, spaced);
        index += 2 * words.len();
    }
}

/// Whether a value may end with the token.
fn ends_value(token: &Token) -> bool {
    match token {
        Token::Word(word) if word.quote_style.is_none() => !is_clause(word.keyword),
        Token::Word(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_)
        | Token::RParen
        | Token::RBracket => true,
        _ => false,
    }
}

/// Whether a name, and not an operator, follows the word.
fn is_clause(word: Keyword) -> bool {
    use Keyword as K;
    matches!(
        word,
        K::SELECT
            | K::DISTINCT
            | K::ALL
            | K::AS
            | K::FROM
            | K::JOIN
            | K::ON
            | K::USING
            | K::WHERE
            | K::BY
            | K::HAVING
            | K::QUALIFY
            | K::AND
            | K::OR
            | K::NOT
            | K::CASE
            | K::WHEN
            | K::THEN
            | K::ELSE
            | K::IN
            | K::LIKE
            | K::ILIKE
            | K::BETWEEN
            | K::IS
            | K::WITH
            | K::UNION
            | K::LIMIT
            | K::OFFSET
    )
}

#[cfg(test)]
mod tests {
    use crate::child::parse;

    fn read(sql: &str) -> String {
        let tokens = parse::tokens(sql).unwrap_or_default();
        tokens.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_test_for_null_after_a_value_is_spelled_out() {
        assert_eq!(
            read("select x isnull, (a + 1) NotNull from t")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            "select x IS NULL, (a + 1) IS NOT NULL from t"
        );
        for name in [
            "select isnull, t.isnull from t",
            "select 1 as isnull",
            "select x \"isnull\"",
        ] {
            assert_eq!(read(name), name);
        }
    }
}
