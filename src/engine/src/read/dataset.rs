//! A dataset as analyses read it: a sequence of chunks, each parsed independently into a batch.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use lastcall_domain::ReadReport;

use super::header;
use crate::EngineError;
use crate::batch::{Batch, ColumnBatch, Values};
use crate::job::JobContext;
use crate::parse::{Hints, Kind, Style, TypeSet};
use crate::tail::Tail;

/// The most columns: with more, the statistics of a column would need more memory than its cells.
pub(crate) const MAX_COLUMNS: usize = 16_384;

/// A piece of a dataset that can be parsed independently.
pub(crate) struct Chunk {
    pub(crate) body: ChunkBody,
    /// The line its first record is on.
    pub(crate) first_line: u64,
    /// The share of the dataset that is read up to its end, 0 to 1.
    pub(crate) done: f64,
}

/// The contents of a chunk.
pub(crate) enum ChunkBody {
    /// Complete records of text, in UTF-8 except for bytes that could not be decoded.
    Text(Vec<u8>),
    /// The last chunk of text, and the lines removed from its end.
    Last(Vec<u8>, Tail),
    /// Rows that are already columns.
    Records(RecordBatch),
}

/// The chunks of a dataset, in order.
pub(crate) trait Input: Send {
    /// The next chunk, `None` after the last.
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError>;
}

/// The assumed columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) names: Vec<String>,
    pub(crate) kinds: Vec<Kind>,
    /// The style of numbers of each column.
    pub(crate) styles: Vec<Style>,
    /// Which columns have mostly distinct values in the first rows. They get most of the memory.
    pub(crate) varied: Vec<bool>,
}

impl Plan {
    /// The names for display: a key may be empty, a name is not.
    pub(crate) fn shown_names(&self) -> Vec<String> {
        let given = self.names.iter();
        let given: Vec<Vec<u8>> = given.map(|name| name.clone().into_bytes()).collect();
        header::names(&given).0
    }

    /// Divides memory among the columns.
    pub(crate) fn budgets(&self, bytes: usize) -> Vec<usize> {
        const MORE: usize = 8;
        let weight = |varied: &bool| if *varied { MORE } else { 1 };
        let total: usize = self.varied.iter().map(weight).sum();
        self.varied
            .iter()
            .map(|varied| bytes / total.max(1) * weight(varied))
            .collect()
    }
}

/// A column as guessed from the first rows.
#[derive(Clone, Debug)]
pub(crate) struct TypeGuess {
    pub(crate) name: String,
    /// The types that its cells allow.
    pub(crate) kinds: TypeSet,
    /// Whether most of its values are distinct.
    pub(crate) varied: bool,
}

impl TypeGuess {
    /// Guesses from the first cells, read as text.
    pub(crate) fn new(name: String, cells: &ColumnBatch) -> Self {
        let varied = match &cells.values {
            Values::Text(texts) => {
                let rows = (0..texts.len()).filter(|&row| !cells.missing.at(row));
                let mut hashes: Vec<u64> = rows.map(|row| texts.hashes()[row]).collect();
                let count = hashes.len();
                hashes.sort_unstable();
                hashes.dedup();
                hashes.len() * 2 > count
            }
            _ => true,
        };
        Self {
            name,
            kinds: cells.kinds,
            varied,
        }
    }
}

/// A dataset that can be read repeatedly.
pub(crate) trait Dataset: Sync {
    /// The columns as guessed from the first rows.
    fn type_guesses(&self) -> Vec<TypeGuess>;

    /// The types in the schema of the format; `None` for a format without one.
    fn declared(&self) -> Option<Vec<TypeSet>> {
        None
    }

    /// The types of the columns if chunks are [`ChunkBody::Records`]; `None` for a column that
    /// cannot have values, which the records leave out.
    fn types(&self) -> Option<Vec<Option<DataType>>> {
        None
    }

    /// Whether every cell is certain to have its declared type.
    fn declared_is_final(&self) -> bool {
        false
    }

    /// The chunks from the start, with as many rows each as fit into memory with `width` columns.
    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError>;

    /// Parses a chunk according to the plan.
    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError>;

    /// Hints for columns with ambiguous cells.
    fn hints(&self) -> Hints {
        Hints::default()
    }

    /// Whether its records are lines of the file; otherwise they are the values of a document.
    fn has_lines(&self) -> bool {
        true
    }

    /// The same bytes in another encoding, if they turn out not to be UTF-8.
    fn in_other_encoding(&self) -> Option<Box<dyn Dataset>> {
        None
    }

    /// Warnings about the header.
    fn warnings(&self) -> Vec<lastcall_domain::profile::Warning> {
        Vec::new()
    }

    /// How it is read, as far as known before reading it.
    fn report(&self) -> ReadReport {
        ReadReport {
            warnings: self.warnings().into_iter().map(Into::into).collect(),
            ..ReadReport::default()
        }
    }
}
