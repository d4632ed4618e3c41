//! A streaming XML reader: one tag or text of limited length at a time.

use std::io::{BufRead, ErrorKind};

use crate::EngineError;

/// A piece of XML.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// A start tag, or an empty one.
    Start {
        name: String,
        attributes: Vec<(String, String)>,
        empty: bool,
    },
    End {
        name: String,
    },
    Text(String),
}

/// Reads pieces; names have no namespace prefixes.
pub(super) struct Pieces<R> {
    input: R,
    most: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> Pieces<R> {
    pub(super) fn new(input: R, most: usize) -> Self {
        Self {
            input,
            most,
            buffer: Vec::new(),
        }
    }

    /// The next piece; `None` at the end. Comments, declarations and instructions are skipped.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, EngineError> {
        loop {
            if !self.until(b'<')? {
                return Ok(None);
            }
            if !self.buffer.is_empty() {
                let text = unescaped(&self.buffer);
                return Ok(Some(Piece::Text(text)));
            }
            // A tag follows: its mark was consumed with the empty text before it.
            if let Some(piece) = self.tag()? {
                return Ok(Some(piece));
            }
        }
    }

    fn tag(&mut self) -> Result<Option<Piece>, EngineError> {
        self.eat()?;
        self.buffer.clear();
        let mut quote = None;
        loop {
            let byte = self.eat()?;
            match (quote, byte) {
                (None, b'>') if !self.is_open() => break,
                (None, b'"' | b'\'') if !self.is_note() => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
            self.buffer.push(byte);
            self.check()?;
        }
        let tag = &self.buffer[..];
        if let Some(text) = tag.strip_prefix(b"![CDATA[") {
            let text = text.strip_suffix(b"]]").unwrap_or(text);
            return Ok(Some(Piece::Text(
                String::from_utf8_lossy(text).into_owned(),
            )));
        }
        Ok(match tag.first() {
            Some(b'!' | b'?') | None => None,
            Some(b'/') => Some(Piece::End {
                name: local(&tag[1..]),
            }),
            Some(_) => {
                let empty = tag.ends_with(b"/");
                let tag = tag.strip_suffix(b"/").unwrap_or(tag);
                let space = |byte: &u8| byte.is_ascii_whitespace();
                let end = tag.iter().position(space).unwrap_or(tag.len());
                Some(Piece::Start {
                    name: local(&tag[..end]),
                    attributes: attributes(&tag[end..]),
                    empty,
                })
            }
        })
    }

    /// Whether it is a comment or CDATA, in which quotes are literal.
    fn is_note(&self) -> bool {
        self.buffer.starts_with(b"!")
    }

    /// Whether a comment or CDATA continues.
    fn is_open(&self) -> bool {
        (self.buffer.starts_with(b"!--")
            && (self.buffer.len() < 5 || !self.buffer.ends_with(b"--")))
            || (self.buffer.starts_with(b"![CDATA[") && !self.buffer.ends_with(b"]]"))
    }

    /// Reads up to a byte, which is not consumed; false at the end.
    fn until(&mut self, mark: u8) -> Result<bool, EngineError> {
        self.buffer.clear();
        loop {
            let part = match self.input.fill_buf() {
                Ok(part) => part,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(EngineError::reading("ODS", error)),
            };
            if part.is_empty() {
                return Ok(false);
            }
            let end = memchr::memchr(mark, part);
            let taken = end.unwrap_or(part.len());
            self.buffer.extend_from_slice(&part[..taken]);
            self.input.consume(taken);
            self.check()?;
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn eat(&mut self) -> Result<u8, EngineError> {
        let mut byte = [0];
        let read = self.input.read_exact(&mut byte);
        read.map_err(|error| EngineError::reading("ODS", error))?;
        Ok(byte[0])
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.buffer.len() <= self.most {
            return Ok(());
        }
        Err(EngineError::CellTooLarge {
            place: "a cell of the workbook".into(),
            limit: self.most as u64,
        })
    }
}

fn local(name: &[u8]) -> String {
    let name = name.trim_ascii();
    let local = match memchr::memrchr(b':', name) {
        Some(at) => &name[at + 1..],
        None => name,
    };
    String::from_utf8_lossy(local).into_owned()
}

/// The most attributes of a tag; others are ignored.
const MAX_ATTRIBUTES: usize = 256;

/// Parses `name="value"` pairs.
fn attributes(mut text: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some(equals) = memchr::memchr(b'=', text)
        && found.len() < MAX_ATTRIBUTES
    {
        let name = local(&text[..equals]);
        let rest = text[equals + 1..].trim_ascii_start();
        let Some((&quote, rest)) = rest.split_first() else {
            break;
        };
        let Some(end) = memchr::memchr(quote, rest) else {
            break;
        };
        found.push((name, unescaped(&rest[..end])));
        text = &rest[end + 1..];
    }
    found
}

/// The longest entity: `&#x10ffff;`, with a leading zero.
const MAX_ENTITY: usize = 11;

/// The text with entities replaced; unknown ones are kept.
fn unescaped(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // Bounded, as otherwise a text of ampersands would take quadratic time.
        let start = &rest.as_bytes()[..rest.len().min(MAX_ENTITY)];
        let end = memchr::memchr(b';', start);
        match end.and_then(|end| Some((end, entity(&rest[1..end])?))) {
            Some((end, character)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_texts_come_one_after_the_other() {
        let xml = "<?xml version='1.0'?><!-- a > \"b --><t:a x:n=\"1 &gt; 0\" m='&#65;'>\
                   b &amp; <c/><![CDATA[<d>]]></t:a>";
        let mut pieces = Pieces::new(xml.as_bytes(), 1_000);
        let mut found = Vec::new();
        while let Some(piece) = pieces.next().unwrap() {
            found.push(piece);
        }
        let text = |text: &str| Piece::Text(text.into());
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            found,
            [
                Piece::Start {
                    name: "a".into(),
                    attributes: vec![attribute("n", "1 > 0"), attribute("m", "A")],
                    empty: false
                },
                text("b & "),
                Piece::Start {
                    name: "c".into(),
                    attributes: vec![],
                    empty: true
                },
                text("<d>"),
                Piece::End { name: "a".into() },
            ]
        );
        let marks = format!("<a>{}&amp;</a>", "&".repeat(4 << 20));
        let mut pieces = Pieces::new(marks.as_bytes(), 8 << 20);
        pieces.next().unwrap();
        let read = pieces.next().unwrap();
        assert!(matches!(read, Some(Piece::Text(text)) if text.len() == (4 << 20) + 1));
        let many = format!("<a {}>", "b='' ".repeat(1_000));
        let mut pieces = Pieces::new(many.as_bytes(), 8 << 20);
        let tag = pieces.next().unwrap();
        assert!(
            matches!(tag, Some(Piece::Start { attributes, .. }) if attributes.len() == MAX_ATTRIBUTES)
        );
        let long = format!("<a>{}</a>", "x".repeat(2_000));
        let mut pieces = Pieces::new(long.as_bytes(), 1_000);
        pieces.next().unwrap();
        assert!(pieces.next().is_err());
        assert!(Pieces::new(&b"<a"[..], 1_000).next().is_err());
    }
}
