//! A secret value.

/// A string that is never printed.
#[derive(Clone)]
pub struct Secret(pub(super) String);

impl Secret {
    /// The string itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The string as a URL without password and parameters.
    pub fn redacted_url(&self) -> String {
        let (url, parameters) = self.0.split_once('?').unwrap_or((&self.0, ""));
        match (url.split_once("://"), url.rsplit_once('@')) {
            // What looks like parameters may be a part of the password.
            (Some((scheme, _)), _) if parameters.contains('@') => format!("{scheme}://…"),
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
            _ => url.to_owned(),
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted_url())
    }
}
