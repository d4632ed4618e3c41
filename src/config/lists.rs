//! Lists of strings: a list in the file; TOML, JSON or comma-separated text in the environment.

use toml::{Table, Value};

/// The strings; `None` if the value is not such a list.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        Value::String(given) if given.trim_start().starts_with('[') => {
            let table: Table = format!("texts = {given}").parse().ok()?;
            table.get("texts")?.as_array()?.iter().map(text).collect()
        }
        Value::String(given) => Some(
            given
                .split(',')
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
                .collect(),
        ),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
