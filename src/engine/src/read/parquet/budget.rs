//! The memory of a file's pages, and the error that stopped reading.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lastcall_domain::Dependency;
use parquet::errors::ParquetError;

use super::footer::failed;
use crate::EngineError;

/// The limit on pages of all columns in memory.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) limit: usize,
    /// The largest value.
    pub(super) record: usize,
    held: AtomicUsize,
    /// The engine's error that stopped reading, as the library only keeps the text of errors.
    fault: Mutex<Option<EngineError>>,
}

impl Budget {
    pub(super) fn new(limit: usize, record: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            record,
            held: AtomicUsize::new(0),
            fault: Mutex::default(),
        })
    }

    /// Records why reading has to stop; returns the error for the library.
    pub(super) fn refuse(&self, fault: EngineError) -> ParquetError {
        let error = ParquetError::General(fault.to_string());
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        error
    }

    /// The error for the library after a failed read of the file.
    pub(super) fn unreadable(&self, error: io::Error) -> ParquetError {
        match Dependency::of_work_io(&error) {
            // The fault of the machine: the library's error would keep its text only.
            Some(_) => self.refuse(EngineError::Io(error)),
            None => error.into(),
        }
    }

    /// The engine's error for one of the library.
    pub(super) fn to_engine_error(&self, error: ParquetError) -> EngineError {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take().unwrap_or_else(|| failed(error))
    }

    /// Records that a holder has `now` bytes in place of `before`; returns the bytes of all
    /// holders.
    pub(super) fn hold(&self, before: usize, now: usize) -> usize {
        self.held.fetch_sub(before, Ordering::Relaxed);
        let others = self.held.fetch_add(now, Ordering::Relaxed);
        others.saturating_add(now)
    }
}
