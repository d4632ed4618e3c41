//! The accepted counts of failing rows.

use std::cmp::Ordering;

use crate::profile::Number;

/// The accepted numbers: those that meet every condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accept {
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Whether the number is a percentage of the rows.
    pub percent: bool,
}

/// A condition on a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// It is equal to this.
    Is(Number),
    /// It differs from this.
    IsNot(Number),
    /// It is greater.
    Above(Number),
    /// It is greater or equal.
    AtLeast(Number),
    /// It is less.
    Below(Number),
    /// It is less or equal.
    AtMost(Number),
    /// It is neither one of these nor between them.
    Outside(Number, Number),
}

impl Accept {
    /// Accepts numbers from `min` to `max`.
    pub fn between(min: Option<u64>, max: Option<u64>) -> Self {
        let min = min.map(|min| Condition::AtLeast(min.into()));
        let max = max.map(|max| Condition::AtMost(max.into()));
        Self {
            conditions: min.into_iter().chain(max).collect(),
            percent: false,
        }
    }

    /// Whether the number is accepted.
    pub fn holds(&self, x: Number) -> bool {
        let is = |y: Number, accepted: fn(Ordering) -> bool| x.compare(y).is_some_and(accepted);
        self.conditions.iter().all(|condition| match *condition {
            Condition::Is(y) => is(y, Ordering::is_eq),
            Condition::IsNot(y) => !is(y, Ordering::is_eq),
            Condition::Above(y) => is(y, Ordering::is_gt),
            Condition::AtLeast(y) => is(y, Ordering::is_ge),
            Condition::Below(y) => is(y, Ordering::is_lt),
            Condition::AtMost(y) => is(y, Ordering::is_le),
            Condition::Outside(low, high) => {
                !(is(low, Ordering::is_ge) && is(high, Ordering::is_le))
            }
        })
    }
}

impl std::fmt::Display for Accept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = if self.percent { " %" } else { "" };
        for (i, condition) in self.conditions.iter().enumerate() {
            if i > 0 {
                f.write_str(" and ")?;
            }
            match condition {
                Condition::Is(x) => write!(f, "{x}{unit}"),
                Condition::IsNot(x) => write!(f, "not {x}{unit}"),
                Condition::Above(x) => write!(f, "more than {x}{unit}"),
                Condition::AtLeast(x) => write!(f, "at least {x}{unit}"),
                Condition::Below(x) => write!(f, "less than {x}{unit}"),
                Condition::AtMost(x) => write!(f, "at most {x}{unit}"),
                Condition::Outside(low, high) => write!(f, "not between {low} and {high}{unit}"),
            }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_range_belong_to_it() {
        let accepts = |condition, x: u64| {
            let accept = Accept {
                conditions: vec![condition],
                percent: false,
            };
            accept.holds(x.into())
        };
        for (x, within) in [(0, false), (1, true), (2, true), (3, false)] {
            assert_eq!(
                accepts(Condition::Outside(1u64.into(), 2u64.into()), x),
                !within
            );
            assert_eq!(Accept::between(Some(1), Some(2)).holds(x.into()), within);
        }
        let large = 9_007_199_254_740_993u64;
        assert!(accepts(Condition::Is(large.into()), large));
        assert!(!accepts(Condition::Is(large.into()), large - 1));
        assert!(accepts(Condition::Above((large - 1).into()), large));
    }
}
