//! The checks of a data contract: in one pass over the dataset if its columns have the declared
//! types, otherwise in two. The second pass reads the others as text to find the cells at fault.

mod as_text;
mod cell;
mod consumer;
mod exact;
mod failed_rows;
mod forms;
mod keys;
mod names;
mod range;
mod references;
mod step;
mod test;
mod unfit;

use std::collections::{BTreeMap, BTreeSet};

use lastcall_domain::check::{
    Check, CheckPlan, CheckReport, CheckResult, CheckStatus, CheckTotals, ContractWarning, Rule,
    ValueType,
};
use lastcall_domain::{ReadOptions, ReadReport, Timestamp};

use self::as_text::AsText;
use self::cell::{Column, conforms};
use self::consumer::CheckConsumer;
use self::failed_rows::FailedRows;
use self::keys::KeySet;
use self::names::{Names, mismatch};
use self::test::Test;
use self::unfit::Unfit;
use crate::job::JobContext;
use crate::parse::CellRules;
use crate::pipeline::Resources;
use crate::read::dataset::Plan;
use crate::wording::counted;
use crate::{EngineError, Source, passes, read};

/// How many names of columns a warning lists.
const NAMED: usize = 10;
/// How many cells of failing rows a report has, about; each check shows a row at least.
const MAX_EXAMPLE_CELLS: usize = 20_000;

/// The input of a check.
#[derive(Clone, Copy, Debug)]
pub struct CheckInput<'a> {
    /// The dataset.
    pub source: &'a Source,
    /// How it is read.
    pub read: &'a ReadOptions,
    /// The checks. Those by a query are not evaluated here.
    pub plan: &'a CheckPlan,
    /// The datasets that foreign keys refer to, by name, and how they are read.
    pub references: &'a BTreeMap<String, (Source, ReadOptions)>,
    /// The reference time of freshness.
    pub now: Timestamp,
}

/// Runs the checks.
pub(crate) fn check(
    input: &CheckInput<'_>,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<CheckReport, EngineError> {
    let checks = &input.plan.checks;
    let mut results: Vec<CheckResult> = checks.iter().map(Check::result).collect();
    let budget = resources.limits.columns / key_sets(checks).max(1);
    let keys = references::collect(input, &mut results, budget, resources, context)?;
    let run = Run {
        input,
        keys: &keys,
        budget,
        rules: CellRules::new(input.read)?,
        wanted: wanted(checks),
        examples: examples(input.plan),
        resources,
        context,
    };
    let open: Vec<usize> = (0..checks.len())
        .filter(|&at| results[at].status == CheckStatus::Passed)
        .filter(|&at| !matches!(checks[at].rule, Rule::Sql { .. }))
        .collect();
    let mut text: BTreeSet<String> = run.always_text();
    let first = run.pass(&text, &open, &mut results)?;
    // Columns of another type than declared are read again as text, for their own checks only.
    let odd = run.odd_columns(&first.plan, &text);
    if !odd.is_empty() {
        let concerned = |at: &usize| {
            run.columns_of(*at, &first.plan)
                .any(|name| odd.contains(name))
        };
        let again: Vec<usize> = open.into_iter().filter(concerned).collect();
        for &at in &again {
            results[at] = checks[at].result();
        }
        text.extend(odd);
        run.pass(&text, &again, &mut results)?;
    }
    context.progress.set(1.0);
    Ok(report(input, first, results))
}

/// The outcome of a pass, apart from the results of its checks.
struct PassOutcome {
    plan: Plan,
    rows: u64,
    read: ReadReport,
}

fn report(input: &CheckInput<'_>, outcome: PassOutcome, checks: Vec<CheckResult>) -> CheckReport {
    let mut warnings = input.plan.warnings.clone();
    warnings.extend(unlisted(input.plan, &outcome.plan.names));
    let totals = CheckTotals::of(&checks);
    CheckReport {
        dataset: input.source.name.clone(),
        contract: input.plan.format,
        rows: outcome.rows,
        passed: totals.passed == totals.checks,
        totals,
        checks,
        warnings,
        read: outcome.read,
    }
}

