//! The contents of a profile's report in each format.

use lastcall_domain::ReportFormat;
use lastcall_domain::profile::Number;
use lastcall_render::ReportInput;

use crate::fixture::{FORMATS, at, nothing, render, report, sales, text};
use crate::read;

#[test]
fn the_page_is_self_contained_and_well_formed() {
    let html = text(&sales(), ReportFormat::Html);
    read::harmless(&html);
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
    assert!(html.contains("<title>sales – Data profile</title>"));
    for part in [
        "12,345",
        "1.5 MiB",
        "Missing cells",
        "0.987",
        "≈ 9,876",
        "2025-01-01",
        "8,000 (64.8%)",
        "in line 17",
        "2026-01-31 12:30 UTC",
        "Lastcall ",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn every_drawing_of_the_page_says_in_words_what_it_shows() {
    let html = text(&sales(), ReportFormat::Html);
    let drawings = html.matches("<svg ").count();
    assert!(drawings >= 6, "{drawings} drawings");
    // Those without information beyond the text next to them are hidden from screen readers.
    let described = html.matches("role=\"img\" aria-label=\"").count();
    assert_eq!(
        described + html.matches("aria-hidden=\"true\"").count(),
        drawings
    );
    assert!(described >= 4, "{described}");
    assert!(html.contains(
        "Histogram of amount: 4 intervals from -20 to 120,000, the fullest with 11,000 rows"
    ));
}

#[test]
fn what_is_estimated_is_marked_and_explained() {
    for format in [ReportFormat::Html, ReportFormat::Md] {
        let page = text(&sales(), format);
        for part in [
            "≈ 9,876",
            "≈ 1,111.25",
            "±1.63%",
            "±1.33%",
            "sample of 10,000 rows",
        ] {
            assert!(page.contains(part), "{format}: {part}");
        }
    }
}

#[test]
fn the_pdf_has_the_text_in_letters_that_can_be_searched() {
    let pages = read::pdf(report(&sales(), ReportFormat::Pdf));
    assert!(pages.len() >= 2);
    let all = pages.concat();
    for part in [
        "Data profile",
        "sales",
        "12,345",
        "net_amount",
        "Paris",
        "0.987",
        "1,111.25",
        "Std. deviation",
        "2025-12-31",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    for (i, page) in pages.iter().enumerate() {
        assert!(
            page.contains(&format!("{} / {}", i + 1, pages.len())),
            "page {}",
            i + 1
        );
    }
}

#[test]
fn a_long_figure_of_the_pdf_does_not_run_into_its_name() {
    let mut profile = sales();
    let numeric = profile.columns[0].numeric.as_mut().unwrap();
    numeric.min = Some(Number::Integer(i64::MIN));
    numeric.max = Some(Number::Float(f64::MIN_POSITIVE));
    let pages = read::glyphs(report(&profile, ReportFormat::Pdf));
    for (name, begin) in [("Min", "-9,2"), ("Max", "2.22")] {
        let line: Vec<_> = name.chars().chain(begin.chars()).collect();
        let found: Vec<_> = pages
            .iter()
            .flat_map(|page| page.windows(line.len()))
            .filter(|run| {
                run.iter()
                    .map(|glyph| &*glyph.text)
                    .eq(line.iter().map(char::to_string))
            })
            .collect();
        let [run] = found[..] else {
            panic!("{name}: {}", found.len())
        };
        let (last, first) = (&run[name.len() - 1], &run[name.len()]);
        // An m is seven points wide.
        assert!(
            first.x > last.x + 8.0 || (first.y - last.y).abs() > 8.0,
            "{name} ends at {}, {begin}… begins at {}",
            last.x,
            first.x
        );
    }
}

#[test]
fn the_pdf_has_a_title_an_outline_and_tags() {
    let bytes = report(&sales(), ReportFormat::Pdf);
    let has = |name: &str| {
        bytes
            .windows(name.len())
            .any(|window| window == name.as_bytes())
    };
    assert!(has("/StructTreeRoot"));
    assert!(has("/Outlines"));
    assert!(has("/Lang"));
    assert!(has("pdfuaid:part"), "the mark of PDF/UA");
    assert!(has("sales – Data profile"), "the title in the metadata");
}

#[test]
fn the_workbook_has_numbers_as_numbers() {
    use calamine::Data::{Float, String};
    let book = read::xlsx(report(&sales(), ReportFormat::Xlsx));
    let sheets: Vec<_> = book.keys().map(std::string::String::as_str).collect();
    assert_eq!(
        sheets,
        [
            "Charts",
            "Columns",
            "Histograms",
            "Overview",
            "Pearson",
            "Spearman",
            "Top values"
        ]
    );
    let overview = &book["Overview"];
    assert!(
        overview
            .iter()
            .any(|row| row[..2] == [String("Rows".into()), Float(12_345.0)])
    );
    let columns = &book["Columns"];
    assert_eq!(columns.len(), 6);
    assert_eq!(columns[1][0], String("amount".to_owned()));
    assert_eq!(columns[1][2], Float(11_667.0));
    assert_eq!(columns[1][11], Float(1_234.567_89));
    assert_eq!(book["Pearson"][1][2], Float(0.987));
    assert_eq!(book["Top values"][1][2], Float(19.99));
    assert_eq!(book["Histograms"][1][3], Float(11_000.0));
}

#[test]
fn a_header_of_the_workbook_is_as_high_as_its_titles() {
    let bytes = report(&sales(), ReportFormat::Xlsx);
    let top_values = read::xlsx_part(&bytes, "xl/worksheets/sheet3.xml");
    // "Share of values" does not fit in one line of its column.
    assert!(
        top_values.contains(r#"<row r="1" spans="1:5" ht="30" "#),
        "{top_values}"
    );
    let chart = read::xlsx_part(&bytes, "xl/charts/chart1.xml");
    assert!(chart.contains(r#"<c:min val="0"/>"#), "{chart}");
}

#[test]
fn markdown_has_tables_of_equal_rows() {
    let page = text(&sales(), ReportFormat::Md);
    assert!(page.starts_with("# Data profile: sales\n"));
    let mut width = None;
    for line in page.lines() {
        if line.starts_with('|') {
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(*width.get_or_insert(bars), bars, "{line}");
        } else {
            width = None;
        }
    }
    assert!(page.contains("| Paris | 8,000 (64.8%) |"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for format in FORMATS {
        assert!(
            report(&sales(), format) == report(&sales(), format),
            "{format}"
        );
    }
}

#[test]
fn a_report_takes_the_title_that_it_is_given() {
    let profile = sales();
    let input = ReportInput::profile(&profile, at()).titled("Sales of 2025");
    let html = std::string::String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    assert!(html.contains("<title>Sales of 2025 – Data profile</title>"));
}

#[test]
fn an_empty_dataset_has_a_report_in_every_format() {
    for format in FORMATS {
        assert!(!report(&nothing(), format).is_empty(), "{format}");
    }
    let html = text(&nothing(), ReportFormat::Html);
    read::harmless(&html);
    assert!(html.contains("The dataset has no columns."));
    assert!(html.contains("Nothing stands out in this dataset."));
    assert!(
        read::pdf(report(&nothing(), ReportFormat::Pdf))
            .concat()
            .contains("no columns")
    );
}
