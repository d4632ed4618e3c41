//! Order-preserving conversion of values to unsigned integers.

use std::hash::Hash;

use crate::stats::distinct::mix;
use crate::stats::sorting;

/// A key of 64 bits, or of 128 where values are decimals.
pub(crate) trait Key: Copy + Ord + Hash + Default + Send {
    /// The smallest and the largest.
    const ENDS: (Self, Self);

    /// A hash of the key.
    fn hash(self, seed: u64) -> u64;

    /// Sorts keys; `spare` is a scratch buffer.
    fn sort(keys: &mut Vec<Self>, spare: &mut Vec<Self>);
}

impl Key for u64 {
    const ENDS: (Self, Self) = (Self::MIN, Self::MAX);

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        mix(self ^ seed)
    }

    fn sort(keys: &mut Vec<Self>, spare: &mut Vec<Self>) {
        sorting::sort(keys, spare);
    }
}

impl Key for u128 {
    const ENDS: (Self, Self) = (Self::MIN, Self::MAX);

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        mix(self as u64 ^ mix((self >> 64) as u64 ^ seed))
    }

    fn sort(keys: &mut Vec<Self>, _spare: &mut Vec<Self>) {
        keys.sort_unstable();
    }
}

/// The digits of a decimal as keys.
#[inline]
pub(crate) fn key_of_digits(value: i128) -> u128 {
    (value as u128) ^ (1 << 127)
}

pub(crate) fn digits_of_key(key: u128) -> i128 {
    (key ^ (1 << 127)) as i128
}

/// Integers, days and microseconds as keys.
#[inline]
pub(crate) fn key_of_integer(value: i64) -> u64 {
    (value as u64) ^ (1 << 63)
}

pub(crate) fn integer_of_key(key: u64) -> i64 {
    (key ^ (1 << 63)) as i64
}

/// Doubles as keys; both zeros are one value.
#[inline]
pub(crate) fn key_of_float(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

pub(crate) fn float_of_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key & !(1 << 63)
    } else {
        !key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_their_values_do() {
        let floats = [
            f64::NEG_INFINITY,
            -1e300,
            -1.5,
            -1e-320,
            0.0,
            1e-320,
            0.5,
            1e300,
            f64::INFINITY,
        ];
        for pair in floats.windows(2) {
            assert!(key_of_float(pair[0]) < key_of_float(pair[1]), "{pair:?}");
        }
        assert_eq!(key_of_float(-0.0), key_of_float(0.0));
        assert!(
            floats
                .iter()
                .all(|&x| float_of_key(key_of_float(x)).to_bits() == x.to_bits())
        );
        let integers = [i64::MIN, -1, 0, 1, i64::MAX];
        for pair in integers.windows(2) {
            assert!(key_of_integer(pair[0]) < key_of_integer(pair[1]));
        }
        assert!(
            integers
                .iter()
                .all(|&n| integer_of_key(key_of_integer(n)) == n)
        );
    }
}
