//! Resolves the tables of a query to the files of the session's datasets.

use lastcall_domain::Dependency;

use crate::error::{Fault, SqlError};
use crate::hint;
use crate::name::composed;
use crate::protocol::{Need, Table};
use crate::tables::{TableError, Tables};

/// Opens the tables that a query needs, in order.
///
/// A quoted name has to match exactly. An unquoted name also matches a table of another case, if
/// it is the only one.
pub(super) async fn resolve(needs: &[Need], tables: &dyn Tables) -> Result<Vec<Table>, SqlError> {
    let names = tables.names().await.map_err(SqlError::Tables)?;
    // All names are checked before the first table is opened, which may be expensive.
    let found = needs
        .iter()
        .map(|need| find(need, &names))
        .collect::<Result<Vec<_>, _>>()?;
    let mut opened: Vec<Table> = Vec::with_capacity(found.len());
    for name in found {
        let path = match opened.iter().find(|table| table.name == name) {
            Some(table) => table.path.clone(),
            None => tables.open(name).await.map_err(|error| SqlError::Table {
                name: name.to_owned(),
                error,
            })?,
        };
        // The child has another working directory, and its engine does not accept `..`.
        let path = std::fs::canonicalize(&path).map_err(|error| SqlError::Table {
            name: name.to_owned(),
            error: TableError {
                code: "table_unavailable",
                message: error.to_string(),
                retryable: true,
                unavailable: Dependency::of_work_io(&error),
            },
        })?;
        opened.push(Table {
            name: name.to_owned(),
            path,
        });
    }
    Ok(opened)
}

fn find<'a>(need: &Need, names: &'a [String]) -> Result<&'a str, SqlError> {
    let wanted = composed(&need.name);
    if let Some(name) = names.iter().find(|name| **name == wanted) {
        return Ok(name);
    }
    if !need.quoted {
        let folded = wanted.to_lowercase();
        let mut alike = names.iter().filter(|name| name.to_lowercase() == folded);
        if let (Some(name), None) = (alike.next(), alike.next()) {
            return Ok(name);
        }
    }
    let fault = Fault::new(format!("there is no table {}", hint::quoted(&need.name)))
        .at(need.position)
        .suggest(hint::did_you_mean(
            &need.name,
            names.iter().map(String::as_str),
        ));
    Err(SqlError::UnknownTable(fault))
}

/// For a syntax error: the first table in the text that needs quotes and has none.
pub(super) fn missing_quotes(query: &str, names: &[String]) -> Option<String> {
    let query = query.to_lowercase();
    let bare = names.iter().find(|name| {
        let quoted = hint::quoted(name);
        quoted != **name
            && query
                .match_indices(&name.to_lowercase())
                .any(|(at, _)| !query[..at].ends_with(['"', '`', '\'']))
    })?;
    Some(format!(
        "a table of this name is written {}",
        hint::quoted(bare)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_needs_quotes_and_has_none_is_pointed_out() {
        let names = ["plain".to_owned(), "Seattle-Weather".to_owned()];
        let hint = |query| missing_quotes(query, &names);
        assert_eq!(
            hint("select * from seattle-weather limit").as_deref(),
            Some("a table of this name is written \"Seattle-Weather\"")
        );
        assert_eq!(hint("select * form \"Seattle-Weather\""), None);
        assert_eq!(hint("select * form plain"), None);
    }

    #[test]
    fn a_name_is_found_however_its_accents_are_written() {
        let names = ["naïve".to_owned(), "Été".to_owned()];
        for (written, quoted, found) in [
            ("nai\u{308}ve", true, "naïve"),
            ("naïve", true, "naïve"),
            ("e\u{301}te\u{301}", false, "Été"),
        ] {
            assert_eq!(find(&need(written, quoted), &names).unwrap(), found);
        }
    }

    fn need(name: &str, quoted: bool) -> Need {
        Need {
            name: name.into(),
            quoted,
            position: None,
        }
    }

    fn suggestion(name: &str, names: &[String]) -> Option<String> {
        match find(&need(name, false), names) {
            Err(SqlError::UnknownTable(fault)) => fault.suggestion,
            _ => None,
        }
    }

    #[test]
    fn without_quotes_the_case_of_a_table_does_not_matter_unless_two_differ_by_it_alone() {
        let names = ["Sales".to_owned(), "a".to_owned(), "A".to_owned()];
        assert_eq!(find(&need("sales", false), &names).ok(), Some("Sales"));
        assert_eq!(find(&need("A", false), &names).ok(), Some("A"));
        assert!(find(&need("sales", true), &names).is_err());
        assert!(
            find(
                &need("sales", false),
                &["SALES".to_owned(), "Sales".to_owned()]
            )
            .is_err()
        );
    }

    #[test]
    fn a_slip_in_a_table_name_brings_a_suggestion_with_the_quotes_that_it_needs() {
        let names = ["penguins".to_owned(), "seattle-weather".to_owned()];
        assert_eq!(
            suggestion("pengins", &names).as_deref(),
            Some("did you mean penguins?")
        );
        assert_eq!(
            suggestion("seattle_weather", &names).as_deref(),
            Some("did you mean \"seattle-weather\"?")
        );
    }
}
