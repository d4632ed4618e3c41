//! Charts of a query result: one model, drawn in every format.

use lastcall_domain::{Cancel, ChartSpec, ReportFormat, SqlColumn, SqlResult};
use lastcall_render::{RenderError, ReportInput, StoredResult};
use serde_json::{Value, json};

use crate::fixture::{FORMATS, at, bare, render};
use crate::read;

/// A result with these columns and types.
fn answer(columns: &[(&str, &str)], rows: Vec<Vec<Value>>) -> SqlResult {
    let columns = columns.iter().map(|(name, kind)| SqlColumn {
        name: (*name).to_owned(),
        kind: (*kind).to_owned(),
    });
    SqlResult {
        columns: columns.collect(),
        row_count: rows.len() as u64,
        rows,
        truncated: false,
    }
}

fn spec(spec: Value) -> ChartSpec {
    let spec: ChartSpec = serde_json::from_value(spec).unwrap();
    spec.check().unwrap();
    spec
}

/// Twelve months, one of them without a figure.
fn months() -> SqlResult {
    let rows = (1..=12).map(|month| {
        let revenue = if month == 7 {
            Value::Null
        } else {
            json!(month * 1_000)
        };
        vec![json!(format!("2025-{month:02}-01")), revenue, json!(500.5)]
    });
    answer(
        &[
            ("month", "date"),
            ("revenue", "integer"),
            ("cost", "decimal"),
        ],
        rows.collect(),
    )
}

