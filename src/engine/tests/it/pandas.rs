//! Statistics equal those of pandas; `fixtures/expected.py` computed the expected values.

use serde_json::Value;

use crate::support::Bench;

const TOLERANCE: f64 = 1e-9;

/// Checks that everything that is expected is there.
pub(crate) fn compare(at: &str, expected: &Value, found: &Value, faults: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                let path = format!("{at}.{key}");
                match found.get(key) {
                    Some(found) => compare(&path, value, found, faults),
                    None => faults.push(format!("{path} is not there")),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{at}[{index}]"), expected, found, faults);
            }
        }
        (Value::Number(expected), Value::Number(found)) => {
            let (e, f) = (expected.as_f64().unwrap(), found.as_f64().unwrap());
            // Figures around 0 are differences of nearly equal sums, in pandas too.
            let near = (e - f).abs() <= TOLERANCE * e.abs().max(f.abs())
                || (at.contains("correlations") && (e - f).abs() <= TOLERANCE)
                || (at.contains("skewness") && (e - f).abs() <= 1e-12);
            if !near {
                faults.push(format!("{at}: expected {e}, found {f}"));
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => faults.push(format!("{at}: expected {expected}, found {found}")),
    }
}

fn agrees(name: &str, data: &str, expected: &str) {
    let profile = Bench::new().profile(&format!("{name}.csv"), data);
    let expected: Value = serde_json::from_str(expected).unwrap();
    let found = serde_json::to_value(&profile).unwrap();
    let mut faults = Vec::new();
    compare(name, &expected, &found, &mut faults);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

macro_rules! fixture {
    ($name:literal) => {
        agrees(
            $name,
            include_str!(concat!("fixtures/", $name, ".csv")),
            include_str!(concat!("fixtures/", $name, ".expected.json")),
        )
    };
}

#[test]
fn a_survey_with_every_type_has_the_figures_of_pandas() {
    fixture!("survey");
}

#[test]
fn columns_that_cost_digits_have_the_figures_of_pandas() {
    fixture!("digits");
}

#[test]
fn three_rows_have_the_figures_of_pandas() {
    fixture!("three");
}
