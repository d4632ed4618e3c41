use lastcall_domain::Service;
use serde_json::{Value, json};

use crate::fixture::Api;

fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap()
}

#[test]
fn a_report_on_a_dataset_is_accepted_in_every_format() {
    let api = Api::start();
    let session = api.session_with_penguins();
    for format in ["html", "pdf", "xlsx", "md"] {
        let body = json!({"dataset": "penguins", "format": format});
        let job = api
            .client
            .post(&format!("{session}/reports"), &body)
            .ok(202);
        assert_eq!(job["service"], "report");
        assert_eq!(job["kind"], "report");
        assert_eq!(job["format"], format);
    }
    assert_eq!(api.system.woken.lock().unwrap().len(), 4);
}

#[test]
fn a_report_on_an_analysis_waits_for_it() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let analysis = api.profile(&session);
    let body = json!({"analysis": id(&analysis), "format": "html"});
    api.client
        .post(&format!("{session}/reports"), &body)
        .ok(202);
    assert!(api.claim(Service::Report).is_none());
    api.work(Service::Analysis, "application/json", "{}");
    assert!(api.claim(Service::Report).is_some());
    api.client
        .post(&format!("{session}/reports"), &body)
        .ok(202);
}

#[test]
fn a_report_that_makes_no_sense_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let analysis = api.profile(&session);
    for body in [
        json!({}),
        json!({"dataset": "penguins"}),
        json!({"format": "pdf"}),
        json!({"dataset": "penguins", "format": "doc"}),
        json!({"dataset": "penguins", "format": "json"}),
        json!({"dataset": "penguins", "analysis": id(&analysis), "format": "pdf"}),
        json!({"dataset": "penguins", "format": "pdf", "title": "x"}),
    ] {
        api.client
            .post(&path, &body)
            .problem(422, "invalid_request");
    }
    let refused = api
        .client
        .post(&path, &json!({"dataset": "penguins", "format": "doc"}))
        .json();
    for format in ["html", "pdf", "xlsx", "md"] {
        assert!(refused["detail"].as_str().unwrap().contains(format));
    }
    api.client
        .post(&path, &json!({"dataset": "walrus", "format": "pdf"}))
        .problem(404, "dataset_not_found");
}

#[test]
fn a_report_is_made_of_an_analysis_of_its_session_that_may_have_a_result() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let report = |analysis: &str| json!({"analysis": analysis, "format": "pdf"});
    let other = api.profile(&api.session_with_penguins());
    for unknown in ["x", "00000000-0000-0000-0000-000000000000", id(&other)] {
        api.client
            .post(&path, &report(unknown))
            .problem(404, "job_not_found");
    }
    let body = json!({"dataset": "penguins", "format": "pdf"});
    let no_analysis = api.client.post(&path, &body).ok(202);
    api.client
        .post(&path, &report(id(&no_analysis)))
        .problem(422, "invalid_request");

    let body = json!({"kind": "sql", "query": "select 1", "format": "csv"});
    let no_json = api
        .client
        .post(&format!("{session}/analyses"), &body)
        .ok(202);
    api.client
        .post(&path, &report(id(&no_json)))
        .problem(422, "invalid_request");

    while api.claim(Service::Analysis).is_some() {}
    let analysis = api.profile(&session);
    api.fail(Service::Analysis, "invalid_data");
    let problem = api
        .client
        .post(&path, &report(id(&analysis)))
        .problem(409, "analysis_not_succeeded");
    assert_eq!(problem["job_error"]["code"], "invalid_data");

    let analysis = api.profile(&session);
    api.client
        .delete(&format!("/v1/jobs/{}", id(&analysis)))
        .expect(202);
    api.client
        .post(&path, &report(id(&analysis)))
        .problem(409, "analysis_not_succeeded");
}

/// A query of the session, to report on.
fn query(api: &Api, session: &str) -> String {
    let body = json!({"kind": "sql", "query": "select 1 as a, 2 as b"});
    let path = format!("{session}/analyses");
    id(&api.client.post(&path, &body).ok(202)).to_owned()
}

#[test]
fn a_report_on_a_query_may_have_a_chart_which_the_job_shows() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let chart = json!({"type": "bar", "x": "a", "y": ["b"], "title": "B by a"});
    let body = json!({"analysis": query(&api, &session), "format": "html", "chart": chart});
    let job = api.client.post(&path, &body).ok(202);
    assert_eq!(job["chart"], chart);
    let job = api.client.get(&format!("/v1/jobs/{}", id(&job))).ok(200);
    assert_eq!(job["chart"], chart, "the row keeps it");
}

