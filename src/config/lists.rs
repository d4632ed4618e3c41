//! Lists of texts: from the file a list, from the environment the same as TOML or JSON text, or the
//! texts separated by commas.

use toml::{Table, Value};

/// The texts; `None` where it is no such list.
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
