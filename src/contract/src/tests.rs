//! Realistic contracts.

#![allow(clippy::unwrap_used)]

use lastcall_domain::check::{CheckPlan, Rule};

use crate::{parse, read};

fn plan(text: &str) -> CheckPlan {
    read(&parse(text.as_bytes()).unwrap(), "orders").unwrap()
}

fn error(text: &str) -> String {
    let error = read(&parse(text.as_bytes()).unwrap(), "orders").unwrap_err();
    error.to_string()
}

fn checks(plan: &CheckPlan) -> Vec<String> {
    let checks = plan.checks.iter();
    let described = checks.map(|check| {
        let columns = check.columns.join(",");
        format!("{} {columns}: {}", check.rule.kind(), check.expected())
    });
    described.collect()
}

const TABLE_SCHEMA: &str = r##"
fields:
  - name: id
    type: integer
    title: Number
    constraints: {required: true, unique: true, minimum: 1}
  - name: status
    type: string
    constraints:
      enum: [open, closed]
      pattern: "[a-z]+"
      minLength: 4
      maxLength: 6
  - name: customer
    type: integer
  - name: at
    type: date
    format: "%d.%m.%Y"
  - name: mail
    type: string
    format: email
missingValues: ["", "-"]
primaryKey: [id]
foreignKeys:
  - fields: customer
    reference: {resource: customers, fields: id}
row_count: {min: 1, max: 1000}
freshness: {column: at, max_age: 2d}
sql:
  - name: nothing below zero
    query: select * from orders where id < 0
"##;

#[test]
fn a_table_schema_with_every_constraint() {
    let plan = plan(TABLE_SCHEMA);
    assert_eq!(
        checks(&plan),
        [
            "column id: the dataset has the column",
            "type id: integer",
            "not_null id: no missing value",
            "unique id: no value twice",
            "range id: ≥ 1",
            "column status: the dataset has the column",
            "type status: string",
            "length status: 4 to 6 characters",
            "pattern status: matches ^(?:[a-z]+)$",
            "set status: one of \"open\", \"closed\"",
            "column customer: the dataset has the column",
            "type customer: integer",
            "column at: the dataset has the column",
            "type at: date (%d.%m.%Y)",
            "column mail: the dataset has the column",
            "type mail: email",
            "foreign_key customer: a value of customers (id)",
            "row_count : at least 1 and at most 1000 rows",
            "freshness at: the newest value is at most 2d old",
            "sql : the query answers with no row",
        ]
    );
    let missing = plan.read.missing.unwrap();
    assert_eq!(missing, ["", "-"]);
    assert_eq!(plan.checks[4].path, "fields[0].constraints.minimum");
    assert!(plan.warnings.is_empty());
}

#[test]
fn the_marks_of_numbers_are_those_of_all_fields() {
    let contract = |a: &str, b: &str| {
        format!(
            r#"{{"fields": [{{"name": "a", "type": "number", {a}}},
                {{"name": "b", {b}}}, {{"name": "c"}}]}}"#
        )
    };
    let comma = r#""decimalChar": ",", "groupChar": ".""#;
    for b in [
        r#""type": "string""#,
        r#""type": "integer""#,
        r#""type": "number", "decimalChar": ",""#,
    ] {
        let read = plan(&contract(comma, b)).read;
        assert_eq!(
            (read.decimal, read.thousands),
            (Some(','), Some('.')),
            "{b}"
        );
    }
    assert_eq!(
        error(&contract(comma, r#""type": "number""#)),
        "fields[1].decimalChar: the `decimalChar` of this field is \".\", that of another one \
         \",\"; the numbers of a dataset are read with the same"
    );
    let other = error(&contract(comma, r#""type": "integer", "groupChar": " ""#));
    assert!(other.starts_with("fields[1].groupChar: "), "{other}");
}

#[test]
fn a_data_package_has_the_schema_of_the_resource_that_is_named_as_the_dataset() {
    let package = r#"{"name": "p", "resources": [
        {"name": "customers", "schema": {"fields": [{"name": "a", "type": "any"}]}},
        {"name": "orders", "path": "o.csv", "schema": {"fields": [{"name": "b"}]}}]}"#;
    assert_eq!(plan(package).checks[0].columns, ["b"]);
    let others = package.replace("orders", "order");
    assert_eq!(
        error(&others),
        "resources: none is named `orders`, only `customers`, `order`; did you mean `order`?"
    );
}

const ODCS: &str = r#"
apiVersion: v3.1.0
kind: DataContract
id: 1
status: active
schema:
  - name: orders
    physicalType: table
    properties:
      - name: id
        logicalType: integer
        primaryKey: true
        primaryKeyPosition: 1
        required: true
        relationships:
          - to: customers.id
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0, multipleOf: 0.01}
        quality:
          - metric: nullValues
            mustBeLessThan: 5
            unit: percent
          - type: sql
            query: SELECT count(*) FROM {object} WHERE {property} > 1000
            mustBe: 0
      - name: country
        logicalType: string
        logicalTypeOptions: {pattern: "^[A-Z]{2}$"}
        quality:
          - metric: invalidValues
            arguments: {validValues: [CH, DE]}
            mustBe: 0
          - type: text
            description: seems right
      - name: at
        physicalName: created_at
        logicalType: timestamp
        logicalTypeOptions: {format: "yyyy-MM-dd HH:mm:ss"}
    quality:
      - metric: rowCount
        mustBeBetween: [1, 10]
      - metric: duplicateValues
        arguments: {properties: [id, country]}
        mustBe: 0
  - name: customers
    properties:
      - name: id
        logicalType: integer
