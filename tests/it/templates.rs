//! Templates of the caller's own, over HTTP: what they make, and that their faults are theirs alone.

use serde_json::{Value, json};

use crate::support::{Client, Home, TIMEOUT, until_within};
use crate::typesetting::typesetters;

/// A report with this template.
fn report(client: &Client, session: &str, template: &Value) -> String {
    let body = json!({ "dataset": "birds", "format": "pdf", "template": template });
    client.report(session, &body)
}

/// Why a report with this template fails, at its first and only attempt.
#[track_caller]
fn failure(client: &Client, id: &str) -> String {
    let failed = client.wait_for(id, "failed");
    assert_eq!(failed["error"]["code"], "template_failed", "{failed:#}");
    assert_eq!(failed["attempt"], 1, "{failed:#}");
    failed["error"]["message"].as_str().unwrap().to_owned()
}

/// The template of the page's example, but for the logo, which is shortened there.
fn documented() -> Value {
    let page = include_str!("../../docs/templates.md");
    let example = page.split("```json").nth(1).unwrap();
    let example: Value = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
    let mut template = example["template"].clone();
    template.as_object_mut().unwrap().remove("logo");
    template
}

#[test]
fn a_template_makes_the_report_and_its_mistakes_are_located() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/templates");
    for name in ["letterhead.typ", "one-page.typ"] {
        let source = std::fs::read_to_string(format!("{examples}/{name}")).unwrap();
        let template = json!({
            "source": source, "title": "Birds of the bay", "colors": {"accent": "#0b6e4f"},
        });
        let id = report(&client, &session, &template);
        let result = client.result(&id);
        assert!(result.body.starts_with(b"%PDF"), "{name}: {result:?}");
        let title = b"Birds of the bay";
        let has_title = result.body.windows(title.len()).any(|part| part == title);
        assert!(has_title, "{name}");
        assert_eq!(client.job(&id)["template"]["source"]["bytes"], source.len());
    }
    let id = report(&client, &session, &documented());
    assert!(client.result(&id).body.starts_with(b"%PDF"));
    assert_eq!(client.job(&id)["template"]["colors"]["accent"], "#8a1c3c");
    for (source, expected) in [
        ("= Hello\n\n#foo", "line 3, column 2: unknown variable: foo"),
        ("#read(\"/etc/passwd\")", "line 1, column 7: "),
        ("#import \"@preview/cetz:0.3.0\"", "line 1, column 9: "),
        (
            "#plugin(bytes(()))",
            "line 1, column 2: unknown variable: plugin",
        ),
    ] {
        let id = report(&client, &session, &json!({ "source": source }));
        let message = failure(&client, &id);
        assert!(message.starts_with(expected), "{source}: {message}");
        client
            .get(&format!("/v1/jobs/{id}/result"))
            .expect_problem(409, "job_failed");
    }
    service.stop();
}

#[test]
fn a_template_without_end_and_one_without_measure_end_and_others_go_on() {
    let home = Home::new();
    // Seconds of processor time are minutes on a busy machine.
    let service = home.service().set("report.timeout", "15m").start();
    let client = service.client();
    let session = client.session_with_birds();
    let endless = "#for i in range(1000000) { for j in range(1000000) { let x = i * j } }";
    let endless = report(&client, &session, &json!({ "source": endless }));
    client.wait_for(&endless, "running");
    let bomb = "#let x = \"x\" * 3000000000\n#x";
    let bomb = report(&client, &session, &json!({ "source": bomb }));
    let message = failure(&client, &bomb);
    assert!(message.contains("more memory"), "{message}");
    let plain = client.report(&session, &json!({ "dataset": "birds", "format": "pdf" }));
    assert!(client.result(&plain).body.starts_with(b"%PDF"));
    until_within(5 * TIMEOUT, "the template without end ends", || {
        (client.job(&endless)["state"] != "running").then_some(())
    });
    let message = failure(&client, &endless);
    assert!(message.contains("processor time"), "{message}");
    let left = typesetters(service.pid()).len();
    assert!(left <= 1, "{left} processes, where one may be idle");
    service.stop();
    assert_eq!(home.scratch(), Vec::<std::path::PathBuf>::new());
}
