//! Records cut so that no batch of them takes more than its bytes.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use super::referred::{is_missing, items, referred};
use crate::EngineError;
use crate::limits::Limits;

/// A number or a word takes about so many bytes at most.
const SHORT: usize = 40;
/// The same of intervals and of decimals of 256 bits.
const WIDE: usize = 96;
/// What stands between two values, and in place of one that is missing.
const BETWEEN: usize = 2;
const MISSING: usize = 4;
/// Shorter texts are not looked for among those before them.
pub(crate) const LONG: usize = 256;

/// Cuts records into parts, each of them small enough, one at a time.
pub(crate) struct Cutter {
    records: RecordBatch,
    names: Arc<Vec<String>>,
    limits: Limits,
    /// Columns that take different space in different rows.
    columns: Vec<(usize, Size)>,
    most_rows: usize,
    /// How many rows may be tried at once: about as many as parts have.
    tried: usize,
    at: usize,
    parts: usize,
}

impl Cutter {
    pub(crate) fn new(
        records: RecordBatch,
        names: &Arc<Vec<String>>,
        limits: &Limits,
        most_rows: usize,
    ) -> Self {
        let columns = records.columns().iter().enumerate();
        let columns = columns.filter_map(|(at, column)| Some((at, Size::of(column)?)));
        Self {
            columns: columns.collect(),
            names: Arc::clone(names),
            limits: *limits,
            most_rows,
            tried: most_rows,
            at: 0,
            parts: 0,
            records,
        }
    }

    /// How many parts there were.
    pub(crate) fn parts(&self) -> usize {
        self.parts
    }

    /// The next part; `None` where all rows were handed on.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        let left = self.records.num_rows() - self.at;
        if left == 0 {
            return Ok(None);
        }
        let tried = self.tried.min(left);
        let rows = if self.fits(tried) {
            self.tried = self.tried.saturating_mul(2).min(self.most_rows);
            tried
        } else {
            let rows = self.fitting(tried)?;
            self.tried = (2 * rows).min(self.most_rows);
            rows
        };
        let part = self.records.slice(self.at, rows);
        self.at += rows;
        self.parts += 1;
        Ok(Some(part))
    }

    /// Whether so many rows take no more than a batch may, even where no text repeats.
    fn fits(&self, rows: usize) -> bool {
        let mut left = self.limits.batch;
        self.columns.iter().all(|&(at, size)| {
            let taken = size.of_rows(self.records.column(at), self.at, rows, left);
            let fits = taken <= left;
            left = left.saturating_sub(taken);
            fits
        })
    }

    /// How many rows a batch may have, at least one and at most `rows`.
    fn fitting(&self, rows: usize) -> Result<usize, EngineError> {
        let mut seen = HashSet::new();
        let mut bytes = 0;
        for taken in 0..rows {
            let row = self.at + taken;
            let mut of_row = 0;
            for &(at, size) in &self.columns {
                let most = self.limits.record;
                let cell = size.of_cell(at, self.records.column(at), row, &mut seen, most);
                if cell > most {
                    return Err(EngineError::CellTooLarge {
                        place: format!("a value of column {}", self.names[at]),
                        limit: most as u64,
                    });
                }
                of_row += cell;
            }
            if taken > 0 && bytes + of_row > self.limits.batch {
                return Ok(taken);
            }
            bytes += of_row;
        }
        Ok(rows)
    }
}

/// How a column takes different space in different rows.
#[derive(Clone, Copy)]
enum Size {
    /// Texts, which need no more space where they repeat.
    Views,
    /// The same, of a dictionary; its longest text, where it is no larger than the rows are many.
    Words(Option<usize>),
    /// What is measured where it stands.
    Measured,
}

impl Size {
    fn of(column: &ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8View | DataType::BinaryView => Some(Self::Views),
            DataType::Dictionary(_, values) if is_text(values) => {
                let words = column.as_any_dictionary().values();
                let lengths = (0..words.len()).map(|at| plain(words, at, usize::MAX));
                let few = words.len() <= column.len();
                Some(Self::Words(few.then(|| lengths.max().unwrap_or(0))))
            }
            other => varies(other).then_some(Self::Measured),
        }
    }

    /// What some rows take at most, texts that repeat counted each time. Beyond `most` they are
    /// not looked at any further.
    fn of_rows(self, column: &ArrayRef, start: usize, rows: usize, most: usize) -> usize {
        if let Self::Words(Some(longest)) = self {
            return longest.saturating_mul(rows);
        }
        if let Some(extent) = extent(column, start, rows) {
            return extent;
        }
        let mut sum = 0;
        for row in start..start + rows {
            sum += whole(column, row, most.saturating_sub(sum));
            if sum > most {
                break;
            }
        }
        sum
    }

    /// What a cell takes, where `seen` holds the long texts of the rows before it.
    fn of_cell(
        self,
        at: usize,
        column: &ArrayRef,
        row: usize,
        seen: &mut HashSet<(usize, u128)>,
        most: usize,
    ) -> usize {
        let place = match self {
            Self::Measured => return whole(column, row, most),
            Self::Views => view(column, row).map(|view| (view, view_length(view))),
            Self::Words(_) => referred(column, row).map(|(words, at)| {
                let length = bytes(words, at).map_or(0, <[u8]>::len);
                (at as u128, length)
            }),
        };
        match place {
            None => 0,
            Some((place, length)) if length >= LONG && !seen.insert((at, place)) => 0,
            Some(_) => plain(column, row, most),
        }
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

/// Whether values of the type are displayed in as many bytes as they have.
fn varies(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => varies(values),
        DataType::RunEndEncoded(_, values) => varies(values.data_type()),
        DataType::FixedSizeBinary(_) => true,
        other => is_text(other) || other.is_nested(),
    }
}

