//! Callers' templates: what they can do, what they cannot, and error messages.

use std::path::Path;

use bytes::Bytes;
use lastcall_domain::{Cancel, Logo, ReportFormat, ReportTemplate, TemplateColors, TemplateSource};
use lastcall_render::{RenderError, ReportInput};

use crate::fixture::{answer, at, bare, nothing, one_pdf_at_a_time, render, sales};
use crate::read;

/// A template with this source and nothing else.
pub(crate) fn with_source(source: &str) -> ReportTemplate {
    ReportTemplate {
        source: Some(TemplateSource::new(source.to_owned()).unwrap()),
        ..ReportTemplate::default()
    }
}

fn set(template: &ReportTemplate) -> Result<Vec<u8>, RenderError> {
    let _lock = one_pdf_at_a_time();
    let profile = sales();
    let input = ReportInput::profile(&profile, at()).with_template(Some(template));
    bare().render(&input, ReportFormat::Pdf, &Cancel::new())
}

/// The text of the pages.
#[track_caller]
fn pages(template: &ReportTemplate) -> Vec<String> {
    read::pdf(set(template).unwrap())
}

/// The error message for a template.
#[track_caller]
fn mistake(source: &str) -> String {
    let error = set(&with_source(source)).expect_err(source);
    assert_eq!(error.code(), "template_failed", "{source}: {error}");
    assert!(!error.retryable());
    error.to_string()
}

/// An image of one blue pixel.
fn png() -> Logo {
    png_of(&[
        (b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0"),
        // A stored block of deflate with the row: no filter, and the colour.
        (
            b"IDAT",
            b"\x78\x01\x01\x04\0\xfb\xff\0\0\0\xff\x03\x01\x01\0",
        ),
        (b"IEND", b""),
    ])
}

/// An image of these chunks.
pub(crate) fn png_of(chunks: &[(&[u8; 4], &[u8])]) -> Logo {
    let mut bytes = Vec::from(b"\x89PNG\r\n\x1a\n");
    for (kind, data) in chunks {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let typed = [&kind[..], data].concat();
        bytes.extend(&typed);
        bytes.extend(crc(&typed).to_be_bytes());
    }
    Logo::new(bytes.into()).unwrap()
}

fn crc(bytes: &[u8]) -> u32 {
    let turn = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), turn)
    })
}

