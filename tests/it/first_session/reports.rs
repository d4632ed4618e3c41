//! Reports in every format, on datasets and on analyses.

use serde_json::json;

use crate::support::{Home, data};

#[test]
fn a_dataset_is_reported_on_in_every_format() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let formats = [
        ("html", "text/html", &b"<!"[..]),
        ("pdf", "application/pdf", b"%PDF"),
        (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            b"PK\x03\x04",
        ),
        ("md", "text/markdown", b"#"),
    ];
    for (format, media_type, begin) in formats {
        let body = json!({ "dataset": "birds", "format": format });
        let id = client.report(&session, &body);
        let job = client.succeeded(&id);
        assert_eq!(job["kind"], "report");
        assert_eq!(job["service"], "report");
        assert_eq!(job["format"], format);
        let report = client.result(&id);
        let found = report.header("content-type");
        assert!(found.starts_with(media_type), "{format}: {found}");
        assert!(report.body.starts_with(begin), "{format}: {report:?}");
    }
    service.stop();
}

#[test]
fn a_page_holds_all_that_it_needs_and_runs_nothing_but_its_own_script() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    let mut hostile = "name,<img src=x onerror=alert(1)>\n".to_owned();
    for row in 0..20 {
        hostile.push_str(&format!("<script>alert({})</script>,{row}\n", row % 3));
    }
    client.upload(&session, "hostile", &hostile);
    let id = client.report(&session, &json!({ "dataset": "hostile", "format": "html" }));
    let report = client.result(&id);
    let page = report.text();
    assert!(page.contains("<svg"), "a chart is drawn");
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, 1, "its own script and no other");
    assert!(!page.contains("<script>alert("), "a cell is text");
    assert!(!page.contains("<img src=x"), "a header is text");
    for reference in ["src=\"http", "href=\"http", "@import", "<link"] {
        assert!(!page.contains(reference), "{reference}");
    }
    let policy = report.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("script-src 'unsafe"), "{policy}");
    service.stop();
}

#[test]
fn a_report_on_an_analysis_waits_for_it_and_shows_its_result() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let query = "select species, count(*) as birds from birds group by species order by species";
    let analysis = client.sql(&session, query);
    let body = json!({ "analysis": analysis, "format": "md" });
    let report = client.report(&session, &body);
    let text = client.result(&report).text();
    assert!(text.contains("Chinstrap"), "{text}");
    assert!(text.contains("birds"), "{text}");

    let failing = client.sql(&session, "select nonsense from birds");
    client.wait_for(&failing, "failed");
    let body = json!({ "analysis": failing, "format": "md" });
    client
        .post(&format!("/v1/sessions/{session}/reports"), &body)
        .expect_problem(409, "analysis_not_succeeded");
    service.stop();
}

#[test]
fn a_report_on_data_in_other_scripts_is_made() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "names", "город,都市\nМосква,東京\nКазань,大阪\n");
    for format in ["pdf", "html"] {
        let id = client.report(&session, &json!({ "dataset": "names", "format": format }));
        assert!(client.result(&id).body.len() > data::BIRDS.len());
    }
    service.stop();
}

#[test]
fn a_report_on_a_query_has_the_chart_that_is_asked_for() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let query = "select species, count(*) as birds, avg(1.5) as mean, date '2025-01-01' as day \
                 from birds group by species order by species";
    let analysis = client.sql(&session, query);
    for (kind, x) in [("bar", "species"), ("line", "day"), ("scatter", "mean")] {
        let chart = json!({ "type": kind, "x": x, "y": ["birds", "mean"] });
        for format in ["html", "pdf", "xlsx", "md"] {
            let body = json!({ "analysis": analysis, "format": format, "chart": chart });
            let report = client.report(&session, &body);
            let report = client.result(&report);
            if format == "html" {
                let page = report.text();
                assert!(
                    page.contains(&format!("chart of birds, mean by {x}")),
                    "{page}"
                );
            }
        }
    }
    for (x, y, code) in [
        ("spezies", "birds", "chart_column_not_found"),
        ("birds", "species", "chart_column_unsuitable"),
    ] {
        let chart = json!({ "type": "bar", "x": x, "y": [y] });
        let body = json!({ "analysis": analysis, "format": "pdf", "chart": chart });
        let report = client.report(&session, &body);
        let failed = client.wait_for(&report, "failed");
        assert_eq!(failed["error"]["code"], code, "{failed:#}");
        assert_eq!(failed["attempt"], 1, "{failed:#}");
    }
    service.stop();
}

