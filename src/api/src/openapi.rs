//! The OpenAPI document.

/// The document, JSON.
pub(crate) fn document() -> String {
    String::new()
}
