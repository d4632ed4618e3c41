//! Durations and sizes with units.

use std::time::Duration;

use bytesize::ByteSize;
use lastcall_domain::ShownDuration;

pub(super) const KIB: u64 = 1024;
pub(super) const MIB: u64 = 1024 * KIB;

/// Parses `25s`, `1h 30m`, `500ms`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a duration with its unit, such as \"25s\", \"5m\" or \"1h\"".to_owned())
}

/// Parses `512MiB`, `2GiB`, `64KB`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let rule = || "a size with its unit, such as \"512MiB\" or \"2GiB\"".to_owned();
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(rule());
    }
    text.parse::<ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| rule())
}

/// A duration in the notation of the configuration.
pub fn show_duration(duration: Duration) -> String {
    ShownDuration(duration).to_string()
}

/// A size in the notation of the configuration.
pub fn show_size(bytes: u64) -> String {
    for (unit, size) in [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", MIB),
        ("KiB", KIB),
    ] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes}B")
}
