//! The statistics of a text column.

use std::cmp::Ordering;
use std::collections::HashMap;

use lastcall_domain::profile::{SortOrder, Text};
use serde_json::Value;

use super::extreme_values::Order;
use super::shapes::{self, LikelyTypes};
use crate::EngineError;
use crate::batch::Texts;
use crate::job::JobContext;
use crate::parse::CellRules;
use crate::read::LONG;
use crate::stats::text_counts::{Summary, TextCounts};

/// The statistics of a text column so far.
pub(super) struct TextStats {
    words: TextCounts,
    shortest: u64,
    longest: u64,
    characters: u64,
    order: Order<()>,
    /// The last text, while they are in order.
    last: Option<Vec<u8>>,
}

impl TextStats {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            words: TextCounts::new(budget),
            shortest: u64::MAX,
            longest: 0,
            characters: 0,
            order: Order::new(),
            last: None,
        }
    }

    pub(super) fn add(
        &mut self,
        texts: &Texts,
        rows: impl Iterator<Item = usize> + Clone,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        if texts.is_ascii() {
            for row in rows.clone() {
                self.add_length(texts.length(row) as u64);
            }
        } else {
            self.add_characters(texts, rows.clone());
        }
        if self.order.is_open() {
            self.follow(texts, rows.clone());
        }
        self.words.extend(texts, rows, context)
    }

    fn add_characters(&mut self, texts: &Texts, rows: impl Iterator<Item = usize>) {
        // The characters of long texts with the same span are counted once.
        let mut counted = HashMap::new();
        for row in rows {
            let count = || characters(texts.get(row));
            let length = match texts.length(row) {
                ..LONG => count(),
                _ => *counted.entry(texts.place(row)).or_insert_with(count),
            };
            self.add_length(length);
        }
    }

    #[inline]
    fn add_length(&mut self, length: u64) {
        self.shortest = self.shortest.min(length);
        self.longest = self.longest.max(length);
        self.characters += length;
    }

    /// Tracks the order of texts while they are sorted.
    fn follow(&mut self, texts: &Texts, rows: impl Iterator<Item = usize>) {
        let mut before: Option<usize> = None;
        for row in rows {
            let text = texts.get(row);
            let again = before.is_some_and(|before| texts.place(before) == texts.place(row));
            let last = before.map(|row| texts.get(row)).or(self.last.as_deref());
            match last {
                Some(_) if again => self.order.follow(Ordering::Equal),
                Some(last) => self.order.follow(last.cmp(text)),
                None => {}
            }
            before = Some(row);
            if !self.order.is_open() {
                self.last = None;
                return;
            }
        }
        if let Some(row) = before {
            self.last = Some(texts.get(row).to_vec());
        }
    }

    pub(super) fn sorted(&self) -> Option<SortOrder> {
        self.order.finish()
    }

    /// Computes the final statistics of `count` texts.
    pub(super) fn finish(
        self,
        count: u64,
        rules: &CellRules,
        context: JobContext<'_>,
    ) -> Result<(Text, Summary, LikelyTypes), EngineError> {
        let some = count > 0;
        let mut text = Text {
            min_length: some.then_some(self.shortest),
            max_length: some.then_some(self.longest),
            mean_length: some.then(|| self.characters as f64 / count as f64),
            ..Text::default()
        };
        let likely = shapes::describe(&self.words, count, rules, &mut text);
        Ok((text, self.words.finish(context)?, likely))
    }
}

/// The number of characters: bytes that are not continuation bytes.
fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64
}

/// Texts longer than this are cut in results.
const MAX_CHARS: usize = 1000;

/// A text in JSON.
pub(super) fn text_json(text: Vec<u8>) -> Value {
    Value::String(shown(&text))
}

/// A text for a result, cut if it is long.
pub(crate) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
