//! Distinct counts from hashes, in constant memory.

/// HyperLogLog registers (Flajolet, Fusy, Gandouet and Meunier 2007) with the historic inverse
/// probability estimator (Ting 2014; Cohen 2015), which needs no correction at either end and is
/// a fifth more precise, as long as sketches need not be merged. Here values come in the order of
/// the data, so that none ever is.
#[derive(Clone, Debug)]
pub(crate) struct DistinctSketch {
    registers: Vec<u8>,
    /// The number of bits of a hash that choose a register.
    bits: u32,
    /// The chance that a new value changes a register, times the number of registers.
    chance: f64,
    estimate: f64,
}

impl DistinctSketch {
    /// A sketch with 2^bits registers of one byte, 4 to 16 bits.
    pub(crate) fn new(bits: u32) -> Self {
        let registers = 1usize << bits;
        Self {
            registers: vec![0; registers],
            bits,
            chance: registers as f64,
            estimate: 0.0,
        }
    }

    /// Takes note of a value by a well-mixed hash of it.
    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        let at = (hash >> (64 - self.bits)) as usize;
        // The bit at the end bounds the rank.
        let rank = (((hash << self.bits) | 1).leading_zeros() + 1) as u8;
        if rank > self.registers[at] {
            self.raise(at, rank);
        }
    }

    fn raise(&mut self, at: usize, rank: u8) {
        self.estimate += self.registers.len() as f64 / self.chance;
        // 2^−rank, by its exponent.
        let weight = |rank: u8| f64::from_bits((1023 - u64::from(rank)) << 52);
        self.chance += weight(rank) - weight(self.registers[at]);
        self.registers[at] = rank;
    }

    /// The estimate, and its relative error at two standard deviations: 2·√(ln 2 / m).
    pub(crate) fn estimate(&self) -> (u64, f64) {
        let error = 2.0 * (std::f64::consts::LN_2 / self.registers.len() as f64).sqrt();
        (self.estimate.round() as u64, error)
    }
}

/// A bijection that spreads keys over all bits (SplitMix64's finalizer; Steele, Lea and Flood
/// 2014).
#[inline]
pub(crate) fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_holds_over_many_streams() {
        for count in [10u64, 1000, 50_000, 400_000] {
            let mut beyond = 0;
            for stream in 0..50 {
                let mut sketch = DistinctSketch::new(11);
                for value in 0..count {
                    let hash = mix(value ^ (stream << 40));
                    sketch.add(hash);
                    sketch.add(hash);
                }
                let (estimate, error) = sketch.estimate();
                let off = estimate.abs_diff(count) as f64 / count as f64;
                assert!(off < 2.0 * error, "{count}: {off}");
                beyond += u32::from(off > error);
            }
            // Two standard deviations: one stream in twenty.
            assert!(beyond <= 7, "{count}: {beyond} of 50");
        }
    }
}
