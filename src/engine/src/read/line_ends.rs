//! Normalises line ends other than a line feed.
//!
//! A carriage return ends a line, and so does a run of them before a line feed. In quoted cells,
//! both are literal, so quotes have to be tracked.

/// The characters that structure lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LineEnds {
    /// The delimiter; any of the usual ones if unknown.
    pub(crate) delimiter: Option<u8>,
    pub(crate) quote: Option<u8>,
    /// Whether a quote that is not closed on its line is literal.
    pub(crate) in_line: bool,
}

impl LineEnds {
    fn delimits(self, byte: u8) -> bool {
        match self.delimiter {
            Some(delimiter) => byte == delimiter,
            None => matches!(byte, b',' | b';' | b'\t' | b'|'),
        }
    }

    /// Counts the line ends outside quotes.
    pub(crate) fn count(self, text: &[u8]) -> Counted {
        let mut feeds = LineFeeds::new(self);
        let mut counted = Counted::default();
        for (at, &byte) in text.iter().enumerate() {
            let quoted = feeds.state == CellState::Quoted;
            feeds.state = feeds.after(if byte == b'\r' && !quoted {
                b'\n'
            } else {
                byte
            });
            match (byte, text.get(at + 1)) {
                _ if quoted => {}
                (b'\n', _) => counted.feeds += 1,
                (b'\r', Some(b'\n')) => counted.doubled += std::mem::take(&mut counted.run),
                (b'\r', Some(b'\r')) => counted.run += 1,
                (b'\r', _) => counted.returns += 1 + std::mem::take(&mut counted.run),
                _ => {}
            }
        }
        counted
    }

    /// Converts a whole text.
    pub(crate) fn all(self, text: &[u8]) -> Vec<u8> {
        let mut lines = Vec::with_capacity(text.len());
        let mut feeds = LineFeeds::new(self);
        feeds.push(text, &mut lines);
        feeds.end(&mut lines);
        lines
    }
}

/// The line ends of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) feeds: u64,
    /// Carriage returns without a line feed.
    pub(crate) returns: u64,
    /// Surplus carriage returns before a line feed.
    pub(crate) doubled: u64,
    run: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum CellState {
    CellStart,
    Cell,
    Quoted,
    /// After a quote in a quoted cell: it closes the cell unless another follows.
    Closing,
}

/// Converts line ends to line feeds, part by part.
pub(crate) struct LineFeeds {
    ends: LineEnds,
    state: CellState,
    /// Carriage returns that may be followed by a line feed.
    returns: usize,
}

impl LineFeeds {
    pub(crate) fn new(ends: LineEnds) -> Self {
        Self {
            ends,
            state: CellState::CellStart,
            returns: 0,
        }
    }

    /// Appends the next part.
    pub(crate) fn push(&mut self, part: &[u8], lines: &mut Vec<u8>) {
        for &byte in part {
            if self.state != CellState::Quoted {
                match byte {
                    b'\r' => {
                        self.returns += 1;
                        self.state = CellState::CellStart;
                        continue;
                    }
                    b'\n' if self.returns > 0 => self.returns = 0,
                    _ => self.end(lines),
                }
            }
            self.state = self.after(byte);
            lines.push(byte);
        }
    }

    /// Appends the line feeds that were held back.
    pub(crate) fn end(&mut self, lines: &mut Vec<u8>) {
        lines.extend(std::iter::repeat_n(
            b'\n',
            std::mem::take(&mut self.returns),
        ));
    }

    fn after(&self, byte: u8) -> CellState {
        let quote = Some(byte) == self.ends.quote && !self.ends.in_line;
        match (self.state, quote) {
            (CellState::CellStart | CellState::Closing, true) => CellState::Quoted,
            (CellState::Quoted, true) => CellState::Closing,
            (CellState::Quoted, false) => CellState::Quoted,
            _ if byte == b'\n' || self.ends.delimits(byte) => CellState::CellStart,
            _ => CellState::Cell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: LineEnds = LineEnds {
        delimiter: Some(b','),
        quote: Some(b'"'),
        in_line: false,
    };

    #[test]
    fn every_line_end_becomes_a_line_feed_but_in_quotes() {
        for (text, lines) in [
            ("a\rb\r", "a\nb\n"),
            ("a\r\nb\nc\r", "a\nb\nc\n"),
            ("a\r\r\nb", "a\nb"),
            ("a\r\rb", "a\n\nb"),
            ("\"x\ry\n\",1\r2", "\"x\ry\n\",1\n2"),
            ("\"a\"\"\r\",b\"c\r", "\"a\"\"\r\",b\"c\n"),
        ] {
            assert_eq!(COMMA.all(text.as_bytes()), lines.as_bytes(), "{text:?}");
            let mut parts = Vec::new();
            let mut feeds = LineFeeds::new(COMMA);
            for byte in text.bytes() {
                feeds.push(&[byte], &mut parts);
            }
            feeds.end(&mut parts);
            assert_eq!(parts, lines.as_bytes(), "{text:?}");
        }
    }
}
