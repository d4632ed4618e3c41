//! Slices records so that no batch exceeds its size.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use super::measure::{bytes, extent, is_text, plain, varies, view, view_length, whole};
use super::referred::referred;
use crate::EngineError;
use crate::limits::Limits;

/// Shorter texts are not deduplicated.
pub(crate) const LONG: usize = 256;

/// Splits records into parts within the size limit, one at a time.
pub(crate) struct Cutter {
    records: RecordBatch,
    names: Arc<Vec<String>>,
    limits: Limits,
    /// Columns whose size varies by row.
    columns: Vec<(usize, Size)>,
    most_rows: usize,
    /// How many rows to try first: about as many as earlier parts have.
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

    /// The number of parts so far.
    pub(crate) fn parts(&self) -> usize {
        self.parts
    }

    /// The next part; `None` once all rows are returned.
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

    /// Whether so many rows fit into a batch even if no text repeats.
    fn fits(&self, rows: usize) -> bool {
        let mut left = self.limits.batch;
        self.columns.iter().all(|&(at, size)| {
            let taken = size.of_rows(self.records.column(at), self.at, rows, left);
            let fits = taken <= left;
            left = left.saturating_sub(taken);
            fits
        })
    }

    /// The number of rows that fit into a batch, at least one and at most `rows`.
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

/// How the size of a column varies by row.
#[derive(Clone, Copy)]
enum Size {
    /// Texts, which take no more space if they repeat.
    Views,
    /// Texts of a dictionary; the longest text, if the dictionary is not larger than the rows.
    Texts(Option<usize>),
    /// Values that are measured one by one.
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
                Some(Self::Texts(few.then(|| lengths.max().unwrap_or(0))))
            }
            other => varies(other).then_some(Self::Measured),
        }
    }

    /// An upper bound for some rows, counting repeated texts each time. Stops beyond `most`.
    fn of_rows(self, column: &ArrayRef, start: usize, rows: usize, most: usize) -> usize {
        if let Self::Texts(Some(longest)) = self {
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

    /// The size of a cell; `seen` has the long texts of earlier rows.
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
            Self::Texts(_) => referred(column, row).map(|(words, at)| {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{
        BinaryViewBuilder, DictionaryArray, Int32Array, ListArray, ListViewArray, RunArray,
        StringArray, UnionArray,
    };
    use arrow::buffer::{OffsetBuffer, ScalarBuffer};
    use arrow::datatypes::{Field, UnionFields};

    use super::*;
    use crate::batch::Values;
    use crate::parse::Kind;
    use crate::read::{Declared, column_of};

    /// Columns of many rows, each with one of a few long values.
    fn columns() -> Vec<ArrayRef> {
        const ROWS: usize = 3_000;
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["\u{1}".repeat(500); 20]));
        let item = Arc::new(Field::new("item", DataType::Utf8, true));
        let list = ListArray::new(
            Arc::clone(&item),
            OffsetBuffer::new(vec![0, 20].into()),
            Arc::clone(&texts),
            None,
        );
        let list: ArrayRef = Arc::new(list);
        let again = |times: i32| ScalarBuffer::from(vec![times; ROWS]);
        let keys = || Int32Array::from(vec![0; ROWS]);
        let ends = Int32Array::from(vec![i32::try_from(ROWS).unwrap()]);
        let fields = [(0, Arc::new(Field::new("l", list.data_type().clone(), true)))];
        let fields: UnionFields = fields.into_iter().collect();
        let kinds = ScalarBuffer::from(vec![0i8; ROWS]);
        let union = UnionArray::try_new(fields, kinds, Some(again(0)), vec![Arc::clone(&list)]);
        let mut views = BinaryViewBuilder::new();
        for start in 0..ROWS {
            let block = views.append_block(vec![0xab_u8; 20_000].into());
            views.try_append_view(block, start as u32, 5_000).unwrap();
        }
        vec![
            Arc::new(ListViewArray::new(item, again(0), again(20), texts, None)),
            Arc::new(RunArray::try_new(&ends, &list).unwrap()),
            Arc::new(union.unwrap()),
            Arc::new(DictionaryArray::new(keys(), list)),
            Arc::new(views.finish()),
        ]
    }

    #[test]
    fn no_part_takes_more_than_a_batch_however_its_values_are_shown() {
        let limits = Limits::new(16 << 20);
        for column in columns() {
            let what = column.data_type().clone();
            let rows = column.len();
            let records = RecordBatch::try_from_iter([("v", column)]).unwrap();
            let mut cutter = Cutter::new(records, &Arc::new(vec!["v".into()]), &limits, rows);
            let mut read = 0;
            while let Some(part) = cutter.next().unwrap() {
                let array = part.column(0);
                let declared = Declared::of(array.data_type());
                let column = column_of(array, declared, Kind::Text, None, 0).unwrap();
                let Values::Text(texts) = column.values else {
                    panic!("{what} is shown as text");
                };
                let bytes: usize = (0..texts.len()).map(|row| texts.length(row)).sum();
                assert!(bytes <= limits.batch, "{what}: {bytes}");
                read += texts.len();
            }
            assert_eq!(read, rows, "{what}");
            assert!(cutter.parts() > 10, "{what}");
        }
    }
}
