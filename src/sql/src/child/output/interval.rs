//! Intervals in the notation of ISO 8601, such as `P1M2DT3.5S`.

/// Nanoseconds in a second.
const NANOS: i128 = 1_000_000_000;

/// An interval of months, days and nanoseconds. Each part has its own sign, as the three cannot be
/// converted into each other.
pub(super) fn iso(months: i64, days: i64, nanos: i128) -> String {
    let mut text = String::from("P");
    let (years, months) = (months / 12, months % 12);
    for (value, unit) in [(years, 'Y'), (months, 'M'), (days, 'D')] {
        if value != 0 {
            text.push_str(&format!("{value}{unit}"));
        }
    }
    let (hours, rest) = (nanos / (3600 * NANOS), nanos % (3600 * NANOS));
    let (minutes, rest) = (rest / (60 * NANOS), rest % (60 * NANOS));
    if nanos != 0 || text.len() == 1 {
        text.push('T');
    }
    for (value, unit) in [(hours, 'H'), (minutes, 'M')] {
        if value != 0 {
            text.push_str(&format!("{value}{unit}"));
        }
    }
    if rest != 0 || text.ends_with('T') {
        let sign = if rest < 0 { "-" } else { "" };
        let fraction = format!("{:09}", rest.abs() % NANOS);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        text.push_str(&format!("{sign}{}{point}{fraction}S", rest.abs() / NANOS));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn intervals_are_written_as_iso_8601_has_them() {
        assert_eq!(iso(0, 0, 0), "PT0S");
        assert_eq!(iso(14, 3, 0), "P1Y2M3D");
        assert_eq!(iso(0, 0, 3_600_000_000_000 + 1_500_000_000), "PT1H1.5S");
        assert_eq!(iso(0, -1, -250_000_000), "P-1DT-0.25S");
        assert_eq!(iso(0, 0, 60_000_000_000), "PT1M");
    }
}
