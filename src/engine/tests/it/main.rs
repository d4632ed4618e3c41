//! The engine from files to profiles and errors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrow;
mod associations;
mod bounds;
mod cancelling;
mod checks;
mod columns;
mod comparing;
mod converting;
mod delimiters;
mod dialects;
mod encodings;
mod estimates;
mod exact_checks;
mod facts;
mod formats;
mod inference;
mod open_document;
mod pandas;
mod parquet;
mod selection;
mod sniffing;
mod support;
mod undoing;
mod values;
mod wild_csv;
mod workbooks;
mod xls;
