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

/// More columns than this are refused: beyond it the figures of a column cost more memory than
/// its cells.
pub(crate) const MAX_COLUMNS: usize = 16_384;

/// A piece of a dataset that can be parsed by itself.
pub(crate) struct Chunk {
    pub(crate) body: ChunkBody,
    /// The line its first record is on.
    pub(crate) first_line: u64,
    /// The part of the dataset that was read with it, 0 to 1.
    pub(crate) done: f64,
}

/// What a chunk is made of.
pub(crate) enum ChunkBody {
    /// Whole records of text, in UTF-8 but for what could not be decoded.
    Text(Vec<u8>),
    /// The last of these, and what was taken off its end.
    Last(Vec<u8>, Tail),
    /// Rows that are columns already.
    Records(RecordBatch),
}

/// The chunks of a dataset, in order.
pub(crate) trait Input: Send {
    /// The next chunk, `None` after the last.
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError>;
}

/// The columns as they are assumed to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) names: Vec<String>,
    pub(crate) kinds: Vec<Kind>,
    /// Which marks the numbers of each column have.
    pub(crate) styles: Vec<Style>,
    /// Which columns have mostly different values in the first rows. Most of the memory is
    /// theirs.
    pub(crate) varied: Vec<bool>,
}

impl Plan {
    /// The names as they are shown: a key may be empty, a name is not.
    pub(crate) fn shown_names(&self) -> Vec<String> {
        let given = self.names.iter();
        let given: Vec<Vec<u8>> = given.map(|name| name.clone().into_bytes()).collect();
        header::names(&given).0
    }

    /// Shares out memory to the columns.
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

/// A column as far as the first rows tell.
#[derive(Clone, Debug)]
pub(crate) struct TypeGuess {
    pub(crate) name: String,
    /// What its cells may be read as.
    pub(crate) kinds: TypeSet,
    /// Most of its values are different.
    pub(crate) varied: bool,
}

impl TypeGuess {
    /// From the first cells, read as text.
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

/// A dataset that can be read again and again.
pub(crate) trait Dataset: Sync {
    /// The columns as far as the first rows tell.
    fn type_guesses(&self) -> Vec<TypeGuess>;

    /// What the format itself says about the columns; nothing where only their cells tell.
    fn declared(&self) -> Option<Vec<TypeSet>> {
        None
    }

    /// The types of the columns where chunks are [`ChunkBody::Records`]; none for a column that
    /// cannot have a value, which the records leave out.
    fn types(&self) -> Option<Vec<Option<DataType>>> {
        None
    }

    /// Whether every cell is bound to be as declared.
    fn declared_is_final(&self) -> bool {
        false
    }

    /// The chunks from the beginning, with as many rows each as `width` columns of them may have
    /// in memory.
    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError>;

    /// Reads the cells of a chunk as the plan says.
    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError>;

    /// What decides where the cells of a column leave doubt.
    fn hints(&self) -> Hints {
        Hints::default()
    }

    /// Whether its records stand on lines of their own, which a reader can look up; else they are
    /// the values of a document.
    fn has_lines(&self) -> bool {
        true
    }

    /// The same bytes in the encoding to try when they turn out not to be UTF-8.
    fn in_other_encoding(&self) -> Option<Box<dyn Dataset>> {
        None
    }

    /// What the header had that a reader of the profile should know.
    fn warnings(&self) -> Vec<lastcall_domain::profile::Warning> {
        Vec::new()
    }

    /// How it is read, as far as that is known before all of it was.
    fn report(&self) -> ReadReport {
        ReadReport {
            warnings: self.warnings().into_iter().map(Into::into).collect(),
            ..ReadReport::default()
        }
    }
}
