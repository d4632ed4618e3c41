//! Passes over a dataset until its columns are known.
//!
//! The first look at the data assumes a kind for each column. A pass computes what is asked for
//! under that assumption and finds out, from every cell, what the kinds are. Where the assumption
//! was wrong the rest of the pass only looks for kinds, and another pass does the work.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::EngineError;
use crate::batch::Batch;
use crate::ctl::Ctl;
use crate::pipeline::{self, Lane, Resources};
use crate::read::{Dataset, Plan};
use crate::schema::Findings;

/// What a pass came to whose assumptions held.
pub(crate) struct Settled<S> {
    pub(crate) dataset: Box<dyn Dataset>,
    pub(crate) plan: Plan,
    /// The plan as the dataset is read by it: with the names that stand in the data.
    pub(crate) as_read: Plan,
    pub(crate) findings: Findings,
    pub(crate) state: S,
}

/// Reads the dataset as often as it takes: nearly always once.
///
/// `start` makes the state of a pass, `lanes` the lanes that work on it.
pub(crate) fn settle<S>(
    mut dataset: Box<dyn Dataset>,
    resources: &Resources<'_>,
    ctl: Ctl<'_>,
    start: impl Fn(&Plan) -> S,
    lanes: impl for<'s> Fn(&'s mut S) -> Vec<Box<dyn Lane + 's>>,
) -> Result<Settled<S>, EngineError> {
    let mut plan = Findings::new(&*dataset).plan();
    // The second pass knows the kinds, a third the encoding as well; more can only follow from
    // a file that changes.
    for _ in 0..4 {
        let mut state = start(&plan);
        let mut findings = Findings::nothing(&*dataset, &plan);
        let misfit = AtomicBool::new(false);
        let mut guarded: Vec<Box<dyn Lane + '_>> = vec![Box::new(FindingsLane {
            findings: &mut findings,
            misfit: &misfit,
        })];
        for lane in lanes(&mut state) {
            guarded.push(Box::new(Guarded {
                lane,
                misfit: &misfit,
            }));
        }
        let parse = |chunk| dataset.parse(chunk, &plan);
        pipeline::run(
            dataset.open(plan.names.len())?,
            &parse,
            guarded,
            resources,
            ctl,
        )?;
        if findings.is_latin()
            && let Some(other) = dataset.in_other_encoding()
        {
            dataset = other;
            plan = Findings::new(&*dataset).plan();
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
    findings: &'a mut Findings,
    misfit: &'a AtomicBool,
}

impl Lane for FindingsLane<'_> {
    fn take(&mut self, batch: &Batch, _ctl: Ctl<'_>) -> Result<(), EngineError> {
        self.findings.add(batch)?;
        if !self.findings.fits {
            self.misfit.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A lane that has nothing to do once its results will be thrown away.
struct Guarded<'a> {
    lane: Box<dyn Lane + 'a>,
    misfit: &'a AtomicBool,
}

impl Lane for Guarded<'_> {
    fn take(&mut self, batch: &Batch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        if self.misfit.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.lane.take(batch, ctl)
    }
}
