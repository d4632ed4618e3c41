//! Scripts that the built-in fonts do not have.

use lastcall_domain::{Cancel, ReportFormat};
use lastcall_render::{FontConfig, Renderer, ReportInput};

use crate::fixture::{at, city, one_pdf_at_a_time, report, sales};
use crate::read;

#[test]
fn scripts_without_a_font_do_not_fail_the_pdf() {
    let mut profile = sales();
    profile
        .columns
        .push(city("고객 이름 お客様 客户 हिन्दी ไทย 𓀀"));
    let all = read::pdf(report(&profile, ReportFormat::Pdf)).concat();
    assert!(all.contains("amount"));
}

#[test]
fn greek_cyrillic_hebrew_and_arabic_come_with_the_program() {
    let mut profile = sales();
    profile.columns.push(city("Ελλάδα Россия שלום"));
    let all = read::pdf(report(&profile, ReportFormat::Pdf)).concat();
    assert!(all.contains("Ελλάδα Россия"), "{all}");
    assert!(all.contains('ש') && all.contains('ם'));
}

#[test]
fn spacing_accents_have_a_width_of_their_own() {
    let name = "xx`y´zʼw`";
    let mut profile = sales();
    profile.columns.push(city(name));
    let mut seen = 0;
    for page in read::glyphs(report(&profile, ReportFormat::Pdf)) {
        for word in page.windows(name.chars().count()) {
            if word
                .iter()
                .map(|glyph| glyph.text.as_str())
                .collect::<String>()
                == name
            {
                seen += 1;
                for pair in word.windows(2) {
                    let step = pair[1].x - pair[0].x;
                    assert!(step > 1.0, "{}{}: {step}", pair[0].text, pair[1].text);
                }
            }
        }
    }
    // In the table and above the card.
    assert_eq!(seen, 2);
}

#[test]
fn folders_that_are_not_there_or_hold_no_fonts_do_not_fail_the_pdf() {
    let _lock = one_pdf_at_a_time();
    let mut profile = sales();
    profile.columns.push(city("고객"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.ttf"), b"not a font").unwrap();
    let folders = vec![folder.path().join("missing"), folder.path().to_owned()];
    let renderer = Renderer::new(FontConfig {
        system: false,
        folders,
    });
    let input = ReportInput::profile(&profile, at());
    let bytes = renderer
        .render(&input, ReportFormat::Pdf, &Cancel::new())
        .unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
}

#[test]
fn a_font_of_the_system_is_used_where_it_has_the_script() {
    let _lock = one_pdf_at_a_time();
    let mut profile = sales();
    profile.columns.push(city("고객 이름"));
    let renderer = Renderer::new(FontConfig::default());
    let input = ReportInput::profile(&profile, at());
    let bytes = renderer
        .render(&input, ReportFormat::Pdf, &Cancel::new())
        .unwrap();
    let all = read::pdf(bytes).concat();
    // On a machine without such a font the letters cannot be there; the rest must be.
    if renderer.has_font_for('객') {
        assert!(all.contains("고객 이름"), "{all}");
    }
    assert!(all.contains("net_amount"));
}
