//! Characters without a glyph in the available fonts.

use std::collections::BTreeSet;

use typst::layout::{Frame, FrameItem};
use typst_layout::PagedDocument;

/// How many characters are named.
const NAMED: usize = 20;

/// The characters that the pages show as boxes.
pub(crate) fn missing(set: &PagedDocument) -> BTreeSet<char> {
    let mut found = BTreeSet::new();
    for page in set.pages() {
        collect_missing(&page.frame, &mut found);
    }
    found
}

fn collect_missing(frame: &Frame, found: &mut BTreeSet<char>) {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => collect_missing(&group.frame, found),
            FrameItem::Text(text) => {
                // Glyph 0 of a font is the box for missing characters.
                let boxes = text.glyphs.iter().filter(|glyph| glyph.id == 0);
                for glyph in boxes {
                    let shown = text.text.get(glyph.range()).unwrap_or_default();
                    found.extend(
                        shown
                            .chars()
                            .filter(|c| !c.is_whitespace() && !c.is_control()),
                    );
                }
            }
            _ => {}
        }
    }
}

/// The note in the report; `None` if no character is missing.
pub(crate) fn note(missing: &BTreeSet<char>) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let named = missing.iter().take(NAMED);
    let named: Vec<String> = named.map(|c| format!("U+{:04X}", *c as u32)).collect();
    let more = if missing.len() > NAMED { ", …" } else { "" };
    let what = match missing.len() {
        1 => "one character".to_owned(),
        count => format!("{count} characters"),
    };
    Some(format!(
        "No font of the machine that made this report has a glyph for {what}, in whose place boxes \
         stand: {}{more}.",
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_named_by_their_code_points_and_not_without_end() {
        assert_eq!(note(&BTreeSet::new()), None);
        let one = note(&BTreeSet::from(['中'])).unwrap_or_default();
        assert!(
            one.contains("one character") && one.ends_with("U+4E2D."),
            "{one}"
        );
        let many = note(&('a'..='z').collect()).unwrap_or_default();
        assert!(
            many.contains("26 characters") && many.ends_with("U+0074, …."),
            "{many}"
        );
    }
}
