//! Case-insensitive names: `select NAME from T` finds the column `Name` of the table `t`.
//!
//! The engine compares names exactly. Before parsing, each unquoted name gets the spelling of the
//! column that differs from it by case only, or otherwise of its first occurrence in the query, so
//! that aliases match. A name that equals a column is kept; one that differs by case from two
//! columns is kept as well, and is then unknown. Keywords keep their meaning, as only the text of
//! a token changes.

use std::collections::HashMap;

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// The columns that a query can refer to.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// All columns, by lower-case name.
    all: HashMap<String, Vec<String>>,
    /// The columns of one table, by its lower-case name or alias in the query.
    by_relation: HashMap<String, HashMap<String, Vec<String>>>,
}

impl Known {
    /// Adds the columns of a table that the query names `relations`.
    pub(super) fn add<'a>(
        &mut self,
        relations: impl IntoIterator<Item = &'a str>,
        columns: impl IntoIterator<Item = &'a str> + Clone,
    ) {
        for column in columns.clone() {
            insert(&mut self.all, column);
        }
        for relation in relations {
            let known = self.by_relation.entry(relation.to_lowercase()).or_default();
            for column in columns.clone() {
                insert(known, column);
            }
        }
    }
}

impl Known {
    /// Whether the table with this name in the query has the column.
    pub(super) fn has(&self, relation: &str, column: &str) -> bool {
        self.by_relation
            .get(&relation.to_lowercase())
            .and_then(|columns| columns.get(&column.to_lowercase()))
            .is_some_and(|cases| cases.iter().any(|case| case == column))
    }
}

fn insert(known: &mut HashMap<String, Vec<String>>, column: &str) {
    let cases = known.entry(column.to_lowercase()).or_default();
    if cases.iter().all(|case| case != column) {
        cases.push(column.to_owned());
    }
}

/// Changes unquoted names to the spelling of their columns.
pub(super) fn resolve(tokens: &mut [TokenWithSpan], known: &Known) {
    let mut first: HashMap<String, String> = HashMap::new();
    for token in tokens.iter() {
        if let Token::Word(word) = &token.token {
            first
                .entry(word.value.to_lowercase())
                .or_insert_with(|| word.value.clone());
        }
    }
    // The name before a dot, if it directly precedes.
    let mut qualifier: Option<String> = None;
    let mut last_word: Option<String> = None;
    for token in tokens {
        match &mut token.token {
            Token::Whitespace(_) => {}
            Token::Period => qualifier = last_word.take(),
            Token::Word(word) => {
                let folded = word.value.to_lowercase();
                let columns = qualifier
                    .take()
                    .and_then(|name| known.by_relation.get(&name))
                    .unwrap_or(&known.all);
                if word.quote_style.is_none() {
                    match columns.get(&folded).map(Vec::as_slice) {
                        Some([only]) => word.value.clone_from(only),
                        Some(_) => {}
                        None => {
                            if let Some(case) = first.get(&folded) {
                                word.value.clone_from(case);
                            }
                        }
                    }
                }
                last_word = Some(folded);
            }
            _ => {
                qualifier = None;
                last_word = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::child::parse;

    fn resolved(sql: &str, tables: &[(&str, &[&str])]) -> String {
        let mut known = Known::default();
        for (table, columns) in tables {
            known.add([*table], columns.iter().copied());
        }
        let mut tokens = parse::tokens(sql).unwrap();
        resolve(&mut tokens, &known);
        tokens.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_unquoted_name_is_written_as_the_column_that_differs_by_case_alone() {
        let sql = "select NAME, \"NAME\", 'NAME' from t -- NAME";
        assert_eq!(
            resolved(sql, &[("t", &["Name"])]),
            "select Name, \"NAME\", 'NAME' from t -- NAME"
        );
    }

    #[test]
    fn a_name_that_is_spelled_like_one_of_two_columns_is_that_column() {
        let two: &[(&str, &[&str])] = &[("t", &["a", "A"])];
        assert_eq!(resolved("select a, A from t", two), "select a, A from t");
    }

    #[test]
    fn a_qualifier_decides_between_columns_of_two_tables() {
        let two: &[(&str, &[&str])] = &[("t", &["Id"]), ("u", &["ID"])];
        assert_eq!(
            resolved("select T.id, u . id from t, u", two),
            "select T.Id, u . ID from T, u"
        );
    }

    #[test]
    fn other_names_are_written_as_they_were_first() {
        assert_eq!(
            resolved("select 1 as Foo order by foo", &[]),
            "select 1 as Foo order by Foo"
        );
    }
}
