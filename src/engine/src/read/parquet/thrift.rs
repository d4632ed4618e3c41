//! The part of Thrift's compact protocol that Parquet's headers and footers use.

/// Reads values from bytes; `None` if they end too early or are invalid.
pub(super) struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// A type of the protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kind(u8);

impl Kind {
    pub(super) const STRUCT: Self = Self(12);
    pub(super) const LIST: Self = Self(9);
    const TRUE: Self = Self(1);
    const FALSE: Self = Self(2);

    /// Whether the type is that of a true boolean field, which has its value in its type.
    pub(super) fn is_true(self) -> bool {
        self == Self::TRUE
    }
}

/// The maximum nesting of structs.
const MAX_DEPTH: usize = 32;

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field of a struct after the field `last`: its number and type. The inner `None` is
    /// the end of the struct.
    pub(super) fn field(&mut self, last: i16) -> Option<Option<(i16, Kind)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        let number = match head >> 4 {
            0 => i16::try_from(self.integer()?).ok()?,
            step => last.checked_add(i16::from(step))?,
        };
        Some(Some((number, Kind(head & 0x0f))))
    }

    /// The number of elements of a list, and their type.
    pub(super) fn list(&mut self) -> Option<(u64, Kind)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        Some((count, Kind(head & 0x0f)))
    }

    /// Skips the value of a field.
    pub(super) fn skip(&mut self, kind: Kind) -> Option<()> {
        self.skip_at(kind, MAX_DEPTH)
    }

    fn skip_at(&mut self, kind: Kind, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            Kind::TRUE | Kind::FALSE => {}
            Kind(3) => self.pass(1)?,
            Kind(4..=6) => {
                self.unsigned()?;
            }
            Kind(7) => self.pass(8)?,
            Kind(8) => {
                let length = self.unsigned()?;
                self.pass(usize::try_from(length).ok()?)?;
            }
            Kind::LIST | Kind(10) => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    self.skip_element(kind, depth)?;
                }
            }
            Kind(11) => {
                let count = self.unsigned()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    for _ in 0..count {
                        self.skip_element(Kind(kinds >> 4), depth)?;
                        self.skip_element(Kind(kinds & 0x0f), depth)?;
                    }
                }
            }
            Kind::STRUCT => {
                let mut last = 0;
                while let Some((number, kind)) = self.field(last)? {
                    self.skip_at(kind, depth)?;
                    last = number;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Booleans take a byte in a list, and none in a struct.
    fn skip_element(&mut self, kind: Kind, depth: usize) -> Option<()> {
        match kind {
            Kind::TRUE | Kind::FALSE => self.pass(1),
            kind => self.skip_at(kind, depth),
        }
    }

    fn pass(&mut self, bytes: usize) -> Option<()> {
        let end = self.at.checked_add(bytes)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }
}
