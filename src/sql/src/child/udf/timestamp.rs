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

/// A timestamp without its zone, which PostgreSQL ignores where the type has none:
/// `2024-06-01 23:30:00+02`. Any other text stays.
pub(in crate::child) fn without_zone(text: &str) -> &str {
    let timed = |(date, time): &(&str, &str)| {
        date.trim_start().ends_with([' ', 'T', 't'])
            && time.starts_with(|c: char| c.is_ascii_digit())
    };
    // The date has ten characters, and one follows.
    let start = text.len() - text.trim_start().len() + 11;
    match text.split_at_checked(start).filter(timed) {
        Some((date, time)) => {
            let end = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
            text[..date.len() + end].trim_end()
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{with_seconds, without_zone};

    #[test]
    fn a_zone_is_cut_off_and_a_date_stays() {
        for (text, local) in [
            ("2024-01-05 10:11:12+02", "2024-01-05 10:11:12"),
            ("2024-01-05T10:11:12.5 -05:30", "2024-01-05T10:11:12.5"),
            (" 2024-01-05 10:11:12Z", " 2024-01-05 10:11:12"),
            ("2024-01-05 10:11:12", "2024-01-05 10:11:12"),
            ("2024-01-05", "2024-01-05"),
            ("", ""),
            ("ééééééééé", "ééééééééé"),
        ] {
            assert_eq!(without_zone(text), local);
        }
    }

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
