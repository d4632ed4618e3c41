//! Where values come from: a TOML file and, over it, the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use toml::{Table, Value};

use super::Faults;

/// What a variable of the environment begins with to be a key.
const PREFIX: &str = "LASTCALL__";

/// One value and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) value: Value,
    /// The variable, where it came from the environment.
    pub(super) variable: Option<String>,
}

/// Every value that was given, by its dotted key.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub(super) values: BTreeMap<String, Found>,
}

/// What is wrong with `text`, and where. Not the line itself, which may hold a secret.
fn told(text: &str, error: &toml::de::Error) -> String {
    let what = error.message().trim_end();
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => {
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("line {line}, column {column}: {what}")
        }
        None => what.to_owned(),
    }
}

impl Sources {
    /// Reads the file, if there is one, and lays the environment over it.
    ///
    /// # Errors
    /// Where the file cannot be read or is not TOML.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Faults> {
        let mut sources = Self::default();
        if let Some(file) = file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Faults::of_file(file, format!("cannot be read: {error}")))?;
            let table: Table = text.parse().map_err(|error: toml::de::Error| {
                Faults::of_file(file, format!("is not TOML: {}", told(&text, &error)))
            })?;
            sources.add_table("", table);
        }
        for (name, value) in environment {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
                sources.add_variable(name, value);
            }
        }
        Ok(sources)
    }

    fn add_table(&mut self, prefix: &str, table: Table) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value {
                Value::Table(inner) => self.add_table(&format!("{key}."), inner),
                value => {
                    let variable = None;
                    self.values.insert(key, Found { value, variable });
                }
            }
        }
    }

    fn add_variable(&mut self, name: &str, value: &str) {
        if let Some(key) = name.strip_prefix(PREFIX) {
            let found = Found {
                value: Value::String(value.to_owned()),
                variable: Some(name.to_owned()),
            };
            self.values
                .insert(key.to_ascii_lowercase().replace("__", "."), found);
        }
    }
}