/// What the texts of some rows take at most, as far as that is known without a look at each.
fn extent(array: &dyn Array, start: usize, rows: usize) -> Option<usize> {
    let end = start + rows;
    let small = |bytes: i64| usize::try_from(bytes).unwrap_or(0);
    let between = |ends: &[i32]| small((ends[end] - ends[start]).into());
    let far_between = |ends: &[i64]| small(ends[end] - ends[start]);
    let of_views = |views: &[u128]| {
        let lengths = views[start..end].iter().map(|&view| view_length(view));
        lengths.sum::<usize>()
    };
    Some(match array.data_type() {
        DataType::Utf8 => between(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => far_between(array.as_string::<i64>().value_offsets()),
        DataType::Utf8View => of_views(array.as_string_view().views()),
        DataType::Binary => 2 * between(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => 2 * far_between(array.as_binary::<i64>().value_offsets()),
        DataType::BinaryView => 2 * of_views(array.as_binary_view().views()),
        DataType::FixedSizeBinary(width) => 2 * rows * small((*width).into()),
        _ => return None,
    })
}

/// The length is the lowest part of a view.
pub(crate) fn view_length(view: u128) -> usize {
    view as u32 as usize
}

fn view(array: &dyn Array, row: usize) -> Option<u128> {
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().views()[row]),
        DataType::BinaryView => Some(array.as_binary_view().views()[row]),
        _ => None,
    }
}

/// The bytes of a text; `None` of anything else.
fn bytes(array: &dyn Array, row: usize) -> Option<&[u8]> {
    Some(match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).as_bytes(),
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return None,
    })
}

/// What a text takes that is a cell itself; of bytes that are none, two digits for each.
fn plain(array: &dyn Array, row: usize, most: usize) -> usize {
    if is_missing(array, row) {
        return 0;
    }
    if let Some((values, at)) = referred(array, row) {
        return plain(values, at, most);
    }
    let Some(text) = bytes(array, row) else {
        return 0;
    };
    let is_text = matches!(
        array.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    // Whether it is one is looked at where it matters.
    if is_text || (2 * text.len() > most && std::str::from_utf8(text).is_ok()) {
        text.len()
    } else {
        2 * text.len()
    }
}

/// What a cell takes.
fn whole(array: &dyn Array, row: usize, most: usize) -> usize {
    match array.data_type() {
        _ if is_missing(array, row) => 0,
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => {
            referred(array, row).map_or(0, |(values, at)| whole(values, at, most))
        }
        DataType::FixedSizeBinary(_) => plain(array, row, most),
        other if is_text(other) => plain(array, row, most),
        _ => part(array, row, most),
    }
}

/// About what a value takes that is displayed within another: not less, and not much more. Beyond
/// `most` it is not looked at any further.
fn part(array: &dyn Array, row: usize, most: usize) -> usize {
    if is_missing(array, row) {
        return MISSING;
    }
    if let Some((items, from, to)) = items(array, row) {
        let mut sum = BETWEEN;
        for at in from..to {
            sum += BETWEEN + part(items, at, most.saturating_sub(sum));
            if sum > most {
                break;
            }
        }
        return sum;
    }
    match array.data_type() {
        DataType::Struct(fields) => {
            let mut sum = BETWEEN;
            for (column, field) in array.as_struct().columns().iter().zip(fields) {
                sum += 2 * BETWEEN + quoted(field.name().as_bytes());
                sum += part(column, row, most.saturating_sub(sum));
                if sum > most {
                    break;
                }
            }
            sum
        }
        DataType::Union(fields, _) => {
            let id = array.as_union().type_id(row);
            let field = fields.iter().find(|(other, _)| *other == id);
            let name = field.map_or(0, |(_, field)| quoted(field.name().as_bytes()));
            let value = referred(array, row);
            name + 2 * BETWEEN + value.map_or(MISSING, |(values, at)| part(values, at, most))
        }
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => {
            referred(array, row).map_or(MISSING, |(values, at)| part(values, at, most))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            bytes(array, row).map_or(0, quoted)
        }
        DataType::Interval(_) | DataType::Decimal256(..) => WIDE,
        _ => bytes(array, row).map_or(SHORT, |bytes| BETWEEN + 2 * bytes.len()),
    }
}

/// What a text takes as a string of JSON.
fn quoted(text: &[u8]) -> usize {
    let escaped = text.iter().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    BETWEEN + escaped.sum::<usize>()
}
