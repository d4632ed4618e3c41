//! Regular expressions of contracts, matched in linear time.

use regex::RegexBuilder;

use crate::{ContractError, Result};

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4_096;
/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// Checks the pattern; with `whole`, it has to match the whole value.
pub(crate) fn pattern(pattern: &str, whole: bool, path: &str) -> Result<String> {
    if pattern.len() > MAX_PATTERN {
        let detail = format!("a pattern has at most {MAX_PATTERN} bytes");
        return Err(ContractError::new(path, detail));
    }
    let pattern = if whole {
        format!("^(?:{pattern})$")
    } else {
        pattern.to_owned()
    };
    match RegexBuilder::new(&pattern).size_limit(MAX_COMPILED).build() {
        Ok(_) => Ok(pattern),
        Err(error) => {
            // The error has several lines, which mark the position.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let reason = last.trim_start_matches("error: ");
            Err(ContractError::new(
                path,
                format!("the pattern cannot be used: {reason}"),
            ))
        }
    }
}