/// The columns that the contract does not list.
fn unlisted(plan: &CheckPlan, names: &[String]) -> Option<ContractWarning> {
    if !plan.lists_columns {
        return None;
    }
    let listed: BTreeSet<&str> = listed(plan).collect();
    let aliases: BTreeSet<&str> = plan.aliases.values().map(String::as_str).collect();
    let known = |name: &&String| listed.contains(name.as_str()) || aliases.contains(name.as_str());
    let others: Vec<&str> = names
        .iter()
        .filter(|name| !known(name))
        .map(String::as_str)
        .collect();
    let shown = others[..others.len().min(NAMED)].join("`, `");
    let more = if others.len() > NAMED { ", …" } else { "" };
    let columns = if others.len() == 1 {
        "column"
    } else {
        "columns"
    };
    (!others.is_empty()).then(|| ContractWarning {
        code: "unlisted_columns".to_owned(),
        path: String::new(),
        detail: format!("the contract does not have the {columns} `{shown}`{more}"),
    })
}

fn listed(plan: &CheckPlan) -> impl Iterator<Item = &str> {
    let columns = plan
        .checks
        .iter()
        .filter(|check| matches!(check.rule, Rule::Column | Rule::Columns(_)));
    columns.flat_map(|check| check.columns.iter().map(String::as_str))
}

/// How many failing rows each check may show, so that the report stays small.
fn examples(plan: &CheckPlan) -> usize {
    let columns = plan.checks.iter().map(|check| check.columns.len().max(1));
    let each = MAX_EXAMPLE_CELLS / columns.sum::<usize>().max(1);
    plan.examples.min(each.max(1))
}

/// How many sets of keys the checks hold at once.
fn key_sets(checks: &[Check]) -> usize {
    let sets = checks
        .iter()
        .filter(|check| matches!(check.rule, Rule::Unique | Rule::ForeignKey { .. }));
    sets.count()
}

/// What the contract declares for a column.
#[derive(Clone, Debug, Default)]
struct Wanted {
    kind: Option<ValueType>,
    /// Whether its values are checked as written.
    as_written: bool,
}

fn wanted(checks: &[Check]) -> BTreeMap<&str, Wanted> {
    let mut wanted: BTreeMap<&str, Wanted> = BTreeMap::new();
    for check in checks {
        for column in &check.columns {
            let wanted = wanted.entry(column).or_default();
            match &check.rule {
                Rule::Type(kind) => wanted.kind = Some(kind.clone()),
                Rule::Pattern(_) | Rule::Length { .. } => wanted.as_written = true,
                _ => {}
            }
        }
    }
    wanted
}

impl Wanted {
    /// Whether the column is always read as text.
    fn always_text(&self) -> bool {
        let by_kind = match &self.kind {
            None | Some(ValueType::Integer | ValueType::Number) => false,
            Some(ValueType::Boolean { yes, no }) => !yes.is_empty() || !no.is_empty(),
            Some(ValueType::Date(format) | ValueType::Timestamp(format)) => format.is_some(),
            Some(_) => true,
        };
        by_kind || self.as_written
    }
}

/// A running check of a dataset.
struct Run<'a> {
    input: &'a CheckInput<'a>,
    keys: &'a BTreeMap<usize, KeySet>,
    budget: usize,
    rules: CellRules,
    wanted: BTreeMap<&'a str, Wanted>,
    /// How many failing rows of each check are shown.
    examples: usize,
    resources: &'a Resources<'a>,
    context: JobContext<'a>,
}

