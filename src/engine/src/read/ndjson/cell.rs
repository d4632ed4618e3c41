//! Converts a JSON value to a cell.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::parse::{CellRules, Float, ParsedDateTime, TypeSet, may_be_rounded};
use crate::read::build::Cell;

/// The characters of a string, and how many were replaced.
struct Unescaped;

impl Visitor<'_> for Unescaped {
    type Value = (String, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<(String, u64), E> {
        let mut replaced = 0;
        let text = whole(bytes, &mut replaced).into_owned();
        Ok((text, replaced))
    }
}

/// Replaces unpaired surrogates, which serde_json encodes in three bytes.
pub(super) fn whole<'b>(bytes: &'b [u8], replaced: &mut u64) -> Cow<'b, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        // The first of the three bytes; the other two are separate chunks.
        if part.invalid() == [0xed] {
            text.push(char::REPLACEMENT_CHARACTER);
            *replaced += 1;
        }
    }
    Cow::Owned(text)
}

#[derive(Clone, Copy, PartialEq)]
enum JsonKind {
    Null,
    Boolean,
    Number,
    String,
    Nested,
}

/// The raw value in a line.
pub(super) struct JsonCell<'a> {
    kind: JsonKind,
    text: Cow<'a, [u8]>,
}

impl<'a> JsonCell<'a> {
    /// `replaced` counts unpaired surrogates.
    pub(super) fn new(value: &'a RawValue, replaced: &mut u64) -> Result<Self, serde_json::Error> {
        let raw = value.get();
        let bytes = raw.as_bytes();
        let (kind, text) = match bytes.first() {
            Some(b'"') if bytes.contains(&b'\\') => {
                let mut string = serde_json::Deserializer::from_str(raw);
                let (text, halves) = string.deserialize_bytes(Unescaped)?;
                *replaced += halves;
                (JsonKind::String, Cow::Owned(text.into_bytes()))
            }
            Some(b'"') => (JsonKind::String, Cow::Borrowed(&bytes[1..bytes.len() - 1])),
            Some(b't' | b'f') => (JsonKind::Boolean, Cow::Borrowed(bytes)),
            Some(b'n') | None => (JsonKind::Null, Cow::Borrowed(bytes)),
            Some(b'{' | b'[') => (JsonKind::Nested, Cow::Borrowed(bytes)),
            Some(_) => (JsonKind::Number, Cow::Borrowed(bytes)),
        };
        Ok(Self { kind, text })
    }

    pub(super) fn is_null(&self) -> bool {
        self.kind == JsonKind::Null
    }
}

impl Cell for &JsonCell<'_> {
    fn is_missing(&self, rules: &CellRules) -> bool {
        matches!(self.kind, JsonKind::String | JsonKind::Number) && rules.is_missing(&self.text)
    }

    fn integer(&self, _: &CellRules) -> Option<i64> {
        (self.kind == JsonKind::Number).then(|| CellRules::plain_integer(&self.text))?
    }

    fn float(&self, _: &CellRules) -> Option<Float> {
        if self.kind != JsonKind::Number {
            return None;
        }
        // Integers beyond 64 bits are floats.
        let value = std::str::from_utf8(&self.text).ok()?.parse().ok()?;
        Some((value, may_be_rounded(&self.text)))
    }

    fn boolean(&self) -> Option<bool> {
        (self.kind == JsonKind::Boolean).then(|| self.text.first() == Some(&b't'))
    }

    fn datetime(&self) -> Option<ParsedDateTime> {
        (self.kind == JsonKind::String).then(|| CellRules::moment(&self.text))?
    }

    fn classify(&self, rules: &CellRules) -> TypeSet {
        match self.kind {
            JsonKind::Number if self.integer(rules).is_some() => TypeSet::WHOLE,
            JsonKind::Number => TypeSet::FLOAT,
            JsonKind::Boolean => TypeSet::BOOLEAN,
            JsonKind::String => self.datetime().map_or(TypeSet::TEXT, |moment| moment.kinds),
            JsonKind::Null | JsonKind::Nested => TypeSet::TEXT,
        }
    }

    fn is_word(&self) -> bool {
        match self.kind {
            JsonKind::String => !self.text.first().is_some_and(u8::is_ascii_digit),
            JsonKind::Nested => true,
            _ => false,
        }
    }

    fn is_native(&self) -> bool {
        self.kind != JsonKind::String
    }

    fn text(&self) -> &[u8] {
        &self.text
    }
}
