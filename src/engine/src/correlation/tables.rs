//! Contingency tables.

use lastcall_domain::correlation::Coefficient;

use crate::stats::p_values::chi_squared;
use crate::stats::quantile_sketch::running;
use crate::stats::spearman::Ranked;

/// The number of parts of numeric columns.
const PARTS: u64 = 10;

/// The category of each distinct value of a column: the value itself if there are few or the column
/// is categorical, otherwise its decile. Deciles end at quantiles by linear interpolation, which
/// belong to the lower decile; equal edges are merged.
pub(super) fn parts(ranked: &Ranked, numeric: bool) -> Vec<u32> {
    let counts = ranked.counts();
    if !numeric || counts.len() <= PARTS as usize {
        return (0..).take(counts.len()).collect();
    }
    let weighted: Vec<((), u64)> = counts.iter().map(|&n| ((), u64::from(n))).collect();
    let sums = running(&weighted);
    let last = sums.last().map_or(0, |total| total - 1);
    let value_at = |rank: u64| sums.partition_point(|&sum| sum <= rank);
    // An edge lies at a value or between it and the next one, so that its number is enough.
    let edge = |part: u64| {
        // No value is below the minimum.
        let is_least = value_at((part * last).div_ceil(PARTS)) == 0;
        (!is_least).then(|| value_at(part * last / PARTS))
    };
    let mut edges: Vec<usize> = (1..PARTS).filter_map(edge).collect();
    edges.dedup();
    let part = |value: usize| edges.partition_point(|&edge| edge < value) as u32;
    (0..counts.len()).map(part).collect()
}

/// A contingency table without empty rows and columns.
pub(crate) struct Table {
    cells: Vec<Vec<f64>>,
    rows: Vec<f64>,
    columns: Vec<f64>,
    total: f64,
}

impl Table {
    pub(crate) fn new(counts: Vec<Vec<u64>>) -> Self {
        let width = counts.first().map_or(0, Vec::len);
        let kept: Vec<usize> = (0..width)
            .filter(|&at| counts.iter().any(|row| row[at] > 0))
            .collect();
        let cells: Vec<Vec<f64>> = counts
            .iter()
            .filter(|row| row.iter().any(|&count| count > 0))
            .map(|row| kept.iter().map(|&at| row[at] as f64).collect())
            .collect();
        let rows: Vec<f64> = cells.iter().map(|row| row.iter().sum()).collect();
        let columns = (0..kept.len())
            .map(|at| cells.iter().map(|row| row[at]).sum())
            .collect();
        Self {
            total: rows.iter().sum(),
            cells,
            rows,
            columns,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.total as u64
    }

    /// Degrees of freedom; `None` if a column has a single category.
    fn degrees_of_freedom(&self) -> Option<f64> {
        let (rows, columns) = (self.rows.len(), self.columns.len());
        (rows > 1 && columns > 1).then(|| ((rows - 1) * (columns - 1)) as f64)
    }

    /// Sums a function of the observed and the expected count.
    fn sum(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        let mut sum = 0.0;
        for (row, &of_row) in self.cells.iter().zip(&self.rows) {
            for (&count, &of_column) in row.iter().zip(&self.columns) {
                sum += f(count, of_row * of_column / self.total);
            }
        }
        sum
    }

    /// Cramér's V = √(χ² / (n · min(r − 1, c − 1))) (Cramér 1946).
    pub(crate) fn cramers_v(&self) -> Option<Coefficient> {
        let degrees_of_freedom = self.degrees_of_freedom()?;
        let statistic = self.sum(|count, expected| (count - expected).powi(2) / expected);
        let least = self.rows.len().min(self.columns.len()) - 1;
        Some(Coefficient {
            value: (statistic / (self.total * least as f64)).sqrt().min(1.0),
            p_value: Some(chi_squared(statistic, degrees_of_freedom)),
        })
    }

    /// Mutual information Σ p(x,y) ln(p(x,y) / p(x) p(y)) (Shannon 1948), which is G / 2n.
    pub(super) fn mutual_information(&self) -> Option<Coefficient> {
        let degrees_of_freedom = self.degrees_of_freedom()?;
        let sum = self.sum(|count, expected| {
            if count > 0.0 {
                count * (count / expected).ln()
            } else {
                0.0
            }
        });
        let sum = sum.max(0.0);
        Some(Coefficient {
            value: sum / self.total,
            p_value: Some(chi_squared(2.0 * sum, degrees_of_freedom)),
        })
    }
}