impl Run<'_> {
    /// The name that a column of the contract has in the data.
    fn name_of<'n>(&'n self, column: &'n str, plan: &Plan) -> &'n str {
        let has = |name: &str| plan.names.iter().any(|found| found == name);
        match self.input.plan.aliases.get(column) {
            Some(alias) if !has(column) && has(alias) => alias,
            _ => column,
        }
    }

    fn columns_of<'n>(&'n self, at: usize, plan: &'n Plan) -> impl Iterator<Item = &'n str> {
        let columns = self.input.plan.checks[at].columns.iter();
        columns.map(move |column| self.name_of(column, plan))
    }

    fn always_text(&self) -> BTreeSet<String> {
        let wanted = self
            .wanted
            .iter()
            .filter(|(_, wanted)| wanted.always_text());
        let names = wanted.flat_map(|(name, _)| {
            let alias = self.input.plan.aliases.get(*name).cloned();
            alias.into_iter().chain([(*name).to_owned()])
        });
        names.collect()
    }

    /// The columns whose type differs from the declared one.
    fn odd_columns(&self, plan: &Plan, text: &BTreeSet<String>) -> BTreeSet<String> {
        let mut odd = BTreeSet::new();
        for (column, wanted) in &self.wanted {
            let name = self.name_of(column, plan);
            let Some(at) = plan.names.iter().position(|found| found == name) else {
                continue;
            };
            if let Some(kind) = &wanted.kind
                && !text.contains(name)
                && !conforms(plan.kinds[at], kind)
            {
                odd.insert(name.to_owned());
            }
        }
        odd
    }

    /// Reads the dataset with some columns as text, and runs some of the checks.
    fn pass(
        &self,
        text: &BTreeSet<String>,
        which: &[usize],
        results: &mut [CheckResult],
    ) -> Result<PassOutcome, EngineError> {
        let CheckInput { source, read, .. } = *self.input;
        let dataset = read::open(source, read, self.resources, self.context)?;
        let dataset = AsText::of(dataset, text);
        let stable = passes::infer_until_stable(
            dataset,
            self.resources,
            self.context,
            |plan| self.consumers(plan, which),
            |consumers| consumer::grouped(consumers, self.resources.helpers),
        )?;
        let outcome = PassOutcome {
            rows: stable.inferred.rows,
            read: stable.inferred.report(&*stable.dataset)?,
            plan: stable.plan,
        };
        for consumer in stable.state {
            let at = consumer.at;
            self.finish(consumer, &outcome, &mut results[at]);
        }
        Ok(outcome)
    }

    fn consumers(&self, plan: &Plan, which: &[usize]) -> Vec<CheckConsumer<'_>> {
        let shown = Plan {
            names: plan.shown_names(),
            ..plan.clone()
        };
        let mut names = Names::of(&shown);
        let consumers = which
            .iter()
            .map(|&at| self.consumer(at, &shown, &mut names));
        consumers.collect()
    }

    fn consumer(&self, at: usize, plan: &Plan, names: &mut Names<'_>) -> CheckConsumer<'_> {
        let check = &self.input.plan.checks[at];
        let mut columns = Vec::new();
        let mut test = Ok(Test::Nothing);
        if !matches!(check.rule, Rule::Columns(_) | Rule::Sql { .. }) {
            for column in &check.columns {
                match self.column(column, plan, names) {
                    Ok(column) => columns.push(column),
                    Err(unfit) => test = Err(unfit),
                }
            }
        }
        if test.is_ok() {
            let keys = self.keys.get(&at);
            test = Test::new(&check.rule, &columns, keys, self.budget, &self.rules);
        }
        CheckConsumer {
            at,
            columns,
            test,
            failed: FailedRows::new(self.examples),
            rules: &self.rules,
            row: 0,
        }
    }

    fn column(&self, name: &str, plan: &Plan, names: &mut Names<'_>) -> Result<Column, Unfit> {
        let found = self.name_of(name, plan);
        let at = plan.names.iter().position(|name| name == found);
        let at = at.ok_or_else(|| Unfit {
            code: "unknown_column",
            detail: names.without(name),
        })?;
        let wanted = self.wanted.get(name).cloned().unwrap_or_default();
        Ok(Column {
            at,
            name: found.to_owned(),
            read_as: plan.kinds[at],
            wanted: wanted.kind,
        })
    }

    /// Converts what a check saw to its result.
    fn finish(&self, consumer: CheckConsumer<'_>, outcome: &PassOutcome, result: &mut CheckResult) {
        let check = &self.input.plan.checks[consumer.at];
        match &check.rule {
            Rule::Column => {
                if let Err(unfit) = consumer.test {
                    result.status = CheckStatus::Failed;
                    result.detail = Some(unfit.detail);
                }
                return;
            }
            Rule::Columns(way) => {
                result.detail = mismatch(*way, &check.columns, &outcome.plan.names);
                if result.detail.is_some() {
                    result.status = CheckStatus::Failed;
                }
                return;
            }
            Rule::RowCount => {
                let accepted = check
                    .accept
                    .as_ref()
                    .is_none_or(|a| a.holds(outcome.rows.into()));
                if !accepted {
                    result.status = CheckStatus::Failed;
                }
                result.detail = Some(counted(outcome.rows, "row"));
                return;
            }
            _ => {}
        }
        match consumer.test {
            Err(unfit) => result.fail_with(unfit.code, unfit.detail),
            Ok(test) => match test.newest(&consumer.columns) {
                Some(newest) => newest.finish(&check.rule, self.input.now, result),
                None if test.is_exhausted() => result.fail_with(
                    "resource_exhausted",
                    "its different values need more memory than one analysis may have",
                ),
                None => consumer
                    .failed
                    .finish(check.accept.as_ref(), outcome.rows, result),
            },
        }
    }
}
