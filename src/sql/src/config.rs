//! Limits of a query, and how its process is started.

use std::ffi::OsString;
use std::path::PathBuf;

use lastcall_child::host::OomKills;

/// Longer queries are refused before a child sees them, in bytes of UTF-8.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;

/// What a query may use, and how its process is started.
#[derive(Clone, Debug)]
pub struct SqlConfig {
    /// The program of the child; it has to call [`child::main`](crate::child::main).
    pub program: PathBuf,
    /// The arguments that make it do so.
    pub args: Vec<OsString>,
    /// The folder in which each process has a temporary folder of its own. It is made when it is
    /// missing; what dead processes left in it is removed.
    pub scratch: PathBuf,
    /// Bytes of address space that a query may add to what the idle child has mapped.
    pub memory: u64,
    /// Bytes that a query may spill to its temporary folder.
    pub max_spill: u64,
    /// Rows of an answer; what is beyond is cut off and said to be.
    pub max_rows: u64,
    /// Bytes of an answer, in its format; beyond it the query fails.
    pub max_bytes: u64,
    /// Threads that a query computes on.
    pub threads: usize,
    /// Whether queries are refused where the operating system cannot shut them in.
    pub require_sandbox: bool,
    /// Children that are started before there is a query for them. A query that takes one has the
    /// next one started, so that one is enough unless queries come in bursts.
    pub spares: usize,
    /// What tells a child that the kernel killed for want of memory from one that somebody killed.
    pub oom_kills: OomKills,
}

impl SqlConfig {
    /// The defaults: 1 GiB of memory, 4 GiB of spill, 100,000 rows, 256 MiB of answer, as many
    /// threads as there are cores but no more than 4, no sandbox required, 1 spare.
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
