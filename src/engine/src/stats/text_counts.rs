//! Counts the distinct texts of a column.

use std::borrow::Cow;
use std::collections::HashMap;

use hashbrown::HashTable;

use super::distinct::DistinctSketch;
use super::frequent::{FrequentTexts, TOP, Top, size_for};
use crate::EngineError;
use crate::batch::Texts;
use crate::job::JobContext;
use crate::read::LONG;

/// A text longer than this is counted by its beginning and a hash once texts are sketched.
const LONGEST_SKETCHED: usize = 256;
/// Cancellation is checked after this many bytes of long texts; a batch of short ones is soon done.
const PAUSE: usize = 4 << 20;

/// The texts of a column: all of them as long as they fit, sketched beyond.
pub(crate) struct TextCounts {
    budget: usize,
    stage: Stage,
}

enum Stage {
    Exact(Dictionary),
    Sketched(Box<Sketches>),
}

struct Sketches {
    distinct: DistinctSketch,
    frequent: FrequentTexts,
}

/// What is known of the texts in the end.
pub(crate) struct Summary {
    pub(crate) distinct: u64,
    pub(crate) distinct_error: Option<f64>,
    pub(crate) top: Top<Vec<u8>>,
}

#[derive(Default)]
struct Dictionary {
    table: HashTable<u32>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

struct Entry {
    hash: u64,
    count: u64,
    /// Where the text ends in `bytes`; it begins where the entry before ends.
    end: usize,
}

impl TextCounts {
    /// Holds texts in about `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            stage: Stage::Exact(Dictionary::default()),
        }
    }

    /// Counts texts of a batch.
    pub(crate) fn extend(
        &mut self,
        texts: &Texts,
        mut rows: impl Iterator<Item = usize>,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let hashes = texts.hashes();
        // Long texts that repeat in one place are compared once.
        let mut places = HashMap::new();
        let mut compared = 0;
        let mut pause = |bytes: usize| {
            compared += bytes;
            if compared < PAUSE {
                return Ok(());
            }
            compared = 0;
            context.check()
        };
        if let Stage::Exact(dictionary) = &mut self.stage {
            // Buffers double as they grow: half of the share is what may be in use.
            let most = self.budget / 2;
            loop {
                let Some(row) = rows.next() else {
                    return Ok(());
                };
                let text = texts.get(row);
                let long = text.len() >= LONG;
                if long {
                    if let Some(&at) = places.get(&texts.place(row)) {
                        let entry: &mut Entry = &mut dictionary.entries[at];
                        entry.count += 1;
                        continue;
                    }
                    pause(text.len())?;
                }
                if dictionary.is_full() {
                    dictionary.grow(context)?;
                }
                let (at, is_new) = dictionary.add(text, hashes[row]);
                if is_new && dictionary.bytes() > most {
                    break;
                }
                if long {
                    places.insert(texts.place(row), at);
                }
            }
            let mut sketches = Sketches::new(self.budget);
            for at in 0..dictionary.entries.len() {
                if at % 4096 == 0 {
                    context.check()?;
                }
                let entry = &dictionary.entries[at];
                sketches.add(dictionary.text(at), entry.hash, entry.count);
            }
            self.stage = Stage::Sketched(Box::new(sketches));
        }
        if let Stage::Sketched(sketches) = &mut self.stage {
            for row in rows {
                let text = texts.get(row);
                if text.len() >= LONG {
                    pause(text.len().min(LONGEST_SKETCHED))?;
                }
                sketches.add(text, hashes[row], 1);
            }
        }
        Ok(())
    }

    /// Whether all texts are there, with their counts.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.stage, Stage::Exact(_))
    }

    /// How many different texts are held.
    pub(crate) fn distinct_held(&self) -> usize {
        match &self.stage {
            Stage::Exact(dictionary) => dictionary.entries.len(),
            Stage::Sketched(sketches) => sketches.frequent.entries().count(),
        }
    }

    /// Up to so many of the different texts, evenly from those that are held, with their counts.
    pub(crate) fn some(&self, most: usize) -> Vec<(&[u8], u64)> {
        match &self.stage {
            Stage::Exact(dictionary) => {
                let step = dictionary.entries.len().div_ceil(most).max(1);
                let places = (0..dictionary.entries.len()).step_by(step);
                let entry = |at: usize| (dictionary.text(at), dictionary.entries[at].count);
                places.map(entry).collect()
            }
            Stage::Sketched(sketches) => {
                let entries = sketches.frequent.entries();
                let step = self.distinct_held().div_ceil(most).max(1);
                let texts = entries.map(|(_, text, count)| (text, count));
                texts.step_by(step).collect()
            }
        }
    }

    /// The texts, or the frequent ones among more than fit, with their counts.
    pub(crate) fn entries(&self) -> Box<dyn Iterator<Item = (Named<'_>, u64)> + '_> {
        match &self.stage {
            Stage::Exact(dictionary) => Box::new((0..dictionary.entries.len()).map(|at| {
                let Entry { hash, count, .. } = dictionary.entries[at];
                (Named::new(dictionary.text(at), hash), count)
            })),
            Stage::Sketched(sketches) => {
                let entries = sketches.frequent.entries();
                Box::new(entries.map(|(hash, name, count)| {
                    let name = Cow::Borrowed(name);
                    (Named { hash, name }, count)
                }))
            }
        }
    }

    /// How often a text occurs, as far as that is known.
    pub(crate) fn count(&self, text: &Named<'_>) -> u64 {
        match &self.stage {
            Stage::Exact(dictionary) => dictionary.count(text),
            Stage::Sketched(sketches) => sketches.frequent.count(text.hash),
        }
    }

    /// The whole text of a name, if it is held.
    pub(crate) fn text(&self, text: &Named<'_>) -> Option<&[u8]> {
        match &self.stage {
            Stage::Exact(dictionary) => dictionary.find(text).map(|at| dictionary.text(at)),
            Stage::Sketched(_) => None,
        }
    }

    pub(crate) fn finish(self, context: JobContext<'_>) -> Result<Summary, EngineError> {
        Ok(match self.stage {
            Stage::Exact(dictionary) => {
                let counts = (0..dictionary.entries.len())
                    .map(|at| (dictionary.text(at), dictionary.entries[at].count));
                let top = Top::exact(counts, context)?;
                Summary {
                    distinct: dictionary.entries.len() as u64,
                    distinct_error: None,
                    top: Top {
                        values: top
                            .values
                            .into_iter()
                            .map(|(t, n)| (t.to_vec(), n))
                            .collect(),
                        error: None,
                    },
                }
            }
            Stage::Sketched(sketches) => {
                let (distinct, error) = sketches.distinct.estimate();
                Summary {
                    distinct,
                    distinct_error: Some(error),
                    top: sketches.frequent.top(TOP),
                }
            }
        })
    }
}

