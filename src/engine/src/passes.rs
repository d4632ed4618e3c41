//! Repeats passes over a dataset until its column types are known.
//!
//! The first look at the data assumes a kind for each column. A pass computes what is asked for
//! under that assumption and finds out, from every cell, what the kinds are. Where the assumption
//! was wrong the rest of the pass only looks for kinds, and another pass does the work.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::pipeline::{self, Consumer, Resources};
use crate::read::dataset::{Dataset, Plan};
use crate::schema::InferredSchema;

/// What a pass came to whose assumptions held.
pub(crate) struct Settled<S> {
    pub(crate) dataset: Box<dyn Dataset>,
    pub(crate) plan: Plan,
    /// The plan as the dataset is read by it: with the names that stand in the data.
    pub(crate) as_read: Plan,
    pub(crate) findings: InferredSchema,
    pub(crate) state: S,
}

/// Reads the dataset as often as it takes: nearly always once.
///
/// `start` makes the state of a pass, `lanes` the lanes that work on it.
pub(crate) fn infer_until_stable<S>(
    mut dataset: Box<dyn Dataset>,
    resources: &Resources<'_>,
    context: JobContext<'_>,
    start: impl Fn(&Plan) -> S,
    lanes: impl for<'s> Fn(&'s mut S) -> Vec<Box<dyn Consumer + 's>>,
) -> Result<Settled<S>, EngineError> {
    let mut plan = InferredSchema::new(&*dataset).plan();
    // The second pass knows the kinds, a third the encoding as well; more can only follow from
    // a file that changes.
    for _ in 0..4 {
        let mut state = start(&plan);
        let mut findings = InferredSchema::nothing(&*dataset, &plan);
        let type_mismatch = AtomicBool::new(false);
        let mut guarded: Vec<Box<dyn Consumer + '_>> = vec![Box::new(FindingsLane {
            findings: &mut findings,
            type_mismatch: &type_mismatch,
        })];
        for lane in lanes(&mut state) {
            guarded.push(Box::new(Guarded {
                lane,
                type_mismatch: &type_mismatch,
            }));
        }
        let parse = |chunk| dataset.parse(chunk, &plan);
        pipeline::run(
            dataset.open(plan.names.len())?,
            &parse,
            guarded,
            resources,
            context,
        )?;
        if findings.is_latin()
            && let Some(other) = dataset.in_other_encoding()
        {
            dataset = other;
            plan = InferredSchema::new(&*dataset).plan();
            continue;
        }
        let found = findings.plan();
        if found == plan && findings.fits {
            let as_read = plan.clone();
            plan.names = plan.shown_names();
            return Ok(Settled {
                dataset,
                plan,
                as_read,
                findings,
                state,
            });
        }
        plan = found;
    }
    Err(EngineError::internal(
        "the dataset changed while it was read",
    ))
}

struct FindingsLane<'a> {
    findings: &'a mut InferredSchema,
    type_mismatch: &'a AtomicBool,
}

impl Consumer for FindingsLane<'_> {
    fn take(&mut self, batch: &Batch, _ctl: JobContext<'_>) -> Result<(), EngineError> {
        self.findings.add(batch)?;
        if !self.findings.fits {
            self.type_mismatch.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A lane that has nothing to do once its results will be thrown away.
struct Guarded<'a> {
    lane: Box<dyn Consumer + 'a>,
    type_mismatch: &'a AtomicBool,
}

impl Consumer for Guarded<'_> {
    fn take(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        if self.type_mismatch.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.lane.take(batch, context)
    }
}
