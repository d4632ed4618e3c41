//! Texts as an array that, like a batch, stores repeated ones once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewBuilder, new_null_array};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use crate::batch::{Missing, Texts};
use crate::read::{LONG, view_length};

/// The type of texts.
pub(super) const TEXT: DataType = DataType::Utf8View;

/// The texts of a column.
pub(super) fn array(texts: &Texts, missing: &Missing) -> ArrayRef {
    let mut views = StringViewBuilder::with_capacity(texts.len());
    let mut blocks = HashMap::new();
    for row in 0..texts.len() {
        if missing.at(row) {
            views.append_null();
            continue;
        }
        let text = || String::from_utf8_lossy(texts.get(row));
        if texts.length(row) < LONG {
            views.append_value(text());
            continue;
        }
        let (block, length) = *blocks.entry(texts.place(row)).or_insert_with(|| {
            let text = text().into_owned().into_bytes();
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            (views.append_block(Buffer::from_vec(text)), length)
        });
        if views.try_append_view(block, 0, length).is_err() {
            return new_null_array(&TEXT, texts.len());
        }
    }
    Arc::new(views.finish())
}

/// The bytes of the texts of some rows, repetitions included.
pub(super) fn bytes(records: &RecordBatch) -> usize {
    let texts = records
        .columns()
        .iter()
        .filter(|column| *column.data_type() == TEXT);
    let bytes = texts.flat_map(|column| column.as_string_view().views().iter());
    bytes.map(|&view| view_length(view)).sum()
}
