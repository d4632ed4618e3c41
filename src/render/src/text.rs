//! Sanitises text of the data for display: makes control characters visible, bounds the length.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// The longest full form of a shortened text in a report.
pub(crate) const FULL: usize = 1_000;

/// Makes control characters visible, and replaces those that change the direction of the text
/// around them. The result fits on one line of any format.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| replacement(c).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| replacement(c).unwrap_or(c)).collect())
}

/// [`clean`] text of at most `width` columns (a wide character takes two); a longer one ends in
/// an ellipsis.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    let mut used = 0;
    let mut cut = 0;
    for (i, c) in text.char_indices() {
        let w = c.width().unwrap_or(1);
        if used + w > width {
            let mut short = clean(text[..cut].trim_end()).into_owned();
            short.push('…');
            return short;
        }
        used += w;
        if used < width {
            cut = i + c.len_utf8();
        }
    }
    clean(text).into_owned()
}

/// The width of the text in a fixed-width font, in columns.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(1)).sum()
}

fn replacement(c: char) -> Option<char> {
    Some(match c {
        '\t' => ' ',
        '\n' => '↵',
        '\r' => '␍',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32)?,
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        '\u{2028}' | '\u{2029}' => '↵',
        // Embeddings, overrides, isolates and their ends.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_visible() {
        assert_eq!(clean("a\0b\nc\td\u{202e}"), "a␀b↵c d\u{fffd}");
        assert!(matches!(clean("plain 한글 עברית"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_shortened_text_never_takes_more_than_its_width() {
        for text in ["abcdefghij", "한국어텍스트입니다", "", "ab", "a한b글c"] {
            for w in 1..12 {
                assert!(width(&shorten(text, w)) <= w, "{text} at {w}");
            }
        }
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abcd", 4), "abcd");
        assert_eq!(shorten("한국어", 5), "한국…");
    }
}
