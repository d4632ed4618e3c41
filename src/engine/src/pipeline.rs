//! One pass over a dataset on several threads, with the same result on any number of them.
//!
//! Chunks are read one after the other and parsed into batches in parallel; then every consumer
//! takes every batch. A consumer sees the batches in the order of the data, one at a time, so its
//! result does not depend on threads or timing; different consumers run in parallel. The caller's
//! thread works too: without helpers, everything runs on it.

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

/// Computes something from all batches, in order.
pub(crate) trait Consumer: Send {
    /// Takes the next batch.
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError>;
}

type Parse<'a> = dyn Fn(Chunk) -> Result<Batch, EngineError> + Sync + 'a;

/// Runs the pass to completion.
///
/// # Errors
/// The first error in the order of the data, or [`EngineError::Cancelled`]. All helpers have ended
/// when it returns.
pub(crate) fn run(
    input: Box<dyn Input>,
    parse: &Parse<'_>,
    consumers: Vec<Box<dyn Consumer + '_>>,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<(), EngineError> {
    let helpers = resources.helpers;
    let pipeline = Pipeline {
        input: Mutex::new(input),
        parse,
        state: Mutex::new(State {
            consumers: consumers.iter().map(|_| ConsumerState::default()).collect(),
            ..State::default()
        }),
        consumers: consumers.into_iter().map(Mutex::new).collect(),
        changed: Condvar::new(),
        window: resources.limits.chunks.min(2 * helpers + 2),
        context,
    };
    std::thread::scope(|scope| {
        let helper = || {
            let thread = std::thread::Builder::new().name("engine".into());
            // A thread that cannot be started is one helper fewer.
            thread.spawn_scoped(scope, || pipeline.work()).ok()
        };
        let helpers: Vec<_> = (0..helpers).filter_map(|_| helper()).collect();
        pipeline.work();
        for helper in helpers {
            // The scope waits for the closure only, `join` for the thread's exit. A panic is
            // recorded in the state.
            let _ = helper.join();
        }
    });
    let state = pipeline
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.failed {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

struct Pipeline<'a> {
    input: Mutex<Box<dyn Input>>,
    parse: &'a Parse<'a>,
    consumers: Vec<Mutex<Box<dyn Consumer + 'a>>>,
    state: Mutex<State>,
    changed: Condvar,
    /// The limit on chunks and batches in memory.
    window: usize,
    context: JobContext<'a>,
}

#[derive(Default)]
struct State {
    reading: bool,
    ended: bool,
    /// The number of chunks read, which is also the number of the next one.
    read: usize,
    chunks: VecDeque<(usize, Chunk)>,
    batches: BTreeMap<usize, Arc<Batch>>,
    consumers: Vec<ConsumerState>,
    /// The error with the lowest chunk number.
    failed: Option<(usize, EngineError)>,
    idle: usize,
}

#[derive(Clone, Copy, Default)]
struct ConsumerState {
    next: usize,
    busy: bool,
}

enum Task {
    Read,
    Parse(usize, Chunk),
    Consume(usize, usize, Arc<Batch>),
    Wait,
    End,
}

impl State {
    /// Consuming comes first, as it frees batches; then parsing, then reading.
    fn next_task(&mut self, window: usize) -> Task {
        if self.failed.is_some() {
            return Task::End;
        }
        let is_ready =
            |consumer: &ConsumerState| !consumer.busy && self.batches.contains_key(&consumer.next);
        let ready = self
            .consumers
            .iter()
            .enumerate()
            .filter(|(_, consumer)| is_ready(consumer));
        if let Some((at, consumer)) = ready.min_by_key(|(_, consumer)| consumer.next)
            && let Some(batch) = self.batches.get(&consumer.next)
        {
            let task = Task::Consume(at, consumer.next, Arc::clone(batch));
            self.consumers[at].busy = true;
            return task;
        }
        if let Some((number, chunk)) = self.chunks.pop_front() {
            return Task::Parse(number, chunk);
        }
        let oldest = self
            .consumers
            .iter()
            .map(|consumer| consumer.next)
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

impl Pipeline<'_> {
    fn work(&self) {
        // After a panic, the other threads must not wait for work that never comes.
        let guard = FailOnPanic(self);
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
        std::mem::forget(guard);
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
            Task::Consume(at, number, batch) => {
                let mut consumer = self.consumers[at]
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let consumed = consumer.consume(&batch, self.context);
                drop(consumer);
                let mut state = self.lock();
                state.consumers[at] = ConsumerState {
                    next: number + 1,
                    busy: false,
                };
                if let Err(error) = consumed {
                    state.fail(number, error);
                }
                if state
                    .consumers
                    .iter()
                    .all(|consumer| consumer.next > number)
                {
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

/// Ends the pass if the thread unwinds.
struct FailOnPanic<'a, 'b>(&'a Pipeline<'b>);

impl Drop for FailOnPanic<'_, '_> {
    fn drop(&mut self) {
        self.0
            .lock()
            .fail(0, EngineError::internal("a worker panicked"));
        self.0.changed.notify_all();
    }
}
