//! What the engine does not support, and says so in terms of its own.

/// A sign in the engine's message, what is not supported, and what to write instead.
const REASONS: [(&str, &str, &str); 8] = [
    (
        "logical expression ScalarSubquery",
        "a subquery that refers to the query around it other than by = in its WHERE, or here",
        "join the tables, and group by a key of the outer one",
    ),
    (
        "logical expression OuterReferenceColumn",
        "LATERAL with LIMIT, VALUES or without FROM",
        "compute in the SELECT list, or number the rows with row_number() OVER (PARTITION BY …)",
    ),
    (
        "logical expression InSubquery",
        "IN (SELECT …) here",
        "compute it in a subquery of FROM, and refer to its column",
    ),
    (
        "logical expression Exists",
        "EXISTS here",
        "compute it in a subquery of FROM, and refer to its column",
    ),
    (
        "logical expression SetComparison",
        "ANY or ALL here",
        "compute it in a subquery of FROM, and refer to its column",
    ),
    (
        "Unnest should be rewritten",
        "unnest() here",
        "write SELECT … FROM (SELECT unnest(…) AS x) AS q",
    ),
    (
        "does not satisfy order requirements",
        "a window by a condition that is computed",
        "compute it in a subquery of FROM, and refer to its column",
    ),
    (
        "retract_batch",
        "this aggregate over a window that does not begin with the partition",
        "write ROWS BETWEEN UNBOUNDED PRECEDING AND …",
    ),
];

/// What is not supported, and what to write instead.
pub(super) fn explained(message: &str) -> Option<(String, &'static str)> {
    REASONS.iter().find_map(|(sign, what, instead)| {
        let found = message.contains(sign);
        found.then(|| (format!("not supported: {what}"), *instead))
    })
}

/// What helps where types do not match.
pub(super) fn about_types(message: &str) -> Option<String> {
    let dates = message.starts_with("no function matches")
        && (message.contains("date") || message.contains("timestamp"))
        && message.contains("string");
    if dates {
        return Some("write the text as DATE '…' or TIMESTAMP '…'".into());
    }
    let types = message.contains("incompatible types");
    types.then(|| "cast one of them: x::text".into())
}
