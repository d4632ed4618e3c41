//! Durations in human-readable form.

use std::fmt;
use std::time::Duration;

/// A duration in the notation of configurations and requests: `30m`, `1h 30m`, `7d`, `1s 500ms`,
/// `0s`. Weeks, months and years are not used, because their number of days is ambiguous; whatever
/// parses `1h 30m` parses all of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownDuration(pub Duration);

impl fmt::Display for ShownDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let nanos = self.0.subsec_nanos();
        let parts = [
            (seconds / 86_400, "d"),
            (seconds / 3600 % 24, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
            (u64::from(nanos / 1_000_000), "ms"),
            (u64::from(nanos / 1000 % 1000), "us"),
            (u64::from(nanos % 1000), "ns"),
        ];
        let mut gap = "";
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{gap}{number}{unit}")?;
            gap = " ";
        }
        if self.0.is_zero() {
            f.write_str("0s")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_as_people_write_it() {
        for (millis, shown) in [
            (0, "0s"),
            (1500, "1s 500ms"),
            (1_800_000, "30m"),
            (5_400_000, "1h 30m"),
            (7 * 86_400_000, "7d"),
            (365 * 86_400_000, "365d"),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(ShownDuration(duration).to_string(), shown);
        }
        let finest = Duration::new(1, 2_003_004);
        assert_eq!(ShownDuration(finest).to_string(), "1s 2ms 3us 4ns");
    }
}
