//! Reports of query results, and of analyses of unknown kinds.

use lastcall_domain::{Cancel, ReportFormat};
use lastcall_render::{Origin, ReportInput, StoredResult};
use serde_json::{Value, json};

use crate::fixture::{FORMATS, answer, at, bare, render};
use crate::read;

const QUERY: &str = "select city, sum(amount)\nfrom sales\ngroup by city -- </pre> ``` #panic()";

#[test]
fn a_query_s_answer_has_its_rows_in_every_format() {
    let result = answer(
        &["city", "total", "note"],
        vec![
            vec![json!("Paris"), json!(12_345.5), Value::Null],
            vec![
                json!("=1+1"),
                json!(9_007_199_254_740_993_i64),
                json!({"a": [1, "<b>"]}),
            ],
        ],
    );
    let input = ReportInput::table(&result, Some(QUERY), at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    read::harmless(&html);
    assert!(html.contains("12,345.5") && html.contains("9,007,199,254,740,993"));

    let pdf = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(pdf.contains("Paris") && pdf.contains("#panic()"), "{pdf}");

    let md = String::from_utf8(render(&input, ReportFormat::Md)).unwrap();
    assert!(md.contains("````\nselect city"), "{md}");
    assert!(md.contains("| Paris | 12,345.5 |  |"), "{md}");

    use calamine::Data;
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    let rows = &book["Result"];
    assert_eq!(
        rows[1],
        [
            Data::String("Paris".into()),
            Data::Float(12_345.5),
            Data::Empty
        ]
    );
    // Excel's doubles would show the neighbour of so large an integer.
    assert_eq!(rows[2][1], Data::String("9007199254740993".into()));
    assert_eq!(rows[2][0], Data::String("=1+1".into()));
}

#[test]
fn every_format_says_where_an_answer_comes_from() {
    let result = answer(&["a"], vec![vec![json!(1)]]);
    let origin = Origin {
        session: Some("the-session"),
        job: Some("the-job"),
        ..Origin::default()
    };
    let input = ReportInput::table(&result, Some(QUERY), at()).from_origin(origin);
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    let about = format!("{:?}", book["About"]);
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    let md = String::from_utf8(render(&input, ReportFormat::Md)).unwrap();
    for face in [about, html, md] {
        for part in ["the-session", "the-job", "Created by"] {
            assert!(face.contains(part), "{part}: {face}");
        }
    }
}

#[test]
fn answers_without_rows_or_columns_have_a_report() {
    for result in [
        answer(&[], vec![]),
        answer(&["a"], vec![]),
        answer(&[], vec![vec![], vec![]]),
        answer(&["a", "a"], vec![vec![], vec![json!(1)]]),
    ] {
        for format in FORMATS {
            assert!(
                !render(&ReportInput::table(&result, None, at()), format).is_empty(),
                "{format}"
            );
        }
    }
}

#[test]
fn a_long_answer_is_cut_and_the_report_says_so() {
    let rows = (0..6_000)
        .map(|i| vec![json!(i), json!(format!("row {i}"))])
        .collect();
    let mut result = answer(&["id", "name"], rows);
    result.truncated = true;
    let input = ReportInput::table(&result, None, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    assert!(html.contains("shows the first 5,000 of 6,000 rows"));
    assert!(
        html.contains("The query had more rows than the limit; the result has the first 6,000.")
    );
    let pdf = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(pdf.contains("row 399") && !pdf.contains("row 400"));
    assert_eq!(
        read::xlsx(render(&input, ReportFormat::Xlsx))["Result"].len(),
        6_001
    );
}

#[test]
fn an_answer_as_it_is_stored_has_the_same_report_as_one_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.json");
    let rows = (0..6_000)
        .map(|i| vec![json!(i), json!(format!("row {i}")), json!([i, null])])
        .collect();
    let mut large = answer(&["id", "name", "list"], rows);
    large.truncated = true;
    let ragged = answer(
        &["a", "a"],
        vec![vec![], vec![json!(1)], vec![json!("é\n")]],
    );
    for result in [large, ragged, answer(&[], vec![]), answer(&["a"], vec![])] {
        let json = serde_json::to_vec(&result).unwrap();
        std::fs::write(&file, &json).unwrap();
        for format in FORMATS {
            let expected = render(&ReportInput::table(&result, Some(QUERY), at()), format);
            for stored in [StoredResult::Bytes(&json), StoredResult::File(&file)] {
                let input = ReportInput::stored(stored, Some(QUERY), at());
                assert!(render(&input, format) == expected, "{format}: {stored:?}");
            }
        }
    }
}

#[test]
fn long_texts_of_an_answer_mean_fewer_rows_and_the_report_says_so() {
    let row = vec![json!("x".repeat(1 << 20))];
    let json = serde_json::to_vec(&answer(&["text"], vec![row; 40])).unwrap();
    let input = ReportInput::stored(StoredResult::Bytes(&json), None, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    assert!(html.contains("40 rows × 1 column"));
    assert!(html.contains("shows the first 15 of 40 rows"));
    // One row is shown, however large it is.
    let row = vec![json!("x".repeat(20 << 20))];
    let json = serde_json::to_vec(&answer(&["text"], vec![row])).unwrap();
    let input = ReportInput::stored(StoredResult::Bytes(&json), None, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    assert!(html.contains("1 row × 1 column") && html.contains("xxx"));
}

#[test]
fn what_is_no_answer_has_no_report() {
    let gone = std::path::Path::new("/does/not/exist");
    for (stored, code) in [
        (StoredResult::Bytes(b""), "analysis_not_readable"),
        (StoredResult::Bytes(b"a,b\n1,2\n"), "analysis_not_readable"),
        (StoredResult::Bytes(b"{}"), "analysis_not_readable"),
        (
            StoredResult::Bytes(br#"{"columns":[],"rows":[[1"#),
            "analysis_not_readable",
        ),
        (
            StoredResult::Bytes(br#"{"rows":[],"columns":[]}"#),
            "analysis_not_readable",
        ),
        (StoredResult::File(gone), "io_failed"),
    ] {
        for format in FORMATS {
            let input = ReportInput::stored(stored, None, at());
            let error = bare().render(&input, format, &Cancel::new()).unwrap_err();
            assert_eq!(error.code(), code, "{format}: {stored:?}");
        }
    }
}

#[test]
fn a_wide_answer_is_split_over_the_pages_of_a_pdf() {
    let names: Vec<String> = (0..40).map(|i| format!("measurement_{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = (0..20)
        .map(|i| (0..40).map(|j| json!(i * 1_000 + j)).collect())
        .collect();
    let result = answer(&names, rows);
    let pdf = read::pdf(render(
        &ReportInput::table(&result, None, at()),
        ReportFormat::Pdf,
    ))
    .concat();
    for part in ["measurement_0", "measurement_39", "19,039", "of 40"] {
        assert!(pdf.contains(part), "{part}");
    }
}

#[test]
fn any_other_analysis_is_shown_as_facts_and_tables() {
    let value = json!({
        "dataset": "sales",
        "rows": 10,
        "method": {"name": "psi", "bins": 10},
        "columns": [{"name": "amount", "psi": 0.25, "p_value": 1e-9}, {"name": "<city>", "drift": true}],
        "matrix": [[1.0, 0.5], [0.5, 1.0]],
        "empty": [],
        "nothing": null,
    });
    let input = ReportInput::other("Comparison", &value, at());
    for format in FORMATS {
        assert!(!render(&input, format).is_empty(), "{format}");
    }
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    read::harmless(&html);
    assert!(html.contains("P value") && html.contains("1e-9"));
    let all = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(all.contains("amount") && all.contains("<city>"));
    for value in [
        json!(null),
        json!(7),
        json!("text"),
        json!([]),
        json!([[[]]]),
    ] {
        for format in FORMATS {
            assert!(
                !render(&ReportInput::other("Odd", &value, at()), format).is_empty(),
                "{format}"
            );
        }
    }
}

#[test]
fn matrices_over_named_columns_are_drawn_and_p_values_keep_their_digits() {
    let value = json!({
        "columns": ["height", "weight"],
        "pearson": {"coefficient": [[1.0, 0.874], [0.874, 1.0]], "p_value": [[0.0, 2.5e-9], [2.5e-9, 0.0]]},
        "spearman": [[1.0, null], [null, 1.0]],
    });
    let input = ReportInput::other("correlation", &value, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    read::harmless(&html);
    assert_eq!(html.matches("<svg ").count(), 2);
    for part in ["Correlation", "0.874", "2.5e-9", "height", "Spearman"] {
        assert!(html.contains(part), "{part}");
    }
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    let figures = |x: f64| {
        book.values()
            .flatten()
            .flatten()
            .any(|cell| *cell == calamine::Data::Float(x))
    };
    assert!(figures(0.874) && figures(2.5e-9));
}