fn page(result: &SqlResult, chart: &ChartSpec) -> String {
    let input = ReportInput::table(result, None, at()).with_chart(Some(chart));
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    read::harmless(&html);
    if html.contains("<figure") {
        let drawn = drawing(&html);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
    html
}

fn error(result: &SqlResult, chart: &ChartSpec, format: ReportFormat) -> RenderError {
    let input = ReportInput::table(result, None, at()).with_chart(Some(chart));
    bare().render(&input, format, &Cancel::new()).unwrap_err()
}

/// The drawing of the page.
fn drawing(html: &str) -> &str {
    let figure = html.split("<figure").nth(1).unwrap();
    figure.split("</figure>").next().unwrap()
}

#[test]
fn a_line_over_time_is_in_every_format() {
    let result = months();
    let chart = spec(
        json!({"type": "line", "x": "month", "y": ["revenue", "cost"], "title": "Revenue <b>&</b> cost"}),
    );
    let html = page(&result, &chart);
    let drawn = drawing(&html);
    assert!(
        drawn.contains("Revenue &#60;b&#62;&#38;&#60;/b&#62; cost"),
        "{drawn}"
    );
    // The axis is one of time.
    assert!(
        drawn.contains(">2025</text>") && drawn.contains(">Mar</text>"),
        "{drawn}"
    );
    // The month without a figure is a gap: two pieces of line.
    let line = drawn.split(r#"class="s1 line""#).next().unwrap();
    let line = line.rsplit("<path d=\"").next().unwrap();
    assert_eq!(line.matches('M').count(), 2, "{line}");
    assert!(
        drawn.contains("revenue: 1,000 to 12,000, 1 missing"),
        "{drawn}"
    );
    assert!(
        drawn.contains("<title>2025-03-01, revenue: 3,000</title>"),
        "{drawn}"
    );

    let input = ReportInput::table(&result, None, at()).with_chart(Some(&chart));
    let md = String::from_utf8(render(&input, ReportFormat::Md)).unwrap();
    assert!(
        md.contains("| revenue | 1,000 to 12,000, 1 missing |"),
        "{md}"
    );
    assert!(md.contains("2025-01-01 to 2025-12-01"), "{md}");

    let pdf = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(pdf.contains("Mar") && pdf.contains("10k"), "{pdf}");

    let bytes = render(&input, ReportFormat::Xlsx);
    let native = read::xlsx_part(&bytes, "xl/charts/chart1.xml");
    assert!(native.contains("<c:scatterChart>"), "{native}");
    assert!(native.contains("<c:f>Chart!$A$4:$A$15</c:f>"), "{native}");
    assert!(
        native.contains(r#"<c:dispBlanksAs val="gap"/>"#),
        "{native}"
    );
    let sheet = &read::xlsx(bytes)["Chart"];
    assert_eq!(sheet[2][1], calamine::Data::String("revenue".into()));
    assert_eq!(sheet[9][1], calamine::Data::Empty);
    assert_eq!(sheet[10][1], calamine::Data::Float(8_000.0));
}

#[test]
fn the_answer_as_it_is_stored_has_the_same_chart() {
    let result = months();
    let chart = spec(json!({"type": "bar", "x": "month", "y": ["revenue"]}));
    let stored = serde_json::to_vec(&result).unwrap();
    for format in FORMATS {
        let of = |input: ReportInput<'_>| render(&input.with_chart(Some(&chart)), format);
        let whole = of(ReportInput::table(&result, None, at()));
        let stored = of(ReportInput::stored(
            StoredResult::Bytes(&stored),
            None,
            at(),
        ));
        assert!(whole == stored, "{format}");
    }
}

#[test]
fn bars_begin_at_zero_on_either_side_of_it() {
    let result = answer(
        &[("city", "string"), ("change", "float")],
        vec![
            vec![json!("Paris"), json!(4.5)],
            vec![json!("Rome"), json!(-2)],
            vec![Value::Null, json!("NaN")],
        ],
    );
    let chart = spec(json!({"type": "bar", "x": "city", "y": ["change"]}));
    let html = page(&result, &chart);
    let drawn = drawing(&html);
    let bars = drawn.split(r#"<g class="s1""#).nth(1).unwrap();
    let number = |bar: &str, name: &str| -> f64 {
        let value = bar.split(&format!("{name}=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().parse().unwrap()
    };
    let bars: Vec<_> = bars.split("<rect").skip(1).collect();
    assert_eq!(bars.len(), 2, "what is no number is no bar: {drawn}");
    let end = number(bars[0], " y") + number(bars[0], "height");
    assert!((end - number(bars[1], " y")).abs() < 0.2, "{drawn}");
    assert!(drawn.contains("(null)"), "{drawn}");
    let input = ReportInput::table(&result, None, at()).with_chart(Some(&chart));
    let md = String::from_utf8(render(&input, ReportFormat::Md)).unwrap();
    assert!(md.contains("| Rome | -2 |"), "{md}");
}

#[test]
fn long_names_are_before_horizontal_bars_and_complete_in_tooltips() {
    let long = "a city with a name that is far too long to stand anywhere in a drawing";
    let result = answer(
        &[("city", "string"), ("n", "integer")],
        vec![vec![json!(long), json!(4)], vec![json!("b"), json!(2)]],
    );
    let chart = spec(json!({"type": "bar", "x": "city", "y": ["n"]}));
    let html = page(&result, &chart);
    let drawn = drawing(&html);
    assert!(
        drawn.contains(&format!("…<title>{long}</title>")),
        "{drawn}"
    );
    assert!(!drawn.contains(&format!(">{long}<title>")), "{drawn}");
    let input = ReportInput::table(&result, None, at()).with_chart(Some(&chart));
    let native = read::xlsx_part(&render(&input, ReportFormat::Xlsx), "xl/charts/chart1.xml");
    assert!(native.contains(r#"<c:barDir val="bar"/>"#), "{native}");
}

#[test]
fn bars_of_a_workbook_begin_at_zero() {
    for (values, bound) in [
        ([104, 122], Some(r#"<c:min val="0"/>"#)),
        ([-104, -122], Some(r#"<c:max val="0"/>"#)),
        ([-104, 122], None),
    ] {
        let rows = values.iter().zip(["a", "b"]);
        let rows = rows.map(|(n, city)| vec![json!(city), json!(n)]).collect();
        let few = answer(&[("city", "string"), ("n", "integer")], rows);
        let bar = spec(json!({"type": "bar", "x": "city", "y": ["n"]}));
        let input = ReportInput::table(&few, None, at()).with_chart(Some(&bar));
        let native = read::xlsx_part(&render(&input, ReportFormat::Xlsx), "xl/charts/chart1.xml");
        let bounds = [r#"<c:min val="0"/>"#, r#"<c:max val="0"/>"#];
        let found: Vec<&str> = bounds.into_iter().filter(|b| native.contains(b)).collect();
        assert_eq!(found, bound.into_iter().collect::<Vec<_>>(), "{native}");
    }
}

#[test]
fn what_a_chart_leaves_out_is_noted() {
    let rows = (0..100).map(|i| vec![json!(format!("city {i}")), json!(i)]);
    let many = answer(&[("city", "string"), ("n", "integer")], rows.collect());
    let bar = spec(json!({"type": "bar", "x": "city", "y": ["n"]}));
    let html = page(&many, &bar);
    assert!(
        html.contains("The chart shows the first 40 of 100 rows."),
        "{html}"
    );
    assert!(!drawing(&html).contains("city 40"));

    let rows = (0..5).map(|i| vec![if i == 2 { Value::Null } else { json!(i) }, json!(i)]);
    let gap = answer(&[("x", "integer"), ("n", "integer")], rows.collect());
    let line = spec(json!({"type": "line", "x": "x", "y": ["n"]}));
    assert!(page(&gap, &line).contains("1 row has no value of x and no place in the chart."));
}

#[test]
fn large_answers_make_small_drawings() {
    let rows = (0..60_000_i64).map(|i| vec![json!(i), json!((i * 7_919) % 10_007), json!(i % 97)]);
    let columns = [("i", "integer"), ("a", "integer"), ("b", "float")];
    let result = answer(&columns, rows.collect());
    for kind in ["line", "scatter"] {
        let chart = spec(json!({"type": kind, "x": "i", "y": ["a", "b"]}));
        let html = page(&result, &chart);
        let drawn = drawing(&html);
        assert!(drawn.len() < 600_000, "{kind}: {}", drawn.len());
        assert_eq!(html.contains("one in "), kind == "scatter", "{kind}");
    }
    let chart = spec(json!({"type": "line", "x": "i", "y": ["a"]}));
    let input = ReportInput::table(&result, None, at()).with_chart(Some(&chart));
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    assert!(format!("{:?}", book["Chart"]).contains("The chart shows 32,000 of 60,000 rows."));
}

#[test]
fn lines_and_points_are_drawn_of_any_numbers() {
    for values in [
        vec![json!(0)],
        vec![json!(5), json!(5)],
        vec![json!(f64::MAX), json!(f64::MIN)],
        vec![json!(-1e-308), json!(1e-308)],
        vec![json!("inf"), json!(1)],
        vec![Value::Null, Value::Null],
        vec![json!(18_446_744_073_709_551_615_u64), json!(-1)],
        vec![],
    ] {
        let rows = values
            .iter()
            .map(|value| vec![value.clone(), value.clone(), json!("0001-01-01T00:00:00Z")]);
        let columns = [("n", "float"), ("x", "integer"), ("t", "timestamp")];
        let result = answer(&columns, rows.collect());
        for kind in ["bar", "line", "scatter"] {
            for x in ["x", "t"] {
                let chart = spec(json!({"type": kind, "x": x, "y": ["n"]}));
                page(&result, &chart);
                let input = ReportInput::table(&result, None, at()).with_chart(Some(&chart));
                for format in FORMATS {
                    render(&input, format);
                }
            }
        }
    }
}

#[test]
fn columns_that_cannot_be_drawn_are_named() {
    let result = answer(
        &[
            ("city", "string"),
            ("n", "integer"),
            ("twice", "float"),
            ("twice", "float"),
        ],
        vec![vec![json!("a"), json!(1), json!(1), json!(2)]],
    );
    for (chart, code, says) in [
        (
            json!({"type": "bar", "x": "nope", "y": ["n"]}),
            "chart_column_not_found",
            "`city`, `n`",
        ),
        (
            json!({"type": "bar", "x": "city", "y": ["n", "N"]}),
            "chart_column_not_found",
            "no column `N`",
        ),
        (
            json!({"type": "bar", "x": "city", "y": ["city"]}),
            "chart_column_unsuitable",
            "of type string",
        ),
        (
            json!({"type": "scatter", "x": "city", "y": ["n"]}),
            "chart_column_unsuitable",
            "chart.x",
        ),
        (
            json!({"type": "line", "x": "n", "y": ["twice"]}),
            "chart_column_unsuitable",
            "more than one",
        ),
    ] {
        for format in FORMATS {
            let error = error(&result, &spec(chart.clone()), format);
            assert_eq!(error.code(), code, "{error}");
            assert!(!error.retryable());
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

#[test]
fn names_of_the_data_are_no_formulas_of_a_native_chart() {
    let result = answer(
        &[("=x", "string"), ("='Result'!A1", "integer")],
        vec![vec![json!("=1+1"), json!(1)]],
    );
    let chart =
        spec(json!({"type": "bar", "x": "=x", "y": ["='Result'!A1"], "title": "=SUM(A1:A9)"}));
    let input = ReportInput::table(&result, None, at()).with_chart(Some(&chart));
    let bytes = render(&input, ReportFormat::Xlsx);
    let native = read::xlsx_part(&bytes, "xl/charts/chart1.xml");
    let formulas: Vec<_> = native.split("<c:f>").skip(1).collect();
    assert!(formulas.len() >= 4, "{native}");
    for formula in formulas {
        assert!(formula.starts_with("Chart!$"), "{formula}");
    }
}

#[test]
fn figures_of_a_chart_far_from_zero_can_be_told_apart() {
    let rows = [10_000_000.25, 10_000_000.5, 10_000_000.75]
        .into_iter()
        .zip(1..);
    let rows = rows.map(|(y, x)| vec![json!(x), json!(y)]);
    let result = answer(&[("x", "integer"), ("y", "decimal")], rows.collect());
    let html = page(
        &result,
        &spec(json!({"type": "line", "x": "x", "y": ["y"]})),
    );
    let drawn = drawing(&html);
    for figure in [
        "<title>2: 10,000,000.5</title>",
        "y: 10,000,000.25 to 10,000,000.75",
        ">10,000,000.3</text>",
        ">10,000,000.4</text>",
    ] {
        assert!(drawn.contains(figure), "{figure}: {drawn}");
    }
}
