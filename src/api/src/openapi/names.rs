//! The schema of dataset names, wherever one occurs.

use serde_json::{Value, json};

/// The characters of a name, as far as a pattern can express it. `DatasetName` has the complete
/// rule.
const PATTERN: &str = r#"^[^\u0000- \-./"\\\u007f-\u00a0\u00ad\u0300-\u036f\u2000-\u206f\u3000\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]([^\u0000-\u001f/"\\\u007f-\u00a0\u00ad\u2000-\u206f\u3000\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]*[^\u0000- /"\\\u007f-\u00a0\u00ad\u2000-\u206f\u3000\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff])?$"#;

/// Adds the bounds of names to every schema of a string that is one.
pub(super) fn describe(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    for (schema, field) in [
        ("NewAnalysis_NewProfile", "dataset"),
        ("NewAnalysis_NewCorrelation", "dataset"),
        ("NewAnalysis_NewComparison", "baseline"),
        ("NewAnalysis_NewComparison", "candidate"),
        ("NewAnalysis_NewCheck", "dataset"),
        ("NewDatasetReport", "dataset"),
    ] {
        let fields = schemas
            .get_mut(schema)
            .and_then(|schema| schema.get_mut("properties"));
        if let Some(field) = fields.and_then(|fields| fields.get_mut(field)) {
            bound(field);
        }
    }
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    let operations = paths.values_mut().filter_map(Value::as_object_mut);
    let operations = operations.flat_map(|methods| methods.values_mut());
    for operation in operations {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        let Some(parameters) = parameters else {
            continue;
        };
        for parameter in parameters {
            if matches!(parameter["name"].as_str(), Some("name" | "dataset")) {
                bound(&mut parameter["schema"]);
            }
        }
    }
}

fn bound(schema: &mut Value) {
    schema["minLength"] = json!(1);
    schema["maxLength"] = json!(128);
    schema["pattern"] = json!(PATTERN);
}