slaProperties:
  - property: freshness
    value: 4
    unit: d
    element: orders.at
"#;

#[test]
fn a_contract_of_the_open_data_contract_standard() {
    let plan = plan(ODCS);
    assert_eq!(
        checks(&plan),
        [
            "column id: the dataset has the column",
            "type id: integer",
            "not_null id: no missing value",
            "foreign_key id: a value of customers (id)",
            "column amount: the dataset has the column",
            "type amount: number",
            "range amount: ≥ 0",
            "multiple_of amount: a multiple of 0.01",
            "not_null amount: no missing value; rows that fail: less than 5 %",
            "sql amount: the query answers 0",
            "column country: the dataset has the column",
            "type country: string",
            "pattern country: matches ^[A-Z]{2}$",
            "set country: one of \"CH\", \"DE\"; number of rows that fail: 0",
            "column at: the dataset has the column",
            "type at: timestamp (%Y-%m-%d %H:%M:%S)",
            "unique id: no value twice",
            "row_count : at least 1 and at most 10 rows",
            "unique id,country: no value twice; number of rows that fail: 0",
            "freshness at: the newest value is at most 4d old",
        ]
    );
    let Rule::Sql { query, .. } = &plan.checks[9].rule else {
        panic!("no query: {plan:?}");
    };
    assert_eq!(
        query,
        "SELECT count(*) FROM \"orders\" WHERE \"amount\" > 1000"
    );
    assert_eq!(plan.aliases["at"], "created_at");
    assert_eq!(plan.warnings[0].code, "not_checked");
}

#[test]
fn rules_of_version_3_0_are_known_by_their_old_names() {
    let plan = plan(
        "{apiVersion: v3.0.2, schema: [{name: orders, quality: [{rule: countCheck, \
         mustBeGreaterThan: 0}], properties: [{name: unit, quality: [{rule: nullCheck}, \
         {rule: duplicateCount, mustBeLessThan: 10}, \
         {rule: validValues, validValues: [kg]}, {rule: mystery}]}]}]}",
    );
    assert_eq!(
        checks(&plan),
        [
            "column unit: the dataset has the column",
            "not_null unit: no missing value; number of rows that fail: 0",
            "unique unit: no value twice; number of rows that fail: less than 10",
            "set unit: one of \"kg\"; number of rows that fail: 0",
            "row_count : more than 0 rows",
        ]
    );
    assert_eq!(plan.warnings[0].code, "not_checked");
}

#[test]
fn what_is_misspelt_is_refused_or_warned_about_with_what_may_be_meant() {
    for (text, message) in [
        (
            "fields: [{name: a, constraints: {requird: true}}]",
            "fields[0].constraints.requird: there is no such key; did you mean `required`?",
        ),
        (
            "fields: [{name: a, type: interger}]",
            "fields[0].type: there is no type \"interger\"; did you mean `integer`?",
        ),
        (
            "fields: [{name: a, constraints: {required: 1}}]",
            "fields[0].constraints.required: true or false was expected, not 1",
        ),
        ("fields: [{type: integer}]", "fields[0]: `name` is missing"),
        (
            "{apiVersion: v3.0.2, schema: [{name: orders, properties: [{name: a, requierd: true}]}]}",
            "schema[0].properties[0].requierd: there is no such key; did you mean `required`?",
        ),
        (
            "{apiVersion: v2.2.2, schema: []}",
            "apiVersion: only version 3 of the standard is read, not v2.2.2",
        ),
        (
            "{apiVersion: v3.0.2, schema: [{name: orders, quality: [{metric: rowcount}]}]}",
            "schema[0].quality[0]: there is no metric \"rowcount\"; did you mean `rowCount`?",
        ),
        (
            "columns: {a: int}",
            "the contract is neither a Table Schema (with `fields`), nor a Data Package (with \
             `resources`), nor of the Open Data Contract Standard (with `apiVersion` and `schema`)",
        ),
        ("fields: []", "it asks for no check"),
        ("[1]", "a contract is an object"),
        (
            "{fields: [{name: a, type: string, constraints: {pattern: '(?=x)'}}]}",
            "fields[0].constraints.pattern: the pattern cannot be used: look-around, including \
             look-ahead and look-behind, is not supported",
        ),
    ] {
        assert_eq!(error(text), message, "{text}");
    }
    let plan = plan("fields: [{name: a, constrains: {}}]");
    assert_eq!(plan.warnings[0].code, "unknown_key");
    assert!(
        plan.warnings[0]
            .detail
            .ends_with("did you mean `constraints`?")
    );
}
