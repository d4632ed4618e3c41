//! Numbers in sentences, as in reports.

use serde_json::Value;

/// Texts are cut after this many characters.
const MAX_CHARS: usize = 60;

/// A count with thousands separators: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count of things: `1 value`, `1,234 values`.
pub(crate) fn counted(n: u64, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(n))
}

/// A share: `0%`, `< 0.1%`, `12.3%`, `> 99.9%`, `100%`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match part as f64 / whole.max(1) as f64 * 100.0 {
        _ if part == 0 => "0%".into(),
        _ if part >= whole => "100%".into(),
        share if share < 0.1 => "< 0.1%".into(),
        share if share > 99.9 => "> 99.9%".into(),
        share => format!("{share:.1}%"),
    }
}

/// A value of a column, texts in quotes.
pub(crate) fn value(value: &Value) -> String {
    match value.as_str() {
        Some(text) => match text.char_indices().nth(MAX_CHARS) {
            Some((end, _)) => format!("“{}…”", &text[..end]),
            None => format!("“{text}”"),
        },
        None => value.to_string(),
    }
}

/// "is" or "are".
pub(crate) fn is(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_in_the_reports() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_234_567, "row"), "1,234,567 rows");
        assert_eq!(count(0), "0");
        assert_eq!(count(100_000), "100,000");
        let shares = [(0, 9), (1, 5000), (574, 1000), (4999, 5000), (9, 9)];
        let shown = shares.map(|(part, whole)| percent(part, whole));
        assert_eq!(shown, ["0%", "< 0.1%", "57.4%", "> 99.9%", "100%"]);
        assert_eq!(value(&"é".repeat(61).into()).chars().count(), 63);
        assert_eq!(value(&true.into()), "true");
    }
}
