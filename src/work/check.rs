//! The checks of a data contract: rows by the engine, queries by the SQL processes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::time::Duration;

use lastcall_domain::check::{
    Check, CheckPlan, CheckReport, CheckResult, CheckStatus, CheckTotals, FailedRow, MAX_EXAMPLES,
    Rule,
};
use lastcall_domain::profile::Number;
use lastcall_domain::{
    Cancel, CheckOptions, Dataset, DatasetName, Dependency, Format, JobError, LocalBlob, Output,
    Progress, ReadOptions, SqlColumn, Task, assert_may_compute,
};
use lastcall_engine::{CheckInput, Source};
use lastcall_sql::{Body, ResultFormat, Sql, SqlError, SqlQuery, Tables};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::analysis::{AnalysisWork, as_json};
use super::compute::Compute;
use super::errors::{job, stopping};
use super::seen::SeenDatasets;
use super::tables::source;

/// A contract's read options, as far as they apply to the format of the dataset, for whatever
/// nobody else has set.
pub(crate) fn read_options(
    own: ReadOptions,
    contract: &ReadOptions,
    format: Format,
) -> ReadOptions {
    if contract.check_for(format).is_ok() {
        return own.or(contract);
    }
    let missing = ReadOptions {
        missing: contract.missing.clone(),
        ..ReadOptions::default()
    };
    match missing.check_for(format) {
        Ok(()) => own.or(&missing),
        Err(_) => own,
    }
}

impl AnalysisWork {
    pub(super) async fn check(
        &self,
        task: &Task,
        name: &DatasetName,
        contract: &Value,
        options: &CheckOptions,
        seen: &SeenDatasets,
    ) -> Result<Output, JobError> {
        let dataset = self.dataset(task.job.session, name, seen).await?;
        let file = self.open(&dataset).await?;
        let mut plan = lastcall_contract::read(contract, name.as_str())
            .map_err(|error| JobError::permanent("invalid_contract", error.to_string()))?;
        plan.examples = options.examples;
        let read = options.read.clone().or(&dataset.read);
        let read = read_options(read, &plan.read, dataset.format);
        let (references, held) = self.references(task, &plan, seen).await?;
        let now = self.clock.now();
        let work = (plan.clone(), dataset);
        let mut report = self
            .engine_run(
                &task.cancel,
                &task.progress,
                move |engine, cancel, progress| {
                    // The files are no longer read.
                    let _held = held;
                    let (plan, dataset) = work;
                    let source = source(&dataset, &file);
                    let input = CheckInput {
                        source: &source,
                        read: &read,
                        plan: &plan,
                        references: &references,
                        now,
                    };
                    engine.check(&input, cancel, progress).map_err(job)
                },
            )
            .await?;
        let tables = self.tables(task, seen);
        let queries = QueryChecks {
            sql: &self.sql,
            tables: &tables,
            timeout: self.timeout,
            cancel: &task.cancel,
            compute: Some(&self.compute),
        };
        queries.make(&plan, &mut report).await?;
        let (scratch, cancel) = (self.scratch.clone(), task.cancel.clone());
        self.compute
            .run(move || as_json(&report, &scratch, &cancel))
            .await
            .ok_or_else(stopping)?
    }

    /// The datasets that foreign keys refer to, as far as they are in the session.
    async fn references(
        &self,
        task: &Task,
        plan: &CheckPlan,
        seen: &SeenDatasets,
    ) -> Result<(BTreeMap<String, (Source, ReadOptions)>, Vec<LocalBlob>), JobError> {
        let (mut references, mut held) = (BTreeMap::new(), Vec::new());
        for name in referenced(plan) {
            let Ok(valid) = DatasetName::try_from(name.to_owned()) else {
                continue;
            };
            let found: Option<Dataset> = self
                .store
                .dataset(task.job.session, &valid)
                .await
                .map_err(job)?;
            if let Some(dataset) = found {
                seen.note(&dataset);
                let file = self.open(&dataset).await?;
                let known = (source(&dataset, &file), dataset.read);
                references.insert(name.to_owned(), known);
                held.push(file);
            }
        }
        Ok((references, held))
    }
}