#[test]
fn a_chart_that_makes_no_sense_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let query = query(&api, &session);
    let wide: Vec<_> = (0..9).map(|i| i.to_string()).collect();
    for (chart, says) in [
        (json!({"type": "pie", "x": "a", "y": ["b"]}), "pie"),
        (
            json!({"type": "bar", "x": "a", "y": ["b"], "colour": 1}),
            "colour",
        ),
        (json!({"type": "bar", "x": "a", "y": "b"}), "sequence"),
        (json!({"type": "bar", "x": "a"}), "`y`"),
        (json!({"type": "bar", "x": "a", "y": []}), "chart.y"),
        (json!({"type": "bar", "x": "a", "y": wide}), "chart.y"),
        (json!({"type": "bar", "x": "a", "y": ["b", "b"]}), "twice"),
        (
            json!({"type": "bar", "x": "a", "y": ["b"], "title": ""}),
            "chart.title",
        ),
    ] {
        let body = json!({"analysis": query, "format": "pdf", "chart": chart});
        let problem = api
            .client
            .post(&path, &body)
            .problem(422, "invalid_request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    }
    // Only the result of a query has columns to draw.
    let chart = json!({"type": "bar", "x": "a", "y": ["b"]});
    let profile = api.profile(&session);
    for body in [
        json!({"dataset": "penguins", "format": "pdf", "chart": chart}),
        json!({"analysis": id(&profile), "format": "pdf", "chart": chart}),
    ] {
        let problem = api
            .client
            .post(&path, &body)
            .problem(422, "invalid_request");
        assert!(problem["detail"].as_str().unwrap().contains("chart"));
    }
}

/// The beginning of a PNG image, in base64.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUg==";

#[test]
fn a_pdf_may_have_a_template_which_the_job_shows() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let template = json!({
        "source": "= abc", "title": "Penguins", "logo": PNG, "colors": {"accent": "#8a1c3c"},
    });
    let body = json!({"dataset": "penguins", "format": "pdf", "template": template});
    let job = api.client.post(&path, &body).ok(202);
    let sha256 = "fafd9917796229cf0e14314687b97cdd33aa168828c7f1f08c18a25dea1f869c";
    let shown = json!({
        "source": {"sha256": sha256, "bytes": 5},
        "title": "Penguins",
        "logo": {"media_type": "image/png", "bytes": 16},
        "colors": {"accent": "#8a1c3c"},
    });
    assert_eq!(job["template"], shown);
    let job = api.client.get(&format!("/v1/jobs/{}", id(&job))).ok(200);
    assert_eq!(job["template"], shown, "the row keeps it");
    let listed = api.client.get("/v1/jobs").ok(200);
    assert_eq!(listed["items"][0]["template"], shown);
    assert!(!listed.to_string().contains("= abc"), "{listed}");
    assert!(!listed.to_string().contains(PNG), "{listed}");
    // Without one, the field is absent.
    let body = json!({"dataset": "penguins", "format": "pdf"});
    let job = api.client.post(&path, &body).ok(202);
    assert_eq!(job.get("template"), None);
}

#[test]
fn a_template_that_makes_no_sense_is_refused_with_its_place() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let long = "x".repeat(128 * 1024 + 1);
    let many = "x".repeat(201);
    // 256 KiB and two bytes, of a PNG image.
    let large = format!("{}{}", &PNG[..20], "AAAA".repeat(87_380));
    for (template, says) in [
        (json!("= Hello"), "`template` has to be a JSON object"),
        (json!(["= Hello"]), "`template` has to be a JSON object"),
        (json!({"text": "= Hello"}), "unknown field `text`"),
        (json!({"source": 5}), "expected a string"),
        (json!({"source": ""}), "`template.source`: it is empty"),
        (
            json!({"source": long}),
            "`template.source`: it has 131073 bytes",
        ),
        (json!({"title": " "}), "`template.title`"),
        (json!({"title": many}), "`template.title`"),
        (json!({"logo": "!"}), "`template.logo`: it is not base64"),
        (
            json!({"logo": "R0lGODlh"}),
            "`template.logo`: it is not a PNG",
        ),
        (json!({"logo": large}), "`template.logo`: it has"),
        (json!({"colors": ["#fff"]}), "`template.colors` has to be"),
        (
            json!({"colors": {"accent": "red"}}),
            "`template.colors.accent`",
        ),
        (
            json!({"colors": {"accents": "#fff"}}),
            "unknown field `accents`",
        ),
    ] {
        let body = json!({"dataset": "penguins", "format": "pdf", "template": template});
        let problem = api
            .client
            .post(&path, &body)
            .problem(422, "invalid_template");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    }
    for format in ["html", "xlsx", "md"] {
        let body = json!({"dataset": "penguins", "format": format, "template": {"title": "x"}});
        let problem = api
            .client
            .post(&path, &body)
            .problem(422, "invalid_template");
        assert!(problem["detail"].as_str().unwrap().contains("`pdf`"));
    }
    // What may just be.
    let most = json!({"source": "x".repeat(128 * 1024), "title": "ä".repeat(200), "logo": PNG});
    let body = json!({"dataset": "penguins", "format": "pdf", "template": most});
    api.client.post(&path, &body).ok(202);
    let body = json!({"dataset": "penguins", "format": "pdf", "template": null});
    api.client.post(&path, &body).ok(202);
}

#[test]
fn a_report_with_another_template_is_another_report() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let body = |source: &str| {
        let template = json!({"source": source});
        json!({"dataset": "penguins", "format": "pdf", "template": template})
    };
    let keyed = api.client.with("idempotency-key", "one");
    let first = keyed.post(&path, &body("= A")).ok(202);
    let again = keyed.post(&path, &body("= A")).ok(202);
    assert_eq!(first["id"], again["id"]);
    keyed
        .post(&path, &body("= B"))
        .problem(422, "idempotency_key_reused");
    // The result of one is not that of another.
    api.work(Service::Report, "application/pdf", "%PDF");
    let plain = json!({"dataset": "penguins", "format": "pdf"});
    for other in [body("= A"), body("= B"), plain] {
        let job = api.client.post(&path, &other).ok(202);
        assert_eq!(job["state"], "queued");
        assert_eq!(job.get("cached"), None);
    }
}
