//! Column names.

use std::collections::{HashMap, HashSet};

use lastcall_domain::profile::Warning;

use super::name_bytes::NameBytes;
use crate::EngineError;

/// The names of the columns of a file.
///
/// # Errors
/// If they are too long.
pub(crate) fn bounded(header: &[Vec<u8>]) -> Result<(Vec<String>, Vec<Warning>), EngineError> {
    let mut bytes = NameBytes::default();
    header.iter().try_for_each(|name| bytes.add(name))?;
    Ok(names(header))
}

/// Makes the names of a header unique and not empty, as pandas does: an empty name becomes
/// `Unnamed: 3` (counted from 0), the second `x` becomes `x.1`.
pub(crate) fn names(header: &[Vec<u8>]) -> (Vec<String>, Vec<Warning>) {
    let given: Vec<String> = header
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).into_owned())
        .collect();
    let given_names = given.iter().filter(|name| !name.is_empty());
    let mut taken: HashSet<String> = given_names.cloned().collect();
    // How often a name was seen, which is also the first number to try.
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut empty = Vec::new();
    let mut repeated = Vec::new();
    let mut names = Vec::with_capacity(given.len());
    for (at, name) in given.into_iter().enumerate() {
        let base = if name.is_empty() {
            empty.push(at + 1);
            unnamed(at)
        } else {
            name
        };
        let Some(count) = seen.get_mut(&base) else {
            seen.insert(base.clone(), 1);
            taken.insert(base.clone());
            names.push(base);
            continue;
        };
        repeated.push(at + 1);
        let mut name = format!("{base}.{count}");
        while taken.contains(&name) {
            *count += 1;
            name = format!("{base}.{count}");
        }
        taken.insert(name.clone());
        seen.insert(name.clone(), 1);
        names.push(name);
    }
    let mut warnings = Vec::new();
    if !empty.is_empty() {
        warnings.push(warning(
            "empty_header",
            "without a name were given one",
            &empty,
        ));
    }
    if !repeated.is_empty() {
        warnings.push(warning(
            "duplicate_header",
            "that repeat a name were numbered",
            &repeated,
        ));
    }
    (names, warnings)
}

/// The name of an unnamed column in every format; `at` counts from 0.
pub(crate) fn unnamed(at: usize) -> String {
    format!("Unnamed: {at}")
}

fn warning(code: &str, what: &str, columns: &[usize]) -> Warning {
    let mut list: Vec<String> = columns.iter().take(10).map(usize::to_string).collect();
    if columns.len() > list.len() {
        list.push("…".into());
    }
    Warning {
        code: code.into(),
        detail: format!("columns {what}: {}", list.join(", ")),
        count: columns.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_empty_names_are_made_unique_as_pandas_does() {
        let header: Vec<Vec<u8>> = ["a", "a", "", "a.1", "a", ""]
            .iter()
            .map(|s| s.as_bytes().to_vec())
            .collect();
        let (names, warnings) = names(&header);
        assert_eq!(
            names,
            ["a", "a.2", "Unnamed: 2", "a.1", "a.3", "Unnamed: 5"]
        );
        assert_eq!(warnings.len(), 2);
        assert_eq!(warnings[0].count, 2);
    }

    #[test]
    fn a_header_of_one_name_again_and_again_takes_no_longer_than_any_other() {
        let header = vec![b"a".to_vec(); 200_000];
        let (names, _) = names(&header);
        assert_eq!(names[0], "a");
        assert_eq!(names[199_999], "a.199999");
    }
}
