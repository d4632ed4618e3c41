//! The engine: analyses on a bounded number of threads in bounded memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::assert_may_compute;
use lastcall_domain::check::CheckReport;
use lastcall_domain::compare::{Comparison, DriftThresholds};
use lastcall_domain::correlation::CorrelationReport;
use lastcall_domain::profile::{ColumnType, Profile};
use lastcall_domain::{Cancel, Field, ProfileOptions, Progress, ReadOptions, ReadReport};

use crate::job::JobContext;
use crate::limits::{Limits, MIN_MEMORY};
use crate::pipeline::Resources;
use crate::{CheckInput, EngineError, Source, check, compare, convert, correlation, profile};

/// The configuration of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Helper threads of all analyses together. Callers' threads work as well; with 0 they do all
    /// the work.
    pub threads: usize,
    /// Memory of all analyses together, in bytes.
    pub memory: u64,
    /// A folder for temporary files.
    pub scratch: PathBuf,
}

/// Runs analyses, from several threads at once. They share its threads and its memory: an analysis
/// waits until its memory is free.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    closed: Arc<AtomicBool>,
    shares: Mutex<Shares>,
    changed: Condvar,
}

#[derive(Debug)]
struct Shares {
    helpers: usize,
    memory: u64,
    running: usize,
}

/// The schema of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The columns.
    pub columns: Vec<Field>,
    /// Rows of data without the header; `None` if they were not counted.
    pub rows: Option<u64>,
    /// How it was read.
    pub read: ReadReport,
}

/// The most memory that statistics use for a byte of text: a value of two bytes is held in 16, and
/// memory is divided among columns.
const PER_BYTE: u64 = 128;
/// Memory for the smallest dataset.
const BASE: u64 = 32 << 20;

impl Engine {
    /// Creates an engine; analyses start the threads that they use.
    pub fn new(config: EngineConfig) -> Self {
        Self {
            shares: Mutex::new(Shares {
                helpers: config.threads,
                memory: config.memory,
                running: 0,
            }),
            closed: Arc::new(AtomicBool::new(false)),
            changed: Condvar::new(),
            config,
        }
    }

    /// Profiles a dataset. Blocks until it is done; `cancel` ends it within milliseconds. No thread
    /// and no file is left behind, whatever the outcome.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn profile(
        &self,
        source: Source,
        options: &ProfileOptions,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Profile, EngineError> {
        let context = self.context(cancel, progress);
        let share = self.enter(&source, context)?;
        profile::profile(&source, options, &share.resources, context)
    }

