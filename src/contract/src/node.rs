//! A node of a contract with its path for error messages.

use lastcall_domain::profile::Number;
use serde_json::{Map, Value};

use crate::{Builder, ContractError, Result};

/// The minimum similarity of a suggested key.
const SIMILAR: f64 = 0.8;

/// An object of the document.
pub(crate) struct Node<'a> {
    map: &'a Map<String, Value>,
    /// Its path; empty for the root.
    pub(crate) path: String,
}

/// The number with all its digits.
pub(crate) fn exact(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Number::parse(&number.to_string()),
        _ => None,
    }
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Result<Self> {
        Self::new(value, String::new())
    }

    pub(crate) fn new(value: &'a Value, path: String) -> Result<Self> {
        match value.as_object() {
            Some(map) => Ok(Self { map, path }),
            None if path.is_empty() => Err(ContractError::new(path, "a contract is an object")),
            None => Err(wrong(path, "an object", value)),
        }
    }

    /// The path of a key.
    pub(crate) fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of a key; `null` counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.read(key, "text", Value::as_str)
    }

    /// A required text.
    pub(crate) fn required(&self, key: &str) -> Result<&'a str> {
        let missing = || ContractError::new(self.path.clone(), format!("`{key}` is missing"));
        self.text(key)?.ok_or_else(missing)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool> {
        let flag = self.read(key, "true or false", Value::as_bool)?;
        Ok(flag.unwrap_or_default())
    }

    pub(crate) fn count(&self, key: &str) -> Result<Option<u64>> {
        self.read(key, "a whole number from 0 on", Value::as_u64)
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, "a number", Value::as_f64)
    }

    /// A number with all its digits.
    pub(crate) fn exact_number(&self, key: &str) -> Result<Option<Number>> {
        self.read(key, "a number", exact)
    }

    /// A list; empty if absent.
    pub(crate) fn list(&self, key: &str) -> Result<&'a [Value]> {
        let list = self.read(key, "a list", Value::as_array)?;
        Ok(list.map_or(&[][..], Vec::as_slice))
    }

    pub(crate) fn object(&self, key: &str) -> Result<Option<Node<'a>>> {
        let object = self.get(key);
        object
            .map(|value| Node::new(value, self.at(key)))
            .transpose()
    }

    /// The objects of a list.
    pub(crate) fn objects(&self, key: &str) -> Result<Vec<Node<'a>>> {
        let items = self.list(key)?.iter().enumerate();
        let nodes = items.map(|(i, item)| Node::new(item, format!("{}[{i}]", self.at(key))));
        nodes.collect()
    }

    /// A text or a list of texts.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let list = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let texts = list.iter().map(|item| {
            let text = item.as_str().map(str::to_owned);
            text.ok_or_else(|| wrong(self.at(key), "text or a list of texts", item))
        });
        texts.collect()
    }

    fn read<T>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(wrong(self.at(key), what, value)),
        }
    }

    /// Rejects unknown keys.
    pub(crate) fn reject_unknown(&self, known: &[&str]) -> Result<()> {
        match self.unknown(known).next() {
            None => Ok(()),
            Some((key, similar)) => Err(ContractError::new(
                self.at(key),
                format!("there is no such key{}", hint(similar)),
            )),
        }
    }

    /// Warns about unknown keys, where the format allows custom ones.
    pub(crate) fn warn_unknown(&self, known: &[&str], plan: &mut Builder) {
        for (key, similar) in self.unknown(known) {
            let detail = format!("this key is not known and not checked{}", hint(similar));
            plan.warn("unknown_key", self.at(key), detail);
        }
    }

    fn unknown<'k>(
        &self,
        known: &'k [&'k str],
    ) -> impl Iterator<Item = (&'a str, Option<&'k str>)> + use<'a, 'k> {
        let keys = self.map.keys().map(String::as_str);
        let unknown = keys.filter(move |key| !known.contains(key));
        unknown.map(move |key| (key, similar(key, known)))
    }
}

/// The most similar known name, if one is similar.
pub(crate) fn similar<'k>(key: &str, known: &'k [&'k str]) -> Option<&'k str> {
    let key = key.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&key, &name.to_lowercase());
    let names = known.iter().map(|name| (likeness(name), *name));
    let best = names.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= SIMILAR).then_some(best.1)
}

pub(crate) fn hint(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn wrong(path: String, what: &str, found: &Value) -> ContractError {
    let mut found = found.to_string();
    if found.chars().count() > 60 {
        found = found.chars().take(59).chain(['…']).collect();
    }
    ContractError::new(path, format!("{what} was expected, not {found}"))
}
