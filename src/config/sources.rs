//! The sources of values: a TOML file, overridden by the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use toml::{Table, Value};

use super::{Fault, Faults};

/// The prefix of environment variables that are keys.
const PREFIX: &str = "LASTCALL__";
/// The suffix of variables that name a file with the value.
const FILE_SUFFIX: &str = "_FILE";
/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// A value and its origin.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) value: Value,
    /// The variable, if it came from the environment.
    pub(super) variable: Option<String>,
}

/// Every value that was given, by its dotted key.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub(super) values: BTreeMap<String, Found>,
    /// The empty tables, by their dotted names.
    pub(super) empty_tables: Vec<String>,
    /// Keys whose value could not be read, and why.
    pub(super) faults: Vec<(String, Fault)>,
}

/// What is wrong with `text`, and where. The line itself is left out, because it may hold a secret.
fn describe(text: &str, error: &toml::de::Error) -> String {
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
    /// Reads the file, if there is one, and overrides it with the environment.
    ///
    /// # Errors
    /// If the file cannot be read or is not TOML.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Faults> {
        let mut sources = Self::default();
        if let Some(file) = file {
            let text = read(file).map_err(|rule| Faults::of_file(file, rule))?;
            let table: Table = text.parse().map_err(|error: toml::de::Error| {
                Faults::of_file(file, format!("is not TOML: {}", describe(&text, &error)))
            })?;
            sources.add_table("", table);
        }
        let environment: BTreeMap<OsString, OsString> = environment.into_iter().collect();
        for (name, value) in &environment {
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
                Value::Table(inner) if inner.is_empty() => self.empty_tables.push(key),
                Value::Table(inner) => self.add_table(&format!("{key}."), inner),
                value => {
                    let variable = None;
                    self.values.insert(key, Found { value, variable });
                }
            }
        }
    }

    /// Reads `LASTCALL__STORE__URL`, or the file that `LASTCALL__STORE__URL_FILE` names. A key that
    /// is given in both ways is a fault.
    fn add_variable(&mut self, name: &str, value: &str) {
        let Some(key) = name.strip_prefix(PREFIX) else {
            return;
        };
        let file = key.strip_suffix(FILE_SUFFIX);
        let text = match file {
            Some(_) => read_value(Path::new(value)),
            None => Ok(value.to_owned()),
        };
        let key = file.unwrap_or(key).to_ascii_lowercase().replace("__", ".");
        let given = self.values.get(&key);
        let other = given.and_then(|given| given.variable.clone());
        let text = match other {
            Some(other) => Err(format!("{other} gives the value as well")),
            None => text,
        };
        match text {
            Ok(text) => {
                let found = Found {
                    value: Value::String(text),
                    variable: Some(name.to_owned()),
                };
                self.values.insert(key, found);
            }
            Err(rule) => {
                let fault = Fault {
                    key: format!("{key} (from {name})"),
                    // The path of a file is no secret, but a value may be.
                    value: file.map(|_| format!("{value:?}")),
                    rule,
                };
                self.faults.push((key, fault));
            }
        }
    }
}

/// The text in the file, without trailing line ends.
fn read_value(file: &Path) -> Result<String, String> {
    let text = read(file)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The text in the file. Reading is bounded, because an endless device may be named.
fn read(file: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let file = File::open(file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    if read.map_err(unreadable)? as u64 > MAX_FILE {
        return Err(format!("must not be larger than {MAX_FILE} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "cannot be read: it is not UTF-8".to_owned())
}
