//! The checks of a data contract, over HTTP.

use serde_json::{Value, json};

use crate::support::{Client, Home};

const ORDERS: &str =
    "id,customer,amount,at\n1,7,10.5,2024-01-01\n2,8,-1,2024-01-02\n3,7,x,2024-01-03\n";
const CUSTOMERS: &str = "id,name\n7,a\n9,b\n";

fn check(client: &Client, session: &str, contract: &Value) -> Value {
    let body = json!({ "kind": "check", "dataset": "orders", "contract": contract });
    let path = format!("/v1/sessions/{session}/analyses");
    let accepted = client.post(&path, &body).expect(202).json();
    assert_eq!(accepted["kind"], "check");
    assert_eq!(accepted["dataset"], "orders");
    let id = accepted["id"].as_str().unwrap().to_owned();
    client.succeeded(&id);
    let mut result = client.result(&id).json();
    result["id"] = id.into();
    result
}

fn of<'a>(result: &'a Value, kind: &str) -> &'a Value {
    let checks = result["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == kind).unwrap()
}

#[test]
fn a_check_reports_what_holds_and_which_rows_fail() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "orders", ORDERS);
    client.upload(&session, "customers", CUSTOMERS);
    let contract = json!({
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": true, "unique": true}},
            {"name": "customer", "type": "integer"},
            {"name": "amount", "type": "number", "constraints": {"minimum": 0}},
            {"name": "at", "type": "date"},
        ],
        "foreignKeys": [{"fields": "customer", "reference": {"resource": "customers", "fields": "id"}}],
        "row_count": {"min": 1},
        "freshness": {"column": "at", "max_age": "1d"},
        "sql": ["select id, amount from orders where id > 1 order by id", "select 1 where false"],
    });
    let result = check(&client, &session, &contract);
    assert_eq!(result["passed"], false);
    assert_eq!(result["rows"], 3);
    assert_eq!(
        result["totals"],
        json!({"checks": 16, "passed": 11, "failed": 5, "errors": 0})
    );
    let checks = result["checks"].as_array().unwrap();
    let kind = checks
        .iter()
        .find(|check| check["check"] == "type" && check["columns"] == json!(["amount"]))
        .unwrap();
    assert_eq!(kind["status"], "failed");
    assert_eq!(kind["failed_rows"], 1);
    assert_eq!(
        kind["examples"],
        json!([{"row": 3, "values": {"amount": "x"}}])
    );
    let range = of(&result, "range");
    assert_eq!(
        range["examples"],
        json!([{"row": 2, "values": {"amount": "-1"}}])
    );
    let foreign = of(&result, "foreign_key");
    assert_eq!(
        foreign["examples"],
        json!([{"row": 2, "values": {"customer": 8}}])
    );
    assert_eq!(of(&result, "freshness")["status"], "failed");
    let sql = of(&result, "sql");
    assert_eq!(
        (&sql["status"], &sql["failed_rows"]),
        (&json!("failed"), &json!(2))
    );
    assert_eq!(
        sql["examples"][0]["values"],
        json!({"id": 2, "amount": "-1"})
    );
    let id = result["id"].as_str().unwrap();
    for (format, begin) in [
        ("html", "<!"),
        ("pdf", "%PDF"),
        ("xlsx", "PK"),
        ("md", "# Data checks"),
    ] {
        let report = client.report(&session, &json!({ "analysis": id, "format": format }));
        let report = client.result(&report);
        assert!(
            report.body.starts_with(begin.as_bytes()),
            "{format}: {report:?}"
        );
        if format == "md" {
            assert!(report.text().contains("Failing rows"), "{report:?}");
        }
    }
    service.stop();
}

#[test]
fn a_contract_of_the_open_standard_may_come_as_yaml() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "orders", ORDERS);
    let contract = "\
apiVersion: v3.0.2
kind: DataContract
schema:
  - name: orders
    properties:
      - name: id
        logicalType: integer
        primaryKey: true
        quality:
          - type: sql
            query: select count(*) from {object} where {property} is null
            mustBe: 0
      - name: amount
        logicalType: number
      - name: customer
      - name: at
        logicalType: date
";
    let result = check(&client, &session, &json!(contract));
    assert_eq!(result["contract"], "odcs");
    assert_eq!(result["totals"]["failed"], 1, "{result:#}");
    assert_eq!(result["totals"]["errors"], 0, "{result:#}");
    assert_eq!(of(&result, "sql")["status"], "passed");
    service.stop();
}

#[test]
fn a_query_that_is_to_answer_with_a_number_has_one_row_and_one_column() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "orders", ORDERS);
    for (query, status) in [
        ("select count(*) - count(*) from orders", "passed"),
        ("select 0, 1", "error"),
        ("select 0 from orders", "error"),
        ("select 0 where false", "error"),
    ] {
        let contract = json!({
            "apiVersion": "v3.0.2",
            "kind": "DataContract",
            "schema": [{
                "name": "orders",
                "properties": [{"name": "id"}],
                "quality": [{"type": "sql", "query": query, "mustBe": 0}],
            }],
        });
        let result = check(&client, &session, &contract);
        let sql = of(&result, "sql");
        assert_eq!(sql["status"], status, "{query}: {sql:#}");
    }
    service.stop();
}

#[test]
fn a_contract_that_cannot_be_used_is_refused_before_a_job_is_made() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "orders", ORDERS);
    let path = format!("/v1/sessions/{session}/analyses");
    for contract in [
        json!({}),
        json!({"fields": [{"name": "id", "constraints": {"requird": true}}]}),
        json!("fields: ["),
        json!([1]),
    ] {
        let body = json!({ "kind": "check", "dataset": "orders", "contract": contract });
        client
            .post(&path, &body)
            .expect_problem(422, "invalid_contract");
    }
    let body = json!({ "kind": "check", "dataset": "orders" });
    client
        .post(&path, &body)
        .expect_problem(422, "invalid_request");
    let many = json!({"fields": [{"name": "id"}]});
    let options = json!({ "examples": 101 });
    let body =
        json!({ "kind": "check", "dataset": "orders", "contract": many, "options": options });
    client
        .post(&path, &body)
        .expect_problem(422, "invalid_request");
    let contract = json!({"fields": [{"name": "id"}], "sql": "select * from nothing"});
    let result = check(&client, &session, &contract);
    assert_eq!(of(&result, "sql")["error"], "unknown_table");
    assert_eq!(result["totals"]["errors"], 1);
    service.stop();
}
