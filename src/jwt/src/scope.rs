//! Scopes (RFC 6749, section 3.3): what a token allows.

use serde_json::Value;

/// What a token allows. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Read the caller's data.
    Read,
    /// Change it as well, and run jobs.
    Run,
    /// Begin the shutdown as well.
    Admin,
}

impl Access {
    /// All levels, in ascending order.
    pub const ALL: [Self; 3] = [Self::Read, Self::Run, Self::Admin];

    /// The scope that allows it.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Read => "lastcall:read",
            Self::Run => "lastcall:run",
            Self::Admin => "lastcall:admin",
        }
    }

    /// The highest level in the claims: `scope` (RFC 9068) or `scp`, each a string of scopes
    /// separated by spaces or a list of them. Scopes of other services are ignored.
    pub(crate) fn of(claims: &serde_json::Map<String, Value>) -> Option<Self> {
        let given = ["scope", "scp"].into_iter();
        let given = given.filter_map(|claim| claims.get(claim));
        given.flat_map(scopes).filter_map(Self::from_scope).max()
    }

    fn from_scope(scope: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|access| access.scope() == scope)
    }
}

fn scopes(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => text.split(' ').collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_that_a_token_says_in_either_claim_and_form_is_what_it_allows() {
        for (claims, expected) in [
            (json!({}), None),
            (json!({ "scope": "" }), None),
            (json!({ "scope": "openid lastcall:readonly admin" }), None),
            (json!({ "scope": "LASTCALL:ADMIN" }), None),
            (
                json!({ "scope": 7, "scp": { "lastcall:admin": true } }),
                None,
            ),
            (
                json!({ "scope": "openid lastcall:read" }),
                Some(Access::Read),
            ),
            (
                json!({ "scope": "lastcall:run lastcall:read" }),
                Some(Access::Run),
            ),
            (
                json!({ "scp": ["lastcall:run", 7, "x"] }),
                Some(Access::Run),
            ),
            (json!({ "scp": "lastcall:admin" }), Some(Access::Admin)),
            (
                json!({ "scope": "lastcall:read", "scp": ["lastcall:admin"] }),
                Some(Access::Admin),
            ),
            // One element is one scope.
            (json!({ "scp": ["lastcall:read lastcall:admin"] }), None),
        ] {
            let claims = claims.as_object().unwrap();
            assert_eq!(Access::of(claims), expected, "{claims:?}");
        }
    }
}
