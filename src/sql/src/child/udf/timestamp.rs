//! Timestamps as text.

/// Adds the seconds that the engine requires to a timestamp with hours and minutes only:
/// `2024-06-01 23:30`, `2024-06-01T23:30+02`. `None` for any other text.
pub(in crate::child) fn with_seconds(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let (timestamp, zone) = (trimmed.get(..16)?, trimmed.get(16..)?);
    let digits = |from: usize, to: usize| {
        let part = timestamp.as_bytes().get(from..to);
        part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let sign = |at: usize| timestamp.as_bytes().get(at).copied();
    let is_timestamp = digits(0, 4)
        && sign(4) == Some(b'-')
        && digits(5, 7)
        && sign(7) == Some(b'-')
        && digits(8, 10)
        && matches!(sign(10), Some(b' ' | b'T' | b't'))
        && digits(11, 13)
        && sign(13) == Some(b':')
        && digits(14, 16);
    let is_zone = zone.is_empty() || zone.trim_start().starts_with(['Z', 'z', '+', '-']);
    (is_timestamp && is_zone).then(|| format!("{timestamp}:00{zone}"))
}

#[cfg(test)]
mod tests {
    use super::with_seconds;

    #[test]
    fn minutes_get_seconds_and_everything_else_stays() {
        let text = |text: &str| with_seconds(text).unwrap_or_default();
        assert_eq!(text("2024-06-01 23:30"), "2024-06-01 23:30:00");
        assert_eq!(text("2024-06-01T23:30Z"), "2024-06-01T23:30:00Z");
        assert_eq!(text("2024-06-01 23:30+02:00"), "2024-06-01 23:30:00+02:00");
        for other in [
            "2024-06-01",
            "2024-06-01 23:30:15",
            "2024-06-01 23",
            "",
            "é",
        ] {
            assert_eq!(with_seconds(other), None, "{other}");
        }
    }
}
