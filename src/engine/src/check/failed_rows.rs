//! Counts the failing rows of a check and keeps the first.

use lastcall_domain::check::{Accept, CheckResult, CheckStatus, FailedRow};
use lastcall_domain::profile::Number;
use serde_json::Map;

use super::cell::Column;
use crate::batch::Batch;
use crate::wording::{count, counted, percent};

#[derive(Debug)]
pub(super) struct FailedRows {
    count: u64,
    examples: Vec<FailedRow>,
    max_examples: usize,
}

impl FailedRows {
    pub(super) fn new(max_examples: usize) -> Self {
        Self {
            count: 0,
            examples: Vec::new(),
            max_examples,
        }
    }

    /// Counts a row that fails.
    pub(super) fn add(&mut self, number: u64, columns: &[Column], batch: &Batch, row: usize) {
        self.count += 1;
        if self.examples.len() < self.max_examples {
            self.examples.push(example(number, columns, batch, row));
        }
    }

    /// Sets the outcome of the check.
    pub(super) fn finish(self, accept: Option<&Accept>, rows: u64, result: &mut CheckResult) {
        let accepted = match accept {
            None => self.count == 0,
            Some(accept) if accept.percent => {
                let share = self.count as f64 / rows.max(1) as f64;
                accept.holds(Number::Float(share * 100.0))
            }
            Some(accept) => accept.holds(self.count.into()),
        };
        if !accepted {
            result.status = CheckStatus::Failed;
        }
        if self.count > 0 {
            result.detail = Some(format!(
                "{} of {} ({})",
                count(self.count),
                counted(rows, "row"),
                percent(self.count, rows)
            ));
        }
        result.failed_rows = Some(self.count);
        result.examples = self.examples;
    }
}

/// A row for a report.
pub(super) fn example(number: u64, columns: &[Column], batch: &Batch, row: usize) -> FailedRow {
    let values = columns.iter().map(|column| {
        let value = column.cell(batch, row).json();
        (column.name.clone(), value)
    });
    FailedRow {
        row: Some(number),
        values: values.collect::<Map<_, _>>(),
    }
}