impl Sketches {
    fn new(budget: usize) -> Self {
        Self {
            distinct: DistinctSketch::new(size_for(budget) + 3),
            frequent: FrequentTexts::new(budget),
        }
    }

    fn add(&mut self, text: &[u8], hash: u64, count: u64) {
        self.distinct.add(hash);
        if text.len() <= LONGEST_SKETCHED {
            self.frequent.add(text, hash, count);
        } else {
            let name = Named::new(text, hash).name;
            self.frequent.add(&name, hash, count);
        }
    }
}

/// A text by its name: a short one is its own, a long one has its beginning and its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named<'a> {
    pub(crate) name: Cow<'a, [u8]>,
    pub(crate) hash: u64,
}

impl<'a> Named<'a> {
    pub(crate) fn new(text: &'a [u8], hash: u64) -> Self {
        let name = if text.len() <= LONGEST_SKETCHED {
            Cow::Borrowed(text)
        } else {
            let mut cut = LONGEST_SKETCHED - 20;
            // Not in the middle of a character.
            while text[cut] & 0xc0 == 0x80 {
                cut -= 1;
            }
            let start = String::from_utf8_lossy(&text[..cut]);
            Cow::Owned(format!("{start}… #{hash:016x}").into_bytes())
        };
        Self { name, hash }
    }

    /// The beginning of a text that is longer than its name.
    pub(crate) fn beginning(&self) -> Option<&[u8]> {
        if self.name.len() < LONGEST_SKETCHED - 20 {
            return None;
        }
        self.name
            .strip_suffix(format!(" #{:016x}", self.hash).as_bytes())
    }

    pub(crate) fn into_owned(self) -> Named<'static> {
        Named {
            name: Cow::Owned(self.name.into_owned()),
            hash: self.hash,
        }
    }
}

impl Dictionary {
    fn is_full(&self) -> bool {
        self.table.len() == self.table.capacity()
    }

    /// Doubles the table, as it would by itself, but not when cancelled: with millions of texts it
    /// takes long.
    fn grow(&mut self, context: JobContext<'_>) -> Result<(), EngineError> {
        let entries = &self.entries;
        let mut table = HashTable::with_capacity(2 * entries.len().max(4));
        for (number, entry) in (0u32..).zip(entries) {
            if number % 4096 == 0 {
                context.check()?;
            }
            table.insert_unique(entry.hash, number, |&at| entries[at as usize].hash);
        }
        self.table = table;
        Ok(())
    }

    /// Counts a text; its place among the entries, and whether it is new.
    #[inline]
    fn add(&mut self, text: &[u8], hash: u64) -> (usize, bool) {
        let Self {
            table,
            entries,
            bytes,
        } = self;
        let same = |&at: &u32| {
            let at = at as usize;
            entries[at].hash == hash && slice(entries, bytes, at) == text
        };
        if let Some(&at) = table.find(hash, same) {
            entries[at as usize].count += 1;
            return (at as usize, false);
        }
        let at = entries.len();
        let Ok(number) = u32::try_from(at) else {
            return (at - 1, true);
        };
        bytes.extend_from_slice(text);
        entries.push(Entry {
            hash,
            count: 1,
            end: bytes.len(),
        });
        table.insert_unique(hash, number, |&at| entries[at as usize].hash);
        (at, true)
    }

    fn count(&self, text: &Named<'_>) -> u64 {
        self.find(text).map_or(0, |at| self.entries[at].count)
    }

    fn find(&self, text: &Named<'_>) -> Option<usize> {
        let same = |&at: &u32| {
            let at = at as usize;
            let entry = &self.entries[at];
            entry.hash == text.hash && Named::new(self.text(at), entry.hash).name == text.name
        };
        self.table.find(text.hash, same).map(|&at| at as usize)
    }

    fn text(&self, at: usize) -> &[u8] {
        slice(&self.entries, &self.bytes, at)
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.table.capacity() * 5
    }
}

#[inline]
fn slice<'a>(entries: &[Entry], bytes: &'a [u8], at: usize) -> &'a [u8] {
    let start = if at == 0 { 0 } else { entries[at - 1].end };
    &bytes[start..entries[at].end]
}
