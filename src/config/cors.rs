//! `server.cors_origins`: the origins allowed to use the service.

use toml::{Table, Value};

use super::reader::Reader;

/// The most origins that are compared with that of a request.
const MAX_ORIGINS: usize = 100;

/// The origins: from the file a list, from the environment the same as TOML or JSON text, or the
/// origins separated by commas.
pub(super) fn origins(read: &mut Reader) -> Vec<String> {
    read.parsed("server.cors_origins", "[]".to_owned(), Vec::new(), |value| {
        let origins = match value {
            Value::Array(list) => list.iter().map(text).collect(),
            Value::String(given) if given.trim_start().starts_with('[') => {
                let table: Option<Table> = format!("origins = {given}").parse().ok();
                let list = table.as_ref().and_then(|table| table.get("origins")?.as_array());
                list.and_then(|list| list.iter().map(text).collect())
            }
            Value::String(given) => Some(
                given
                    .split(',')
                    .map(|origin| origin.trim().to_owned())
                    .filter(|origin| !origin.is_empty())
                    .collect(),
            ),
            _ => None,
        };
        let sound = |origins: &Vec<String>| {
            origins.len() <= MAX_ORIGINS && origins.iter().all(|origin| is_origin(origin))
        };
        origins.filter(sound).ok_or_else(|| {
            format!(
                "a list of at most {MAX_ORIGINS} origins such as \"https://app.example.com\", or [\"*\"]"
            )
        })
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Whether a browser would send this as an `Origin`: scheme, host and perhaps a port, no path.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    text == "*"
        || host.is_some_and(|host| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
                && !host.contains(['/', '?', '#', '@', ',', '"', '*'])
        })
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in [
            "*",
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:80",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "app.example.com",
            "https://",
            "https://a/",
            "https://A.b",
            "https://*.a",
            "null",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
