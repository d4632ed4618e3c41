//! Values as keys: 64-bit integers that order as the values do.

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
