//! Variance, covariance, correlation and linear regression of doubles.

use arrow::array::ArrayRef;
use datafusion::common::cast::as_float64_array;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;

use super::queue::Merged;

/// What pairs of numbers have in common. Those of single numbers are pairs of equals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    count: f64,
    mean_y: f64,
    mean_x: f64,
    /// The sums of the products of deviations from the means.
    yy: f64,
    xx: f64,
    xy: f64,
}

/// How a result is computed from the moments; `None` for null.
type Outcome = fn(&Moments) -> Option<f64>;

/// What the engine's aggregate of this name computes.
pub(super) fn outcome(name: &str) -> Option<Outcome> {
    Some(match name {
        "var" => |all| all.variance(1.0),
        "var_pop" => |all| all.variance(0.0),
        "stddev" => |all| all.variance(1.0).map(f64::sqrt),
        "stddev_pop" => |all| all.variance(0.0).map(f64::sqrt),
        "covar_samp" => |all| all.mean(all.xy, 1.0),
        "covar_pop" => |all| all.mean(all.xy, 0.0),
        "corr" => Moments::correlation,
        "regr_slope" => Moments::slope,
        "regr_intercept" => |all| Some(all.mean_y - all.slope()? * all.mean_x),
        "regr_r2" => |all| {
            let varies = all.count > 1.0 && all.xx != 0.0 && all.yy != 0.0;
            varies.then(|| (all.xy / all.xx) * (all.xy / all.yy))
        },
        "regr_avgx" => |all| all.some(all.mean_x),
        "regr_avgy" => |all| all.some(all.mean_y),
        "regr_sxx" => |all| all.some(all.xx),
        "regr_syy" => |all| all.some(all.yy),
        "regr_sxy" => |all| all.some(all.xy),
        _ => return None,
    })
}

impl Moments {
    fn some(&self, value: f64) -> Option<f64> {
        (self.count > 0.0).then_some(value)
    }

    /// A mean with so many degrees of freedom fewer than pairs.
    fn mean(&self, sum: f64, fewer: f64) -> Option<f64> {
        let degrees = self.count - fewer;
        (degrees > 0.0).then(|| sum / degrees)
    }

    /// The variance. That of one number is 0, whichever it is.
    fn variance(&self, fewer: f64) -> Option<f64> {
        let squares = if self.count > 1.0 { self.yy } else { 0.0 };
        self.mean(squares, fewer)
    }

    fn correlation(&self) -> Option<f64> {
        // As in the engine, outside of sliding windows.
        match (self.mean_y.is_nan(), self.mean_x.is_nan()) {
            (true, true) => return Some(f64::NAN),
            (false, false) if self.count > 1.0 => {}
            _ => return None,
        }
        let deviation = |squares: f64| (squares / self.count).sqrt();
        let (y, x) = (deviation(self.yy), deviation(self.xx));
        (y != 0.0 && x != 0.0).then(|| self.xy / self.count / y / x)
    }

    fn slope(&self) -> Option<f64> {
        (self.count > 1.0 && self.xx != 0.0).then(|| self.xy / self.xx)
    }
}

impl Merged for Moments {
    type Row = (f64, f64);
    type Outcome = Outcome;

    fn rows(columns: &[ArrayRef]) -> Result<Vec<(f64, f64)>> {
        let (y, x) = match columns {
            [y, x] => (y, x),
            [only] => (only, only),
            _ => return internal_err!("moments are of one or two columns"),
        };
        let pairs = as_float64_array(y)?.iter().zip(as_float64_array(x)?);
        Ok(pairs.filter_map(|(y, x)| y.zip(x)).collect())
    }

    /// Welford's step.
    fn with(&mut self, (y, x): (f64, f64)) -> Result<()> {
        self.count += 1.0;
        let (before_y, before_x) = (y - self.mean_y, x - self.mean_x);
        self.mean_y += before_y / self.count;
        self.mean_x += before_x / self.count;
        self.yy += before_y * (y - self.mean_y);
        self.xx += before_x * (x - self.mean_x);
        self.xy += before_x * (y - self.mean_y);
        Ok(())
    }

    /// Chan, Golub and LeVeque, 1983. The means of equals remain equal.
    fn join(&mut self, other: &Self) -> Result<()> {
        if self.count == 0.0 || other.count == 0.0 {
            if self.count == 0.0 {
                *self = *other;
            }
            return Ok(());
        }
        let count = self.count + other.count;
        let (between_y, between_x) = (other.mean_y - self.mean_y, other.mean_x - self.mean_x);
        let share = other.count / count;
        let weight = self.count * share;
        self.count = count;
        self.mean_y += between_y * share;
        self.mean_x += between_x * share;
        self.yy += other.yy + between_y * between_y * weight;
        self.xx += other.xx + between_x * between_x * weight;
        self.xy += other.xy + between_x * between_y * weight;
        Ok(())
    }

    fn result(self, outcome: &Outcome, _: u64) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(outcome(&self)))
    }
}
