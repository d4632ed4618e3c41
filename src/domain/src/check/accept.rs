//! The accepted counts of failing rows.

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
    Is(f64),
    /// It differs from this.
    IsNot(f64),
    /// It is greater.
    Above(f64),
    /// It is greater or equal.
    AtLeast(f64),
    /// It is less.
    Below(f64),
    /// It is less or equal.
    AtMost(f64),
    /// It is not between these.
    Outside(f64, f64),
}

impl Accept {
    /// Accepts numbers from `min` to `max`.
    pub fn between(min: Option<f64>, max: Option<f64>) -> Self {
        let min = min.map(Condition::AtLeast);
        Self {
            conditions: min.into_iter().chain(max.map(Condition::AtMost)).collect(),
            percent: false,
        }
    }

    /// Whether the number is accepted.
    pub fn holds(&self, x: f64) -> bool {
        self.conditions.iter().all(|condition| match *condition {
            Condition::Is(y) => x == y,
            Condition::IsNot(y) => x != y,
            Condition::Above(y) => x > y,
            Condition::AtLeast(y) => x >= y,
            Condition::Below(y) => x < y,
            Condition::AtMost(y) => x <= y,
            Condition::Outside(low, high) => !(x > low && x < high),
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
