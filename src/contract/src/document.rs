//! The text of a contract: YAML or JSON, within bounds.

use serde_json::Value;

use crate::{ContractError, Result};

/// The largest contract, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// How deep a contract may be nested.
const MAX_DEPTH: usize = 64;
/// The most values of a contract, including those that aliases repeat.
const MAX_NODES: usize = 200_000;
/// The most anchors and aliases, and the most events that anchors may record.
const MAX_ALIASES: usize = 1_000;
const MAX_ANCHORED: usize = 50_000;

/// Reads a document in YAML or JSON.
///
/// # Errors
/// If it is neither, or exceeds a limit.
pub fn parse(text: &[u8]) -> Result<Value> {
    let whole = |detail: String| ContractError::new("", detail);
    if text.len() > MAX_BYTES {
        return Err(whole(format!("a contract has at most {MAX_BYTES} bytes")));
    }
    let text = std::str::from_utf8(text)
        .map_err(|error| whole(format!("a contract is text in UTF-8: {error}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON is nearly a subset of YAML, and its parser has better error messages.
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .or_else(|error| yaml(text).map_err(|_| whole(format!("invalid JSON: {error}"))));
    }
    yaml(text).map_err(whole)
}

fn yaml(text: &str) -> std::result::Result<Value, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_recorded_anchor_events: MAX_ANCHORED,
            max_recorded_anchor_bytes: MAX_BYTES,
            max_total_scalar_bytes: MAX_BYTES,
            max_documents: 1,
        },
    };
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| format!("invalid YAML: {}", one_line(&error.to_string())))?;
    Ok(value)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = parse(b"fields:\n  - name: id\n    type: integer\n").unwrap();
        let json = parse(br#"{"fields": [{"name": "id", "type": "integer"}]}"#).unwrap();
        assert_eq!(yaml, json);
        let flow = parse(b"{fields: [{name: id, type: integer}]}").unwrap();
        assert_eq!(flow, json);
    }

    #[test]
    fn a_date_and_a_word_stay_text() {
        let read = parse(b"{a: 2024-01-31, b: no, c: 1.5, d: true, e: null, f: '1'}").unwrap();
        let json = r#"{"a": "2024-01-31", "b": "no", "c": 1.5, "d": true, "e": null, "f": "1"}"#;
        assert_eq!(read, serde_json::from_str::<Value>(json).unwrap());
    }

    #[test]
    fn what_is_broken_or_too_large_is_refused_in_one_line() {
        for text in [
            "fields: [",
            "{\"fields\": ]",
            "a: 1\na: 2",
            "a: 1\n---\nb: 2",
            &format!("a: {}1{}", "[".repeat(1_000), "]".repeat(1_000)),
            &format!("a: {}", "x".repeat(MAX_BYTES)),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains('\n') && error.len() < 500, "{error}");
        }
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn aliases_do_not_unfold_without_end() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..10 {
            let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
            writeln!(bomb, "a{i}: &a{i} [{aliases}]").unwrap();
        }
        assert!(parse(bomb.as_bytes()).is_err());
        let honest = parse(b"a: &a {x: 1}\nb: *a").unwrap();
        assert_eq!(honest["b"]["x"], 1);
    }
}
