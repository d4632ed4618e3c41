//! A word-sized histogram for the column summary.

use std::fmt::Write as _;

const HEIGHT: u64 = 20;

/// Draws the counts as steps; empty if there are none. It is hidden from screen readers, as the
/// text next to it has the same information.
pub(crate) fn spark(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let mut path = format!("M0 {HEIGHT}");
    for count in counts {
        let high = (u128::from(*count) * u128::from(HEIGHT)).div_ceil(u128::from(most));
        let _ = write!(path, "V{}h1", u128::from(HEIGHT) - high);
    }
    format!(
        r#"<svg class="spark" viewBox="0 0 {} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d="{path}V{HEIGHT}z"/></svg>"#,
        counts.len()
    )
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn a_count_that_is_there_is_seen() {
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[0, 0]), "");
        assert!(spark(&[1, u64::MAX, 0]).contains("M0 20V19h1V0h1V20h1V20z"));
    }
}
