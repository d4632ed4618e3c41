//! Removes details that only the engine's developers can use from its messages.

/// The engine's suffix of messages of unexpected errors.
const BUG: &str = ".\nThis issue was likely caused by a bug in DataFusion's code.";
/// The prefix of a message for a function without a matching signature.
const SIGNATURE: &str = "No function matches the given name and argument types '";
/// The prefix of a message for result columns of the same name.
const SAME_NAMES: &str = "Projections require unique expression names";
/// The longest message, in characters: some repeat the whole plan.
const MAX_MESSAGE: usize = 500;
/// The engine's names of types, and the names in results.
const TYPES: [(&str, &str); 9] = [
    ("Utf8View", "string"),
    ("LargeUtf8", "string"),
    ("Utf8", "string"),
    ("UInt64", "integer"),
    ("Int64", "integer"),
    ("Int32", "integer"),
    ("Float64", "float"),
    ("Date32", "date"),
    ("Boolean", "boolean"),
];

/// The message for a user.
pub(super) fn plain(message: &str) -> String {
    if let Some((_, rest)) = message.split_once(SIGNATURE)
        && let Some((call, _)) = rest.split_once('\'')
    {
        let call = TYPES
            .iter()
            .fold(call.to_owned(), |call, (from, to)| call.replace(from, to));
        return format!("no function matches {call}");
    }
    if message.starts_with(SAME_NAMES) {
        return "two columns have the same name, casts aside; give one of them another with AS"
            .to_owned();
    }
    let message = message.split(BUG).next().unwrap_or_default();
    let message = message.split("\n\nbacktrace:").next().unwrap_or_default();
    short(message.trim())
}

/// A message that ends with the name of a node. The engine appends all fields of the node:
/// `Pivot { table: Table { name: …`, `Exists(Exists { subquery: …`.
pub(super) fn named(message: &str) -> &str {
    let Some((name, _)) = message.split_once(" { ") else {
        return message;
    };
    let last = name.rfind(' ').map_or(0, |space| space + 1);
    match name[last..].find('(') {
        Some(inner) => &name[..last + inner],
        None => name,
    }
}

/// The message, cut at [`MAX_MESSAGE`].
pub(super) fn short(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_a_matching_signature_is_reported_with_the_types_of_results() {
        let message = "Internal error: … No function matches the given name and argument types \
                       'sum(Utf8View)'. You might need to add explicit type casts.\n\tCandidate functions: …";
        assert_eq!(plain(message), "no function matches sum(string)");
    }

    #[test]
    fn what_is_not_supported_is_named_without_its_fields() {
        for (message, name) in [
            (
                "Unsupported ast node Pivot { table: Table { name: x } }",
                "Unsupported ast node Pivot",
            ),
            (
                "no logical expression Exists(Exists { negated: false })",
                "no logical expression Exists",
            ),
            ("FETCH clause (yet)", "FETCH clause (yet)"),
        ] {
            assert_eq!(named(message), name);
        }
    }

    #[test]
    fn an_invitation_to_report_bugs_to_others_is_left_out() {
        let message =
            "went wrong.\nThis issue was likely caused by a bug in DataFusion's code. Please …";
        assert_eq!(plain(message), "went wrong");
    }
}
