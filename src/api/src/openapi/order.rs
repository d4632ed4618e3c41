//! The order of the document.
//!
//! Client generators that support one media type per response take the first that they can read. If
//! bytes are among them, they come first, because bytes can hold any of the others.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

const BYTES: &str = "application/octet-stream";

/// A document whose bodies of bytes come before other media types.
pub(super) struct BytesFirst<'a>(pub(super) &'a Value);

impl Serialize for BytesFirst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                let bytes = fields.get_key_value(BYTES);
                let others = fields.iter().filter(|(name, _)| *name != BYTES);
                for (name, value) in bytes.into_iter().chain(others) {
                    map.serialize_entry(name, &BytesFirst(value))?;
                }
                map.end()
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&BytesFirst(item))?;
                }
                list.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::BytesFirst;

    #[test]
    fn bytes_are_the_first_kind_of_body() {
        let document = json!({ "content": { "application/json": [{}], BYTES: 1, "text/csv": 2 } });
        assert_eq!(
            serde_json::to_string(&BytesFirst(&document)).unwrap(),
            r#"{"content":{"application/octet-stream":1,"application/json":[{}],"text/csv":2}}"#
        );
    }

    const BYTES: &str = super::BYTES;
}