#[test]
fn a_report_on_an_analysis_names_the_bytes_that_it_read() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let dataset = format!("/v1/sessions/{session}/datasets/birds");
    let sha256 = client.get(&dataset).expect(200).json()["sha256"].clone();
    let sha256 = sha256.as_str().unwrap();
    let body = json!({ "kind": "correlation", "dataset": "birds",
                       "options": { "read": { "header": true } } });
    let analysis = client.analyse(&session, &body);
    let report = || {
        let body = json!({ "analysis": analysis, "format": "md" });
        let report = client.report(&session, &body);
        client.result(&report).text()
    };
    let text = report();
    for fact in [
        "| Dataset | birds |",
        sha256,
        "| Read options | header=true |",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    client.upload(&session, "birds", "a,b\n1,2\n3,4\n");
    let text = report();
    assert!(!text.contains("SHA-256"), "{text}");
    service.stop();
}

#[test]
fn the_provenance_of_a_comparison_has_each_dataset_once_or_none() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "a", "n\n1\n2\n3\n4\n");
    client.upload(&session, "b", "n\n3\n4\n5\n6\n");
    let compare = |baseline: &str, candidate: &str| {
        let body = json!({ "kind": "compare", "baseline": baseline, "candidate": candidate });
        client.analyse(&session, &body)
    };
    let checksums = |analysis: &str| {
        let body = json!({ "analysis": analysis, "format": "md" });
        let report = client.report(&session, &body);
        client.result(&report).text().matches("| SHA-256 |").count()
    };
    let (two, one) = (compare("a", "b"), compare("b", "b"));
    assert_eq!([checksums(&two), checksums(&one)], [2, 1]);
    let again = compare("b", "b");
    assert_eq!(client.succeeded(&again)["cached"], true);
    assert_eq!(checksums(&again), 1);
    client.upload(&session, "a", "n\n7\n8\n");
    assert_eq!([checksums(&two), checksums(&one)], [0, 1]);
    service.stop();
}

#[test]
fn the_read_options_of_a_report_are_those_that_its_data_was_read_with() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/points?delimiter=%3B");
    let points = b"n;m\n1;4\n2;3\n3;9\n4;1\n";
    client.put(&path, "text/csv", points).expect(201);
    let contract = json!({ "fields": [{ "name": "n" }], "missingValues": ["none"] });
    let header = json!({ "read": { "header": true } });
    let analyses = [
        (json!({ "kind": "correlation" }), vec!["delimiter="]),
        (
            json!({ "kind": "correlation", "options": header }),
            vec!["delimiter=", "header=true"],
        ),
        (
            json!({ "kind": "check", "contract": contract }),
            vec!["delimiter=", "missing="],
        ),
    ];
    let mut reports = vec![(json!({ "dataset": "points" }), vec!["delimiter="])];
    for (mut body, options) in analyses {
        body["dataset"] = json!("points");
        let analysis = client.analyse(&session, &body);
        reports.push((json!({ "analysis": analysis }), options));
    }
    for (mut body, options) in reports {
        body["format"] = json!("md");
        let report = client.report(&session, &body);
        let text = client.result(&report).text();
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with("| Read options |"));
        let line = line.unwrap_or_else(|| panic!("{body}: {text}"));
        for option in options {
            assert!(line.contains(option), "{body}: {line}");
        }
    }
    service.stop();
}
