//! One pass over a dataset on several threads, with the same result on any number of them.
//!
//! Chunks are read one after the other, parsed into batches in parallel, and every batch is then
//! taken by every lane. A lane sees the batches in the order of the data, one at a time, so what
//! it computes does not depend on which thread does it or when; different lanes work in
//! parallel. The caller's thread works too: without a helper everything happens on it.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::EngineError;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::limits::Limits;
use crate::read::dataset::{Chunk, Input};

/// What an analysis may use.
pub(crate) struct Resources<'a> {
    pub(crate) limits: Limits,
    /// Threads besides the caller's.
    pub(crate) helpers: usize,
    /// A folder for temporary files.
    pub(crate) scratch: &'a Path,
}

/// Something that is computed from all batches in order.
pub(crate) trait Consumer: Send {
    /// Takes the next batch.
    fn take(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError>;
}

type Parse<'a> = dyn Fn(Chunk) -> Result<Batch, EngineError> + Sync + 'a;

/// Runs the pass to its end.
///
/// # Errors
/// The first fault in the order of the data that was met, or [`EngineError::Cancelled`]. All
/// helpers have ended when it returns.
pub(crate) fn run(
    input: Box<dyn Input>,
    parse: &Parse<'_>,
    lanes: Vec<Box<dyn Consumer + '_>>,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<(), EngineError> {
    let helpers = resources.helpers;
    let pass = Pass {
        input: Mutex::new(input),
        parse,
        state: Mutex::new(State {
            lanes: lanes.iter().map(|_| LaneState::default()).collect(),
            ..State::default()
        }),
        lanes: lanes.into_iter().map(Mutex::new).collect(),
        changed: Condvar::new(),
        window: resources.limits.chunks.min(2 * helpers + 2),
        context,
    };
    std::thread::scope(|scope| {
        let helper = || {
            let thread = std::thread::Builder::new().name("engine".into());
            // A helper that cannot be started is one helper fewer.
            thread.spawn_scoped(scope, || pass.work()).ok()
        };
        let helpers: Vec<_> = (0..helpers).filter_map(|_| helper()).collect();
        pass.work();
        for helper in helpers {
            // The scope waits for the work only, this for the thread's end. A panic is noted in
            // the state.
            let _ = helper.join();
        }
    });
    let state = pass
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.failed {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

struct Pass<'a> {
    input: Mutex<Box<dyn Input>>,
    parse: &'a Parse<'a>,
    lanes: Vec<Mutex<Box<dyn Consumer + 'a>>>,
    state: Mutex<State>,
    changed: Condvar,
    /// How many chunks and batches there may be at once.
    window: usize,
    context: JobContext<'a>,
}

#[derive(Default)]
struct State {
    reading: bool,
    ended: bool,
    /// How many chunks were read, which is also the number of the next.
    read: usize,
    chunks: VecDeque<(usize, Chunk)>,
    batches: BTreeMap<usize, Arc<Batch>>,
    lanes: Vec<LaneState>,
    /// The fault with the lowest number of a chunk.
    failed: Option<(usize, EngineError)>,
    idle: usize,
}

#[derive(Clone, Copy, Default)]
struct LaneState {
    next: usize,
    busy: bool,
}

enum Task {
    Read,
    Parse(usize, Chunk),
    Take(usize, usize, Arc<Batch>),
    Wait,
    End,
}

impl State {
    /// Lanes come first, so that batches go away; then parsing, then reading.
    fn next_task(&mut self, window: usize) -> Task {
        if self.failed.is_some() {
            return Task::End;
        }
        let ready = |lane: &LaneState| !lane.busy && self.batches.contains_key(&lane.next);
        let behind = self
            .lanes
            .iter()
            .enumerate()
            .filter(|(_, lane)| ready(lane));
        if let Some((at, lane)) = behind.min_by_key(|(_, lane)| lane.next)
            && let Some(batch) = self.batches.get(&lane.next)
        {
            let task = Task::Take(at, lane.next, Arc::clone(batch));
            self.lanes[at].busy = true;
            return task;
        }
        if let Some((number, chunk)) = self.chunks.pop_front() {
            return Task::Parse(number, chunk);
        }
        let oldest = self
            .lanes
            .iter()
            .map(|lane| lane.next)
            .min()
            .unwrap_or(self.read);
        if !self.reading && !self.ended && self.read - oldest < window {
            self.reading = true;
            return Task::Read;
        }
        if self.ended && oldest == self.read {
            Task::End
        } else {
            Task::Wait
        }
    }

    fn fail(&mut self, number: usize, error: EngineError) {
        if self
            .failed
            .as_ref()
            .is_none_or(|(first, _)| number < *first)
        {
            self.failed = Some((number, error));
        }
    }
}

impl Pass<'_> {
    fn work(&self) {
        // A panic must not leave the others waiting for work that never comes.
        let bail = Bail(self);
        let mut state = self.lock();
        loop {
            if let Err(stopped) = self.context.check() {
                state.fail(0, stopped);
                self.changed.notify_all();
            }
            match state.next_task(self.window) {
                Task::End => break,
                Task::Wait => {
                    state.idle += 1;
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
                task => {
                    if state.idle > 0 {
                        self.changed.notify_one();
                    }
                    drop(state);
                    state = self.perform(task);
                    if state.idle > 0 {
                        self.changed.notify_all();
                    }
                }
            }
        }
        drop(state);
        self.changed.notify_all();
        std::mem::forget(bail);
    }

    fn perform(&self, task: Task) -> std::sync::MutexGuard<'_, State> {
        match task {
            Task::Read => {
                let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
                let chunk = input.next(self.context);
                drop(input);
                let mut state = self.lock();
                state.reading = false;
                let number = state.read;
                match chunk {
                    Ok(Some(chunk)) => {
                        state.read += 1;
                        state.chunks.push_back((number, chunk));
                    }
                    Ok(None) => state.ended = true,
                    Err(error) => state.fail(number, error),
                }
                state
            }
            Task::Parse(number, chunk) => {
                let done = chunk.done;
                let batch = (self.parse)(chunk);
                let mut state = self.lock();
                match batch {
                    Ok(batch) => {
                        self.context.progress.set(done);
                        state.batches.insert(number, Arc::new(batch));
                    }
                    Err(error) => state.fail(number, error),
                }
                state
            }
            Task::Take(at, number, batch) => {
                let mut lane = self.lanes[at]
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let taken = lane.take(&batch, self.context);
                drop(lane);
                let mut state = self.lock();
                state.lanes[at] = LaneState {
                    next: number + 1,
                    busy: false,
                };
                if let Err(error) = taken {
                    state.fail(number, error);
                }
                if state.lanes.iter().all(|lane| lane.next > number) {
                    state.batches.remove(&number);
                }
                state
            }
            Task::Wait | Task::End => self.lock(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the pass when a thread unwinds.
struct Bail<'a, 'b>(&'a Pass<'b>);

impl Drop for Bail<'_, '_> {
    fn drop(&mut self) {
        self.0
            .lock()
            .fail(0, EngineError::internal("a worker panicked"));
        self.0.changed.notify_all();
    }
}
