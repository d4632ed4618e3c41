//! The encoding `DELTA_BINARY_PACKED`.

use super::thrift::Cursor;

/// The integers at the start of bytes, and their end. `None` if they are invalid or more than
/// `most`.
pub(super) fn decode(bytes: &[u8], most: usize) -> Option<(Vec<i32>, usize)> {
    let mut cursor = Cursor::new(bytes);
    let block = usize::try_from(cursor.unsigned()?).ok()?;
    let parts = usize::try_from(cursor.unsigned()?).ok()?;
    let count = usize::try_from(cursor.unsigned()?).ok()?;
    let mut value = cursor.integer()?;
    if count > most || parts == 0 || block % parts != 0 {
        return None;
    }
    let part = block / parts;
    if part == 0 || part % 8 != 0 {
        return None;
    }
    let mut values = Vec::with_capacity(count);
    let mut at = cursor.position();
    if count > 0 {
        values.push(value as i32);
    }
    while values.len() < count {
        let mut head = Cursor::new(bytes.get(at..)?);
        let least = head.integer()?;
        at += head.position();
        let widths = bytes.get(at..at.checked_add(parts)?)?;
        at += parts;
        for &width in widths {
            if values.len() == count {
                break;
            }
            let size = (part / 8).checked_mul(usize::from(width))?;
            // The last part may be truncated.
            let packed = bytes.get(at..at.checked_add(size)?.min(bytes.len()))?;
            at += size;
            let wanted = part.min(count - values.len());
            for place in 0..wanted {
                let delta = bits(packed, place * usize::from(width), u32::from(width))?;
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                values.push(value as i32);
            }
        }
    }
    Some((values, at.min(bytes.len())))
}

/// `width` bits from a bit offset, lowest first.
fn bits(bytes: &[u8], from: usize, width: u32) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    if width > 64 {
        return None;
    }
    let first = from / 8;
    let last = (from + width as usize).div_ceil(8);
    let mut value = 0u128;
    for (at, &byte) in bytes.get(first..last)?.iter().enumerate() {
        value |= u128::from(byte) << (8 * at);
    }
    let value = (value >> (from % 8)) as u64;
    Some(if width == 64 {
        value
    } else {
        value & ((1 << width) - 1)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_the_specification_has_them() {
        // Its two examples: 1 to 5, and 7, 5, 3, 1, 2, 3, 4, 5.
        let whole = [0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0, 0, 0, 0];
        assert_eq!(decode(&whole, 5).unwrap(), (vec![1, 2, 3, 4, 5], 10));
        assert_eq!(decode(&whole, 4), None);
        let mut packed = vec![0x80, 0x01, 0x04, 0x08, 0x0e, 0x03, 2, 0, 0, 0];
        packed.extend([0b1100_0000, 0b0011_1111, 0, 0, 0, 0, 0, 0]);
        assert_eq!(decode(&packed, 8).unwrap().0, [7, 5, 3, 1, 2, 3, 4, 5]);
        assert_eq!(decode(&packed[..5], 8), None);
    }
}
