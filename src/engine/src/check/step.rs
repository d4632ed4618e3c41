//! Multiples of a number.

use super::cell::Cell;
use super::exact::Exact;

/// The relative rounding error of a quotient of two doubles.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// The minimum and the maximum tolerance.
const DISTANCES: (f64, f64) = (1e-9, 0.25);

/// The step of `multipleOf`.
pub(super) struct Step {
    step: f64,
    exact: Option<Exact>,
}

impl Step {
    pub(super) fn new(step: f64) -> Self {
        Self {
            step,
            exact: Exact::of_float(step),
        }
    }

    /// Whether the value is a number, but not a multiple.
    pub(super) fn is_missed_by(&self, value: &Cell<'_>) -> bool {
        let exact = match *value {
            Cell::Integer(whole) => whole.into(),
            Cell::Decimal(exact) => exact,
            Cell::Float(float) => return self.is_missed_by_float(float),
            _ => return false,
        };
        let is_multiple = self.exact.and_then(|step| exact.is_multiple_of(step));
        is_multiple.map_or_else(|| self.is_missed_by_float(exact.as_f64()), |is| !is)
    }

    fn is_missed_by_float(&self, value: f64) -> bool {
        if value.fract() == 0.0 && self.step.fract() == 0.0 {
            return value % self.step != 0.0;
        }
        let times = value / self.step;
        let allowed = (ROUNDING * times.abs()).clamp(DISTANCES.0, DISTANCES.1);
        (times - times.round()).abs() > allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_that_are_not_multiples_fail() {
        for (step, multiples, others) in [
            (
                2.0,
                vec![Cell::Integer(2_000_000_000), Cell::Float(4e9)],
                vec![
                    Cell::Integer(2_000_000_001),
                    Cell::Integer(i64::MAX),
                    Cell::Float(2_000_000_001.0),
                ],
            ),
            (
                0.01,
                vec![
                    Cell::Float(0.07),
                    Cell::Float(123_456_789.12),
                    Cell::Integer(3),
                ],
                vec![Cell::Float(0.075), Cell::Float(123_456_789.125)],
            ),
            (
                3.0,
                vec![Cell::Float(0.0), Cell::Float(-6.0)],
                vec![Cell::Float(1e18), Cell::Float(4.5)],
            ),
        ] {
            let step = Step::new(step);
            for value in multiples {
                assert!(!step.is_missed_by(&value), "{value:?}");
            }
            for value in others {
                assert!(step.is_missed_by(&value), "{value:?}");
            }
        }
    }
}
