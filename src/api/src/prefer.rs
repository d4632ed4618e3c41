//! `Prefer: wait=N` (RFC 7240): how long a caller waits for the finished job.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// What a request prefers.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The preference that was applied.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The requested wait, capped at `longest`. Anything invalid is ignored, as the RFC says; of
/// several, the first counts.
pub(crate) fn wait(headers: &HeaderMap, longest: Duration) -> Option<Duration> {
    let seconds = headers
        .get_all(PREFER)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, value)| whole_number(value.trim().trim_matches('"')))?;
    Some(Duration::from_secs(seconds).min(longest))
}

/// The number of these digits, saturating.
fn whole_number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// The header with the applied wait.
pub(crate) fn applied(wait: Duration) -> HeaderValue {
    HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
        .unwrap_or_else(|_| HeaderValue::from_static("wait=0"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn waits(value: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(PREFER, HeaderValue::from_static(value));
        wait(&headers, Duration::from_secs(60)).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_found_among_other_preferences_and_bounded() {
        assert_eq!(waits("wait=5"), Some(5));
        assert_eq!(waits("respond-async, wait = \"7\""), Some(7));
        assert_eq!(waits("Wait=100000"), Some(60));
        assert_eq!(waits("wait=99999999999999999999"), Some(60));
        assert_eq!(waits("return=minimal; wait=3"), Some(3));
    }

    #[test]
    fn what_is_no_wait_is_ignored() {
        for value in [
            "wait",
            "wait=",
            "wait=-1",
            "wait=+1",
            "wait=1.5",
            "wait=soon",
            "await=3",
            "",
        ] {
            assert_eq!(waits(value), None, "{value:?}");
        }
    }
}
