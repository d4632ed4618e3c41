//! Dataset names in headers, which are ASCII.

use std::fmt::Write as _;

/// The name as a segment of a path, or as the value of an extended parameter (RFC 8187).
pub(crate) fn percent_encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// A `Content-Disposition` with a file name (RFC 6266): in ASCII for old clients, complete for
/// others.
pub(crate) fn disposition(kind: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii() && !c.is_ascii_control() => c,
            _ => '_',
        })
        .collect();
    if plain == name {
        return format!("{kind}; filename=\"{name}\"");
    }
    let whole = percent_encoded(name);
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_ascii_is_said_twice() {
        assert_eq!(
            disposition("inline", "penguins.pdf"),
            "inline; filename=\"penguins.pdf\""
        );
        assert_eq!(
            disposition("attachment", "Umsätze 1.csv"),
            "attachment; filename=\"Ums_tze 1.csv\"; filename*=UTF-8''Ums%C3%A4tze%201.csv"
        );
    }
}
