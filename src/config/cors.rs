//! `server.cors_origins`: the origins allowed to use the service.

use super::lists;
use super::reader::Reader;

/// The most origins that are compared with that of a request.
const MAX_ORIGINS: usize = 100;

/// The origins.
pub(super) fn origins(read: &mut Reader) -> Vec<String> {
    read.parsed("server.cors_origins", "[]".to_owned(), Vec::new(), |value| {
        let sound = |origins: &Vec<String>| {
            origins.len() <= MAX_ORIGINS && origins.iter().all(|origin| is_origin(origin))
        };
        lists::texts(value).filter(sound).ok_or_else(|| {
            format!(
                "a list of at most {MAX_ORIGINS} origins such as \"https://app.example.com\", or [\"*\"]"
            )
        })
    })
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
