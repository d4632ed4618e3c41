//! The keys that foreign keys refer to.

use std::collections::BTreeMap;

use lastcall_domain::Progress;
use lastcall_domain::check::{CheckResult, Rule};

use super::CheckInput;
use super::cell::Column;
use super::keys::KeySet;
use super::names::Names;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::pipeline::{Consumer, Resources};
use crate::read::dataset::Plan;
use crate::{EngineError, Source, passes, read};

/// Reads the referenced keys of every foreign key, by the index of its check. A dataset that cannot
/// be read is an error of its checks only.
pub(super) fn collect(
    input: &CheckInput<'_>,
    results: &mut [CheckResult],
    budget: usize,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<BTreeMap<usize, KeySet>, EngineError> {
    let mut all = BTreeMap::new();
    for (at, check) in input.plan.checks.iter().enumerate() {
        let Rule::ForeignKey { dataset, columns } = &check.rule else {
            continue;
        };
        let target = match dataset {
            None => Some((input.source, input.read)),
            Some(name) => input
                .references
                .get(name)
                .map(|(source, read)| (source, read)),
        };
        let Some((source, options)) = target else {
            let name = dataset.as_deref().unwrap_or_default();
            let detail = format!("there is no dataset `{name}`");
            results[at].fail_with("dataset_not_found", detail);
            continue;
        };
        // Its share of the progress is unknown.
        let progress = Progress::new();
        let context = JobContext {
            progress: &progress,
            ..context
        };
        match keys(source, options, columns, budget, resources, context) {
            Ok(Ok(keys)) if keys.is_exhausted() => results[at].fail_with(
                "resource_exhausted",
                "the values that it refers to need more memory than one analysis may have",
            ),
            Ok(Ok(keys)) => {
                all.insert(at, keys);
            }
            Ok(Err(unknown)) => {
                let detail = format!("in `{}` {unknown}", source.name);
                results[at].fail_with("unknown_column", detail);
            }
            Err(error @ (EngineError::Cancelled | EngineError::ShutDown | EngineError::Io(_))) => {
                return Err(error);
            }
            Err(error) => {
                results[at].fail_with(error.code(), format!("`{}`: {error}", source.name));
            }
        }
    }
    Ok(all)
}

/// The keys of a dataset, or the name of an unknown column.
fn keys(
    source: &Source,
    options: &lastcall_domain::ReadOptions,
    columns: &[String],
    budget: usize,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Result<KeySet, String>, EngineError> {
    let dataset = read::open(source, options, resources, context)?;
    let stable = passes::infer_until_stable(
        dataset,
        resources,
        context,
        |plan| {
            Some(KeyConsumer {
                columns: resolve(columns, plan).unwrap_or_default(),
                keys: KeySet::new(budget),
                buffer: Vec::new(),
            })
        },
        |consumer| {
            let consumer = consumer
                .as_mut()
                .filter(|consumer| !consumer.columns.is_empty());
            consumer
                .map(|consumer| Box::new(consumer) as Box<dyn Consumer>)
                .into_iter()
                .collect()
        },
    )?;
    if let Err(unknown) = resolve(columns, &stable.plan) {
        return Ok(Err(unknown));
    }
    let keys = stable.state.map(|consumer| consumer.keys);
    Ok(Ok(keys.unwrap_or_else(|| KeySet::new(budget))))
}

fn resolve(columns: &[String], plan: &Plan) -> Result<Vec<Column>, String> {
    let names = plan.shown_names();
    let columns = columns.iter().map(|name| {
        let at = names.iter().position(|found| found == name);
        let at = at.ok_or_else(|| Names::new(&names).without(name))?;
        Ok(Column {
            at,
            name: name.clone(),
            read_as: plan.kinds[at],
            wanted: None,
        })
    });
    columns.collect()
}

struct KeyConsumer {
    columns: Vec<Column>,
    keys: KeySet,
    buffer: Vec<u8>,
}

impl Consumer for &mut KeyConsumer {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        for row in 0..batch.rows {
            if row % 1024 == 0 {
                context.check()?;
            }
            let KeyConsumer {
                columns,
                keys,
                buffer,
            } = &mut **self;
            if let Some(key) = keys.key(columns, batch, row, buffer) {
                keys.insert(key);
            }
        }
        Ok(())
    }
}
