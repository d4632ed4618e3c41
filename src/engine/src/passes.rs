//! Repeats passes over a dataset until its column types are known.
//!
//! A sample of the data suggests a type for each column. A pass computes the result under that
//! assumption and infers the types from every cell. If the assumption turns out to be wrong, the
//! rest of the pass only infers types, and another pass computes the result.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::pipeline::{self, Consumer, Resources};
use crate::read::dataset::{Dataset, Plan};
use crate::schema::InferredSchema;

/// The result of a pass whose assumptions held.
pub(crate) struct StablePass<S> {
    pub(crate) dataset: Box<dyn Dataset>,
    pub(crate) plan: Plan,
    /// The plan that the dataset was read with: it has the names in the data.
    pub(crate) as_read: Plan,
    pub(crate) inferred: InferredSchema,
    pub(crate) state: S,
}

/// Reads the dataset until its types are known: nearly always once.
///
/// `start` creates the state of a pass, `consumers` the consumers that update it.
pub(crate) fn infer_until_stable<S>(
    mut dataset: Box<dyn Dataset>,
    resources: &Resources<'_>,
    context: JobContext<'_>,
    start: impl Fn(&Plan) -> S,
    consumers: impl for<'s> Fn(&'s mut S) -> Vec<Box<dyn Consumer + 's>>,
) -> Result<StablePass<S>, EngineError> {
    let mut plan = InferredSchema::new(&*dataset).plan();
    // The second pass knows the types, a third one the encoding as well; only a file that changes
    // needs more.
    for _ in 0..4 {
        let mut state = start(&plan);
        let mut inferred = InferredSchema::nothing(&*dataset, &plan);
        let type_mismatch = AtomicBool::new(false);
        let mut guarded: Vec<Box<dyn Consumer + '_>> = vec![Box::new(SchemaConsumer {
            inferred: &mut inferred,
            type_mismatch: &type_mismatch,
        })];
        for consumer in consumers(&mut state) {
            guarded.push(Box::new(Guarded {
                consumer,
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
        if inferred.is_latin()
            && let Some(other) = dataset.in_other_encoding()
        {
            dataset = other;
            plan = InferredSchema::new(&*dataset).plan();
            continue;
        }
        let found = inferred.plan();
        if found == plan && inferred.fits {
            let as_read = plan.clone();
            plan.names = plan.shown_names();
            return Ok(StablePass {
                dataset,
                plan,
                as_read,
                inferred,
                state,
            });
        }
        plan = found;
    }
    Err(EngineError::internal(
        "the dataset changed while it was read",
    ))
}

struct SchemaConsumer<'a> {
    inferred: &'a mut InferredSchema,
    type_mismatch: &'a AtomicBool,
}

impl Consumer for SchemaConsumer<'_> {
    fn consume(&mut self, batch: &Batch, _context: JobContext<'_>) -> Result<(), EngineError> {
        self.inferred.add(batch)?;
        if !self.inferred.fits {
            self.type_mismatch.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A consumer that stops once its result will be discarded.
struct Guarded<'a> {
    consumer: Box<dyn Consumer + 'a>,
    type_mismatch: &'a AtomicBool,
}

impl Consumer for Guarded<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        if self.type_mismatch.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.consumer.consume(batch, context)
    }
}