    /// Computes the correlations of a dataset's columns, with p-values. Blocks like
    /// [`profile`](Self::profile).
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn correlation(
        &self,
        source: Source,
        options: &ReadOptions,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<CorrelationReport, EngineError> {
        let context = self.context(cancel, progress);
        let share = self.enter(&source, context)?;
        correlation::correlation(&source, options, &share.resources, context)
    }

    /// Compares a candidate with a baseline. Blocks like [`profile`](Self::profile).
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn compare(
        &self,
        baseline: Source,
        candidate: Source,
        options: &ReadOptions,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Comparison, EngineError> {
        let thresholds = DriftThresholds::default();
        let (baseline, candidate) = ((baseline, options), (candidate, options));
        self.compare_with(baseline, candidate, &thresholds, cancel, progress)
    }

    /// Like [`compare`](Self::compare), with read options for each dataset and thresholds.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn compare_with(
        &self,
        (mut baseline, read): (Source, &ReadOptions),
        (mut candidate, read_candidate): (Source, &ReadOptions),
        thresholds: &DriftThresholds,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Comparison, EngineError> {
        // Texts of both sides are compared by hash.
        let seed = baseline.seed.rotate_left(1) ^ candidate.seed;
        (baseline.seed, candidate.seed) = (seed, seed);
        let context = self.context(cancel, progress);
        let larger = if baseline.size()? > candidate.size()? {
            &baseline
        } else {
            &candidate
        };
        let share = self.enter(larger, context)?;
        compare::compare(
            (&baseline, read),
            (&candidate, read_candidate),
            thresholds,
            &share.resources,
            context,
        )
    }

    /// Checks a dataset against a contract, except checks by queries. Blocks like
    /// [`profile`](Self::profile).
    ///
    /// # Errors
    /// See [`EngineError`]. A check that cannot be evaluated is reported as such.
    pub fn check(
        &self,
        input: &CheckInput<'_>,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<CheckReport, EngineError> {
        let context = self.context(cancel, progress);
        let mut largest = (input.source.size()?, input.source);
        for (source, _) in input.references.values() {
            let size = source.size()?;
            if size > largest.0 {
                largest = (size, source);
            }
        }
        let share = self.enter(largest.1, context)?;
        check::check(input, &share.resources, context)
    }

    /// The names and types of the columns, inferred from all rows, and how they were read. Takes
    /// half the time of a profile for text; of Parquet, only the footer is read.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn describe(
        &self,
        source: Source,
        options: &ReadOptions,
        cancel: &Cancel,
    ) -> Result<Description, EngineError> {
        let progress = Progress::new();
        let context = self.context(cancel, &progress);
        let share = self.enter(&source, context)?;
        convert::describe(&source, options, &share.resources, context)
    }

    /// Only the columns of [`describe`](Self::describe).
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn schema(
        &self,
        source: Source,
        options: &ReadOptions,
        cancel: &Cancel,
    ) -> Result<Vec<(String, ColumnType)>, EngineError> {
        let columns = self.describe(source, options, cancel)?.columns.into_iter();
        Ok(columns.map(|field| (field.name, field.kind)).collect())
    }

    /// [`to_parquet`](Self::to_parquet) into an open file; returns how the dataset was read. The
    /// contents of the file are replaced; its name is not used, so that it may be removed at any
    /// time.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn materialize(
        &self,
        source: Source,
        options: &ReadOptions,
        out: &File,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Description, EngineError> {
        let context = self.context(cancel, progress);
        let share = self.enter(&source, context)?;
        convert::to_parquet(&source, options, out, &share.resources, context)
    }

    /// Writes a dataset of any format to `out` as Parquet, with the types of
    /// [`schema`](Self::schema): missing cells are null, dates are `Date32`, timestamps
    /// `Timestamp(µs, UTC)`, integers `Int64`, floats `Float64`, text `Utf8`. Blocks until it is
    /// done; `cancel` ends it within milliseconds. `out` is removed unless it is complete.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn to_parquet(
        &self,
        source: Source,
        options: &ReadOptions,
        out: &Path,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Vec<(String, ColumnType)>, EngineError> {
        let file = File::create(out)?;
        let written = self.materialize(source, options, &file, cancel, progress);
        if written.is_err() {
            // An incomplete file is useless. The error to report is not that of its removal.
            let _ = std::fs::remove_file(out);
        }
        let columns = written?.columns.into_iter();
        Ok(columns.map(|field| (field.name, field.kind)).collect())
    }

    /// Ends all analyses with [`EngineError::ShutDown`] and waits for them; no new one starts.
    pub fn shutdown(&self) {
        self.closed.store(true, Ordering::Release);
        let mut shares = self.lock();
        while shares.running > 0 {
            shares = self
                .changed
                .wait(shares)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn context<'a>(&'a self, cancel: &'a Cancel, progress: &'a Progress) -> JobContext<'a> {
        JobContext {
            cancel,
            closed: &self.closed,
            progress,
        }
    }

    /// Reserves a part of the shared memory for other work. Blocks until it is free; `cancel` ends
    /// that within milliseconds.
    ///
    /// # Errors
    /// [`EngineError::ResourceExhausted`] if it is more than one analysis may have, and
    /// [`EngineError::Cancelled`].
    pub fn reserve(&self, bytes: u64, cancel: &Cancel) -> Result<Reservation<'_>, EngineError> {
        let progress = Progress::new();
        let context = self.context(cancel, &progress);
        let largest = self.config.memory / 2;
        if bytes > largest {
            return Err(EngineError::ResourceExhausted {
                detail: format!("{bytes} bytes exceed the limit of {largest} for one job"),
            });
        }
        let mut shares = self.wait_for(bytes, context)?;
        shares.memory -= bytes;
        shares.running += 1;
        let share = Share {
            engine: self,
            memory: bytes,
            resources: Resources {
                limits: Limits::new(largest),
                helpers: 0,
                scratch: &self.config.scratch,
            },
        };
        Ok(Reservation { _share: share })
    }

    /// Waits for a share of the memory, and takes the free helpers.
    fn enter(&self, source: &Source, context: JobContext<'_>) -> Result<Share<'_>, EngineError> {
        assert_may_compute();
        let bytes = source.size()?;
        let largest = self.config.memory / 2;
        if largest < MIN_MEMORY {
            return Err(EngineError::ResourceExhausted {
                detail: format!(
                    "{} bytes are configured, at least {} are needed",
                    self.config.memory,
                    2 * MIN_MEMORY
                ),
            });
        }
        // The granted memory is reserved. Small datasets reserve less; the size of a compressed one
        // is unknown.
        let memory = match source.is_compressed()? {
            true => largest,
            false => bytes
                .saturating_mul(PER_BYTE)
                .saturating_add(BASE)
                .min(largest),
        };
        let mut shares = self.wait_for(memory, context)?;
        // A dataset of one chunk does not need a second thread.
        let limits = Limits::new(memory);
        let wanted = usize::try_from(bytes).map_or(usize::MAX, |bytes| bytes / limits.chunk);
        let helpers = shares.helpers.min(wanted);
        shares.helpers -= helpers;
        shares.memory -= memory;
        shares.running += 1;
        Ok(Share {
            engine: self,
            memory,
            resources: Resources {
                limits,
                helpers,
                scratch: &self.config.scratch,
            },
        })
    }

    /// Waits until this much memory is free.
    fn wait_for(
        &self,
        memory: u64,
        context: JobContext<'_>,
    ) -> Result<MutexGuard<'_, Shares>, EngineError> {
        let mut shares = self.lock();
        while shares.memory < memory {
            context.check()?;
            let nap = Duration::from_millis(10);
            let (guard, _) = self
                .changed
                .wait_timeout(shares, nap)
                .unwrap_or_else(PoisonError::into_inner);
            shares = guard;
        }
        Ok(shares)
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory reserved by [`Engine::reserve`], released on drop.
#[must_use = "the memory is given back when this is dropped"]
pub struct Reservation<'a> {
    _share: Share<'a>,
}

/// The share of one analysis, released on drop.
struct Share<'a> {
    engine: &'a Engine,
    memory: u64,
    resources: Resources<'a>,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut shares = self.engine.lock();
        shares.helpers += self.resources.helpers;
        shares.memory += self.memory;
        shares.running -= 1;
        drop(shares);
        self.engine.changed.notify_all();
    }
}