#[test]
fn a_title_a_logo_and_colors_need_no_template() {
    let template = ReportTemplate {
        title: Some("Sales, the “whole” <truth> #of it".to_owned()),
        logo: Some(png()),
        colors: TemplateColors {
            accent: Some("#8a1c3c".to_owned()),
            text: Some("#000".to_owned()),
            ..TemplateColors::default()
        },
        ..ReportTemplate::default()
    };
    let bytes = set(&template).unwrap();
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(has(&bytes, b"/Subtype/Image") || has(&bytes, b"/Subtype /Image"));
    let text = read::pdf(bytes).concat();
    for part in [
        "Data profile",
        "Sales, the “whole” <truth> #of it",
        "Overview",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let plain = ReportTemplate::default();
    assert!(set(&plain).unwrap() != set(&template).unwrap());
    let profile = sales();
    let input = ReportInput::profile(&profile, at());
    assert!(set(&plain).unwrap() == render(&input, ReportFormat::Pdf));
}

#[test]
fn a_logo_that_cannot_be_decoded_is_a_mistake_of_the_caller() {
    let broken = [
        Bytes::from_static(b"\x89PNG\r\n\x1a\nand no more"),
        Bytes::from_static(b"\xff\xd8\xff\xe0and no more"),
        Bytes::from_static(b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g></svg>"),
    ];
    for bytes in broken {
        let template = ReportTemplate {
            logo: Some(Logo::new(bytes).unwrap()),
            ..ReportTemplate::default()
        };
        let error = set(&template).expect_err("it is no image");
        assert_eq!(error.code(), "template_failed", "{error}");
        assert!(
            error.to_string().contains("decode") || error.to_string().contains("SVG"),
            "{error}"
        );
    }
}

#[test]
fn a_template_restyles_the_standard_report() {
    let template = ReportTemplate {
        title: Some("Our sales".to_owned()),
        ..with_source(
            "#import \"lastcall.typ\": body, masthead, standard\n\
             #show: standard\n\
             #set page(header: [Example Ltd])\n\
             #masthead\n\
             #body\n",
        )
    };
    let pages = pages(&template);
    assert!(pages.iter().all(|page| page.contains("Example Ltd")));
    let text = pages.concat();
    for part in ["Our sales", "Overview", "Provenance"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_template_is_made_of_the_data() {
    let text = pages(&with_source(
        "#import \"lastcall.typ\": report\n\
         Sections: #report.sections.map(section => section.id).join(\"+\").\n\
         Title: #report.title. Kind: #report.kind.",
    ));
    assert_eq!(text.len(), 1);
    let text = &text[0];
    assert!(text.contains("overview+alerts+summary"), "{text}");
    assert!(text.contains("Kind: Data profile."), "{text}");
}

#[test]
fn pieces_without_the_cards_that_they_lead_to_are_set() {
    let pages = pages(&with_source(
        "#import \"lastcall.typ\": piece, report\n\
         #for section in report.sections.filter(it => it.id in (\"alerts\", \"summary\")) {\n\
           for entry in section.blocks { piece(entry) }\n\
         }",
    ));
    assert!(pages.concat().contains("Most frequent"));
}

#[test]
fn text_of_the_data_is_never_read_as_markup() {
    let mut profile = sales();
    profile.dataset.name = "#panic() *bold* $x$ <label>".to_owned();
    let template = with_source("#import \"lastcall.typ\": report\n#report.title");
    let input = ReportInput::profile(&profile, at()).with_template(Some(&template));
    let text = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(text.contains("#panic() *bold* $x$ <label>"), "{text}");
}

#[test]
fn mistakes_come_with_line_and_column() {
    for (source, expected) in [
        (
            "= Title\n\n  #foo",
            "line 3, column 4: unknown variable: foo",
        ),
        ("ä ö #foo", "line 1, column 6: unknown variable: foo"),
        ("#let x = [a", "line 1, column 10: unclosed delimiter"),
        (
            "#import \"lastcall.typ\": nothing",
            "line 1, column 25: unresolved import",
        ),
        ("\n#assert(1 == 2)", "line 2, column 2: assertion failed"),
        ("#panic(\"so\")", "line 1, column 2: panicked with: so"),
        (
            "#assert(false, message: \"a\\nb\")",
            "line 1, column 2: assertion failed: a↵b",
        ),
        // Within the layout, at the call.
        (
            "#import \"lastcall.typ\": piece\n#piece(5)",
            "line 2, column 2:",
        ),
        (
            "#set text(size: 3)",
            "line 1, column 17: expected length, found integer",
        ),
        // Found while it is laid out.
        (
            "a\n\n@nowhere",
            "line 3, column 1: label `<nowhere>` does not exist",
        ),
    ] {
        let said = mistake(source);
        assert!(said.starts_with(expected), "{source}: {said}");
    }
    assert!(
        mistake("#set text(size: 3)").contains("hint"),
        "{}",
        mistake("#set text(size: 3)")
    );
    let many = "#(1 + )\n".repeat(9);
    let said = mistake(&many);
    assert_eq!(said.matches("line ").count(), 3, "{said}");
    assert!(said.ends_with("and 6 more"), "{said}");
    let long = mistake(&format!("#panic(\"{}\")", "x".repeat(10_000)));
    assert!(long.len() < 1_000, "{} bytes", long.len());
}

#[test]
fn warnings_are_no_mistakes() {
    let pages = pages(&with_source("#set text(font: \"No Such Font\")\nHello"));
    assert!(pages.concat().contains("Hello"));
}

#[test]
fn a_template_sees_neither_files_nor_packages_nor_the_clock() {
    for (source, expected) in [
        ("#read(\"/etc/passwd\")", "sees no file"),
        ("#read(\"../../etc/passwd\")", "line 1"),
        ("#image(\"/usr/share/pixmaps/x.png\")", "sees no file"),
        ("#include \"other.typ\"", "sees no file"),
        (
            "#import \"@preview/cetz:0.3.0\"",
            "packages are not available",
        ),
        (
            "#import \"@local/a:0.1.0\": x",
            "packages are not available",
        ),
        ("#datetime.today()", "line 1"),
        ("#plugin(\"x.wasm\")", "unknown variable: plugin"),
        ("#plugin(bytes(()))", "unknown variable: plugin"),
        ("#std.plugin(bytes(()))", "does not contain `plugin`"),
        ("#eval(\"plugin\")", "unknown variable: plugin"),
        ("#eval(\"read(\\\"/etc/passwd\\\")\")", "sees no file"),
    ] {
        let said = mistake(source);
        assert!(said.contains(expected), "{source}: {said}");
        assert!(!said.contains("root:"), "{said}");
    }
    // An image within an image.
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">\
               <image href=\"file:///etc/passwd\" width=\"9\" height=\"9\"/></svg>";
    let template = ReportTemplate {
        logo: Some(Logo::new(Bytes::from_static(svg.as_bytes())).unwrap()),
        ..ReportTemplate::default()
    };
    let error = set(&template).expect_err("it links to a file");
    assert_eq!(error.code(), "template_failed", "{error}");
    let said = error.to_string();
    assert!(said.starts_with("in the standard layout: "), "{said}");
    assert!(said.contains("file:///etc/passwd"), "{said}");
}

#[test]
fn what_the_template_says_in_other_scripts_has_glyphs() {
    let template = with_source("Отчёт");
    let text = pages(&template).concat();
    assert!(text.contains("Отчёт"), "{text}");
}

#[test]
fn the_examples_are_set() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/templates");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let template = ReportTemplate {
            title: Some("Sales of 2025".to_owned()),
            logo: Some(png()),
            colors: TemplateColors {
                accent: Some("#0b6e4f".to_owned()),
                ..TemplateColors::default()
            },
            ..with_source(&source)
        };
        let pages = pages(&template);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(pages[0].contains("Sales of 2025"), "{name}: {pages:?}");
        match name.as_str() {
            "letterhead.typ" => {
                assert!(
                    pages.iter().all(|page| page.contains("Example Ltd")),
                    "{pages:?}"
                );
                assert!(pages.concat().contains("Provenance"));
            }
            "one-page.typ" => assert_eq!(pages.len(), 1, "{pages:?}"),
            _ => {}
        }
        // What has no columns, and what is no profile.
        let nothing = nothing();
        let rows = (0..100).map(|i| vec![i.into(), format!("row {i}").into()]);
        let answer = answer(&["n", "text"], rows.collect());
        let others = [
            (ReportInput::profile(&nothing, at()), "Sales of 2025"),
            (ReportInput::table(&answer, None, at()), "row 17"),
        ];
        for (input, expected) in others {
            let input = input.with_template(Some(&template));
            let text = read::pdf(render(&input, ReportFormat::Pdf)).concat();
            assert!(text.contains(expected), "{name}: {text}");
        }
        names.push(name);
    }
    names.sort();
    assert_eq!(names, ["letterhead.typ", "one-page.typ"]);
}
