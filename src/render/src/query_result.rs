//! A stored query result: JSON that is read row by row.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use lastcall_domain::{Cancel, SqlColumn, SqlResult};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::error::RenderError;
use crate::limits::Limits;

/// The size of the read buffer, in bytes.
const PIECE: usize = 256 * 1024;
/// Rows between two checks of the cancel flag.
const CANCEL_INTERVAL: u64 = 1_024;
/// The overhead of a value beyond its text, in bytes.
const VALUE: usize = 32;

/// The JSON of a query result: an object with the members of an [`SqlResult`], `columns` before
/// `rows`.
#[derive(Clone, Copy, Debug)]
pub enum StoredResult<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file.
    File(&'a Path),
}

/// Receives the parts of a query result in order.
pub(crate) trait RowSink {
    /// How many values of each row to read; the others are skipped.
    fn width(&self) -> usize;
    /// The columns, before any row.
    fn columns(&mut self, columns: Vec<SqlColumn>) -> Result<(), RenderError>;
    /// Receives a row. Returns false if the sink needs no further rows; they are still counted.
    fn row(&mut self, row: Vec<Value>) -> Result<bool, RenderError>;
}

/// The totals of a query result.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// How many rows there are.
    pub(crate) rows: u64,
    /// Whether the query had more.
    pub(crate) truncated: bool,
}

impl StoredResult<'_> {
    /// Reads the whole result.
    ///
    /// # Errors
    /// The sink's error, [`RenderError::Cancelled`], and [`RenderError::Unreadable`] if the JSON
    /// does not have that layout.
    pub(crate) fn read(
        self,
        sink: &mut dyn RowSink,
        cancel: &Cancel,
    ) -> Result<Totals, RenderError> {
        match self {
            Self::Bytes(bytes) => read(serde_json::Deserializer::from_slice(bytes), sink, cancel),
            Self::File(path) => {
                let file = BufReader::with_capacity(PIECE, File::open(path)?);
                read(serde_json::Deserializer::from_reader(file), sink, cancel)
            }
        }
    }

    /// Writes the result as it is stored.
    pub(crate) fn copy(self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::File(path) => io::copy(&mut File::open(path)?, out).map(drop),
        }
    }

    /// The columns, and as many rows as the limits allow. `row_count` counts all rows.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub(crate) fn head(self, limits: &Limits, cancel: &Cancel) -> Result<SqlResult, RenderError> {
        let mut head = Head {
            limits,
            bytes: 0,
            rows: limits.rows,
            result: SqlResult::default(),
        };
        let totals = self.read(&mut head, cancel)?;
        Ok(SqlResult {
            row_count: totals.rows,
            truncated: totals.truncated,
            ..head.result
        })
    }
}

/// Collects the first rows.
struct Head<'a> {
    limits: &'a Limits,
    bytes: usize,
    rows: usize,
    result: SqlResult,
}

impl RowSink for Head<'_> {
    #[expect(
        clippy::misnamed_getters,
        reason = "the limit of columns is how wide a row may be"
    )]
    fn width(&self) -> usize {
        self.limits.columns
    }

    fn columns(&mut self, columns: Vec<SqlColumn>) -> Result<(), RenderError> {
        self.rows = self.limits.rows_of(columns.len());
        self.result.columns = columns;
        Ok(())
    }

    fn row(&mut self, row: Vec<Value>) -> Result<bool, RenderError> {
        self.bytes += row.iter().map(weight).sum::<usize>();
        // The first row is always shown, however large it is.
        if self.bytes > self.limits.bytes && !self.result.rows.is_empty() {
            return Ok(false);
        }
        if self.result.rows.len() < self.rows {
            self.result.rows.push(row);
        }
        Ok(self.result.rows.len() < self.rows)
    }
}

/// The approximate size of a value, in bytes.
fn weight(value: &Value) -> usize {
    VALUE
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| name.len() + weight(value))
                .sum(),
        }
}

fn read<'de, R: serde_json::de::Read<'de>>(
    mut json: serde_json::Deserializer<R>,
    sink: &mut dyn RowSink,
    cancel: &Cancel,
) -> Result<Totals, RenderError> {
    let mut reading = Reading {
        sink,
        cancel,
        stopped: None,
        totals: Totals::default(),
    };
    let read = Members(&mut reading)
        .deserialize(&mut json)
        .and_then(|()| json.end());
    match (reading.stopped, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) if error.is_io() => Err(RenderError::Io(error.into())),
        (None, Err(error)) => Err(RenderError::Unreadable(error.to_string())),
        (None, Ok(())) => Ok(reading.totals),
    }
}

struct Reading<'a> {
    sink: &'a mut dyn RowSink,
    cancel: &'a Cancel,
    /// The error that stopped reading, unless the JSON is invalid.
    stopped: Option<RenderError>,
    totals: Totals,
}

impl Reading<'_> {
    fn stop<E: serde::de::Error>(&mut self, error: RenderError) -> E {
        self.stopped = Some(error);
        E::custom("stopped")
    }
}

/// The members of the result.
struct Members<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a query result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut begun = false;
        let mut whole = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "columns" => {
                    let columns = members.next_value()?;
                    let taken = self.0.sink.columns(columns);
                    taken.map_err(|error| self.0.stop(error))?;
                    begun = true;
                }
                "rows" if !begun => return Err(A::Error::custom("rows before their columns")),
                "rows" => {
                    members.next_value_seed(Rows(&mut *self.0))?;
                    whole = true;
                }
                "truncated" => self.0.totals.truncated = members.next_value()?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if whole {
            Ok(())
        } else {
            Err(A::Error::missing_field("rows"))
        }
    }
}

/// The rows of the result.
struct Rows<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let reading = self.0;
        let width = reading.sink.width();
        let mut wanted = true;
        loop {
            if reading.totals.rows.is_multiple_of(CANCEL_INTERVAL) && reading.cancel.is_cancelled()
            {
                return Err(reading.stop(RenderError::Cancelled));
            }
            if wanted {
                let Some(row) = rows.next_element_seed(Row(width))? else {
                    return Ok(());
                };
                wanted = match reading.sink.row(row) {
                    Ok(wanted) => wanted,
                    Err(error) => return Err(reading.stop(error)),
                };
            } else if rows.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
            reading.totals.rows += 1;
        }
    }
}

/// The first values of a row.
struct Row(usize);

impl<'de> DeserializeSeed<'de> for Row {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Value>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<Value>, A::Error> {
        let mut row = Vec::new();
        while row.len() < self.0 {
            match values.next_element()? {
                Some(value) => row.push(value),
                None => return Ok(row),
            }
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(row)
    }
}

/// Sends the parts of a result in memory to a sink.
///
/// # Errors
/// The sink's error, and [`RenderError::Cancelled`].
pub(crate) fn feed(
    result: &SqlResult,
    sink: &mut dyn RowSink,
    cancel: &Cancel,
) -> Result<Totals, RenderError> {
    sink.columns(result.columns.clone())?;
    for (i, row) in (0..).zip(&result.rows) {
        if i % CANCEL_INTERVAL == 0 && cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        if !sink.row(row.clone())? {
            break;
        }
    }
    Ok(Totals {
        rows: result.rows.len() as u64,
        truncated: result.truncated,
    })
}
