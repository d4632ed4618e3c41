//! Whole numbers that doubles do not tell apart, for ranks.

/// Doubles tell whole numbers up to twice this apart, also divided by a power of ten.
pub(crate) const LARGE: u64 = 1 << 51;

/// A block of a column with whole numbers that doubles do not tell apart: the nearest double of
/// each, and what that leaves of it. Both together are in the order of the numbers.
#[derive(Default)]
pub(crate) struct LargeBlock {
    nearest: Vec<f64>,
    rest: Vec<f64>,
}

impl LargeBlock {
    /// Whether the block has no such numbers.
    pub(crate) fn is_empty(&self) -> bool {
        self.nearest.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.nearest.clear();
        self.rest.clear();
    }

    /// Adds whole numbers over a power of ten, `None` where they are missing, after those of the
    /// block, which are small or missing.
    pub(crate) fn extend(
        &mut self,
        block: &[f64],
        numbers: impl Iterator<Item = Option<i128>>,
        power: f64,
    ) {
        if self.is_empty() {
            self.nearest.extend_from_slice(block);
            self.rest.resize(block.len(), 0.0);
        }
        for number in numbers {
            let nearest = number.map_or(f64::NAN, |digits| digits as f64 / power);
            let large = number.filter(|digits| digits.unsigned_abs() > u128::from(LARGE));
            let rest = large.map_or(0.0, |digits| {
                // The same for all numbers with this double, so that their order is kept.
                let base = (nearest * power) as i128;
                digits.saturating_sub(base) as f64
            });
            self.nearest.push(nearest);
            self.rest.push(rest);
        }
    }

    /// The nearest doubles, unless the block has no large numbers.
    pub(super) fn values(&self) -> Option<&[f64]> {
        (!self.is_empty()).then_some(&*self.nearest)
    }

    /// What the nearest doubles leave.
    pub(super) fn rests(&self) -> &[f64] {
        &self.rest
    }
}