/// The datasets that foreign keys name.
pub(crate) fn referenced(plan: &CheckPlan) -> impl Iterator<Item = &str> {
    let mut names: Vec<&str> = plan
        .checks
        .iter()
        .filter_map(|check| match &check.rule {
            Rule::ForeignKey { dataset, .. } => dataset.as_deref(),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

/// Runs the checks that are queries.
pub(crate) struct QueryChecks<'a> {
    pub(crate) sql: &'a Sql,
    pub(crate) tables: &'a dyn Tables,
    pub(crate) timeout: Duration,
    pub(crate) cancel: &'a Cancel,
    /// The threads that read results; the caller's if `None`.
    pub(crate) compute: Option<&'a Compute>,
}

impl QueryChecks<'_> {
    /// Runs the queries, and counts the outcomes of all checks of the report.
    ///
    /// # Errors
    /// If the work must stop or may succeed later. A query that cannot be run is an error of its
    /// check.
    pub(crate) async fn make(
        &self,
        plan: &CheckPlan,
        report: &mut CheckReport,
    ) -> Result<(), JobError> {
        for (check, result) in plan.checks.iter().zip(&mut report.checks) {
            if let Rule::Sql { query, value } = &check.rule {
                match self.query(query).await {
                    Ok(answer) if *value => conclude_value(check, &answer, report.rows, result),
                    Ok(answer) => conclude_rows(answer, plan.examples, result),
                    Err(error) if error.retryable() || matches!(error, SqlError::Cancelled) => {
                        return Err(job(error));
                    }
                    Err(error) => result.fail_with(error.code(), error.to_string()),
                }
            }
        }
        report.totals = CheckTotals::of(&report.checks);
        report.passed = report.totals.passed == report.totals.checks;
        Ok(())
    }

    async fn query(&self, query: &str) -> Result<QueryAnswer, SqlError> {
        let answer = self
            .sql
            .query(
                SqlQuery::new(query),
                self.tables,
                ResultFormat::Json,
                self.timeout,
                self.cancel,
                &Progress::new(),
            )
            .await?;
        let read = match self.compute {
            Some(compute) => compute.run(move || QueryAnswer::read(&answer.body)).await,
            None => Some(QueryAnswer::read(&answer.body)),
        };
        read.unwrap_or_else(|| Err(SqlError::Unavailable(stopping().message)))
    }
}

/// The first rows of a result, and the number of rows.
#[derive(Deserialize)]
struct QueryAnswer {
    columns: Vec<SqlColumn>,
    rows: FirstRows,
    row_count: u64,
    truncated: bool,
}

impl QueryAnswer {
    fn read(body: &Body) -> Result<Self, SqlError> {
        assert_may_compute();
        let read = match body {
            Body::Memory(bytes) => serde_json::from_slice(bytes),
            Body::File(path) => {
                let file = File::open(path).map_err(unreadable)?;
                serde_json::from_reader(BufReader::new(file))
            }
        };
        read.map_err(|error| {
            if error.is_io() {
                return unreadable(error.into());
            }
            SqlError::Unavailable(format!("its answer is broken: {error}"))
        })
    }
}

/// The file of a result cannot be read.
fn unreadable(error: io::Error) -> SqlError {
    let detail = format!("its answer cannot be read: {error}");
    match Dependency::of_io(&error, Dependency::Scratch) {
        Some(dependency) => SqlError::Environment { dependency, detail },
        None => SqlError::Unavailable(detail),
    }
}

/// Cells as they are written, so that no number loses digits.
struct FirstRows(Vec<Vec<Box<RawValue>>>);

impl<'de> Deserialize<'de> for FirstRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;

        impl<'de> Visitor<'de> for First {
            type Value = FirstRows;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<FirstRows, A::Error> {
                let mut first = Vec::new();
                while first.len() < MAX_EXAMPLES {
                    match rows.next_element()? {
                        Some(row) => first.push(row),
                        None => return Ok(FirstRows(first)),
                    }
                }
                while rows.next_element::<IgnoredAny>()?.is_some() {}
                Ok(FirstRows(first))
            }
        }

        deserializer.deserialize_seq(First)
    }
}

/// Concludes a query that must return no rows.
fn conclude_rows(answer: QueryAnswer, examples: usize, result: &mut CheckResult) {
    if answer.row_count > 0 {
        result.status = CheckStatus::Failed;
        let more = if answer.truncated { "more than " } else { "" };
        let rows = if answer.row_count == 1 { "row" } else { "rows" };
        result.detail = Some(format!(
            "the query answers with {more}{} {rows}",
            answer.row_count
        ));
    }
    result.failed_rows = Some(answer.row_count);
    let names: Vec<String> = answer
        .columns
        .into_iter()
        .map(|column| column.name)
        .collect();
    let rows = answer.rows.0.into_iter().take(examples);
    result.examples = rows
        .map(|row| FailedRow {
            row: None,
            values: names
                .iter()
                .cloned()
                .zip(row.iter().map(|cell| value(cell)))
                .collect(),
        })
        .collect();
}

fn value(cell: &RawValue) -> Value {
    serde_json::from_str(cell.get()).unwrap_or_default()
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// Concludes a query that must return a single, accepted number.
fn conclude_value(check: &Check, answer: &QueryAnswer, rows: u64, result: &mut CheckResult) {
    let (height, width) = (answer.row_count, answer.columns.len());
    let cell = match &answer.rows.0[..] {
        [row] if height == 1 && width == 1 => row.first(),
        _ => {
            let (rows, columns) = (counted(height, "row"), counted(width as u64, "column"));
            let detail = format!(
                "the query answers with {rows} of {columns}, where a single number was expected"
            );
            result.fail_with("sql_failed", detail);
            return;
        }
    };
    let number = cell.and_then(|cell| match cell.get() {
        "true" => Some(Number::Integer(1)),
        "false" => Some(Number::Integer(0)),
        text => Number::parse(text),
    });
    let Some(number) = number else {
        result.fail_with("sql_failed", "the query answers with no number");
        return;
    };
    let accepted = check.accept.as_ref().is_none_or(|accept| {
        accept.holds(if accept.percent {
            Number::Float(number.as_f64() * 100.0 / rows.max(1) as f64)
        } else {
            number
        })
    });
    if !accepted {
        result.status = CheckStatus::Failed;
    }
    result.detail = Some(format!("the query answers {number}"));
}

#[cfg(test)]
mod tests;
