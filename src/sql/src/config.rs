//! Limits of a query, and how its process is started.

use std::ffi::OsString;
use std::path::PathBuf;

use lastcall_child::host::OomKills;

/// The longest query, in bytes of UTF-8. Longer ones are rejected without a child process.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;

/// The limits of a query, and how its process is started.
#[derive(Clone, Debug)]
pub struct SqlConfig {
    /// The program of the child process; it has to call [`child::main`](crate::child::main).
    pub program: PathBuf,
    /// The arguments that make it do so.
    pub args: Vec<OsString>,
    /// The folder in which each process has a temporary folder of its own. It is created if it is
    /// missing; leftovers of dead processes are removed.
    pub scratch: PathBuf,
    /// Bytes of address space that a query may use beyond those of the idle child.
    pub memory: u64,
    /// Bytes that a query may spill to its temporary folder.
    pub max_spill: u64,
    /// The most rows of a result; if there are more, it is marked as truncated.
    pub max_rows: u64,
    /// The most bytes of a result, in its format; if there are more, the query fails.
    pub max_bytes: u64,
    /// The threads of a query.
    pub threads: usize,
    /// Whether queries are rejected if the operating system does not support the sandbox.
    pub require_sandbox: bool,
    /// Children that are started in advance. A query that takes one starts the next, so that one is
    /// enough unless queries come in bursts.
    pub spares: usize,
    /// Distinguishes children that the OOM killer killed from those killed otherwise.
    pub oom_kills: OomKills,
}

impl SqlConfig {
    /// The defaults: 1 GiB of memory, 4 GiB of spill, 100,000 rows, results of 256 MiB, as many
    /// threads as cores but at most 4, no sandbox required, 1 spare.
    pub fn new(
        program: impl Into<PathBuf>,
        args: Vec<OsString>,
        scratch: impl Into<PathBuf>,
    ) -> Self {
        Self {
            program: program.into(),
            args,
            scratch: scratch.into(),
            memory: 1 << 30,
            max_spill: 4 << 30,
            max_rows: 100_000,
            max_bytes: 256 << 20,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(4)),
            require_sandbox: false,
            spares: 1,
            oom_kills: OomKills::find(),
        }
    }
}
