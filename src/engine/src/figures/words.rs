//! The different texts of a column and how often each occurs.

use std::cmp::Reverse;
use std::collections::HashMap;

use hashbrown::HashTable;

use super::distinct::DistinctSketch;
use super::frequent::{FrequentTexts, TOP, Top, size_for};
use crate::EngineError;
use crate::batch::Texts;
use crate::ctl::Ctl;

/// A text longer than this is counted by its beginning and a hash once texts are sketched.
const LONGEST_SKETCHED: usize = 256;

/// The texts of a column: all of them as long as they fit, sketched beyond.
pub(crate) struct Words {
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

impl Words {
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
        ctl: Ctl<'_>,
    ) -> Result<(), EngineError> {
        let hashes = texts.hashes();
        if let Stage::Exact(dictionary) = &mut self.stage {
            // Buffers double as they grow: half of the share is what may be in use.
            let most = self.budget / 2;
            loop {
                let Some(row) = rows.next() else {
                    return Ok(());
                };
                if dictionary.is_full() {
                    dictionary.grow(ctl)?;
                }
                if dictionary.add(texts.get(row), hashes[row]) && dictionary.bytes() > most {
                    break;
                }
            }
            let mut sketches = Sketches::new(self.budget);
            for at in 0..dictionary.entries.len() {
                if at % 4096 == 0 {
                    ctl.check()?;
                }
                let entry = &dictionary.entries[at];
                sketches.add(dictionary.text(at), entry.hash, entry.count);
            }
            self.stage = Stage::Sketched(Box::new(sketches));
        }
        if let Stage::Sketched(sketches) = &mut self.stage {
            for row in rows {
                sketches.add(texts.get(row), hashes[row], 1);
            }
        }
        Ok(())
    }

    /// The most frequent texts and their counts, and whether those are exact.
    pub(crate) fn most_frequent(self, most: usize) -> (HashMap<Vec<u8>, u64>, bool) {
        match self.stage {
            Stage::Exact(dictionary) => {
                let mut order: Vec<usize> = (0..dictionary.entries.len()).collect();
                order.sort_unstable_by_key(|&at| {
                    (Reverse(dictionary.entries[at].count), dictionary.text(at))
                });
                let kept = order.into_iter().take(most);
                let count =
                    |at: usize| (dictionary.text(at).to_vec(), dictionary.entries[at].count);
                (kept.map(count).collect(), true)
            }
            Stage::Sketched(sketches) => (
                sketches.frequent.top(most).values.into_iter().collect(),
                false,
            ),
        }
    }

    pub(crate) fn finish(self, ctl: Ctl<'_>) -> Result<Summary, EngineError> {
        Ok(match self.stage {
            Stage::Exact(dictionary) => {
                let counts = (0..dictionary.entries.len())
                    .map(|at| (dictionary.text(at), dictionary.entries[at].count));
                let top = Top::exact(counts, ctl)?;
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
            return;
        }
        let mut cut = LONGEST_SKETCHED - 20;
        // Not in the middle of a character.
        while text[cut] & 0xc0 == 0x80 {
            cut -= 1;
        }
        let name = format!("{}… #{hash:016x}", String::from_utf8_lossy(&text[..cut]));
        self.frequent.add(name.as_bytes(), hash, count);
    }
}

impl Dictionary {
    fn is_full(&self) -> bool {
        self.table.len() == self.table.capacity()
    }

    /// Doubles the table, as it would by itself, but not when cancelled: with millions of texts it
    /// takes long.
    fn grow(&mut self, ctl: Ctl<'_>) -> Result<(), EngineError> {
        let entries = &self.entries;
        let mut table = HashTable::with_capacity(2 * entries.len().max(4));
        for (number, entry) in (0u32..).zip(entries) {
            if number % 4096 == 0 {
                ctl.check()?;
            }
            table.insert_unique(entry.hash, number, |&at| entries[at as usize].hash);
        }
        self.table = table;
        Ok(())
    }

    /// Counts a text; true when it is new.
    #[inline]
    fn add(&mut self, text: &[u8], hash: u64) -> bool {
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
            return false;
        }
        let Ok(number) = u32::try_from(entries.len()) else {
            return true;
        };
        bytes.extend_from_slice(text);
        entries.push(Entry {
            hash,
            count: 1,
            end: bytes.len(),
        });
        table.insert_unique(hash, number, |&at| entries[at as usize].hash);
        true
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
