//! The HTTP surface: routes mirror the URLs, one error table.
