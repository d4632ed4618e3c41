//! The child process: runs one query within limits.
//!
//! The order matters. Limits are set before the text is parsed; the sandbox is entered before the
//! query is planned; all threads of the query are started after that, because landlock applies to
//! a thread and its descendants, not to the process.

mod allow;
mod catalog;
mod dialect;
mod failure;
mod files;
mod functions;
mod guards;
mod identifier_case;
mod names;
mod numbers;
mod output;
mod parse;
mod postfix;
mod progress;
mod pushdown;
mod rewrite;
mod run;
mod semantics;
mod session;
mod shape;
mod summary;
mod udf;
mod unsupported;
mod wording;

use std::process::ExitCode;
use std::thread;

use lastcall_child::guest::limits::{self, Limits};
use lastcall_child::guest::{Wire, sandbox};

use crate::error::Fault;
use crate::protocol::{Failure, FailureKind, Query, Reply, Request};
use lastcall_child::guest::sandbox::Capabilities;

/// The stack for parsing and planning, in bytes. It is address space only: unused pages cost
/// nothing. Deep expressions recurse, and a chain of operators is deep.
const STACK: usize = 512 << 20;
/// The stack of a compute thread, in bytes. Physical expressions recurse there.
const WORKER_STACK: usize = 32 << 20;
/// Threads for reading files.
const READERS: usize = 4;

/// Serves one query over standard input and output, as a child process of [`Sql`](crate::Sql).
///
/// The exit code only tells whether the protocol was completed; the outcome of the query is a
/// message of the protocol.
pub fn main() -> ExitCode {
    limits::prepare(c"lastcall-sql");
    session::warm_up();
    match serve(Wire) {
        Ok(()) => ExitCode::SUCCESS,
        // The host is gone or violates the protocol; nobody would read a message.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(wire: Wire) -> std::io::Result<()> {
    let capabilities = sandbox::probe();
    wire.send(&Reply::Hello(capabilities))?;
    let Some(Request::Query(query)) = wire.receive()? else {
        return Ok(());
    };
    if let Some(failure) = unprotected(&query, capabilities) {
        return wire.send(&Reply::Failed(failure));
    }
    limits::apply(&limits_of(&query))?;
    let sql = query.sql.clone();
    let parsed = match on_deep_stack(move || parse::needs(&sql)) {
        Ok(needs) => needs,
        Err(failure) => return wire.send(&Reply::Failed(failure)),
    };
    wire.send(&Reply::Needs(parsed))?;
    let Some(Request::Tables(tables)) = wire.receive()? else {
        return Ok(());
    };
    let tables = match files::open(tables) {
        Ok(tables) => tables,
        Err(failure) => return wire.send(&Reply::Failed(failure)),
    };
    let readable: Vec<_> = tables.iter().map(|table| table.path.as_path()).collect();
    let capabilities = match sandbox::enter(&query.folder, &readable) {
        Ok(capabilities) => capabilities,
        Err(error) => return wire.send(&Reply::Failed(failure::of_sandbox(&error))),
    };
    if let Some(failure) = unprotected(&query, capabilities) {
        return wire.send(&Reply::Failed(failure));
    }
    wire.exit_when_the_host_is_gone();
    let outcome = on_deep_stack(move || run::run(&query, &tables, wire));
    wire.send(&match outcome {
        Ok(done) => Reply::Done(done),
        Err(failure) => Reply::Failed(failure),
    })
}

/// The failure if a required sandbox is not available.
fn unprotected(query: &Query, capabilities: Capabilities) -> Option<Failure> {
    let missing = capabilities.missing()?;
    query.require_sandbox.then(|| {
        FailureKind::Unprotected.because(Fault::new(format!(
            "SQL is off: this machine has {missing}, and sql.require_sandbox is true"
        )))
    })
}

fn limits_of(query: &Query) -> Limits {
    let stacks = STACK + (query.threads + READERS) * WORKER_STACK;
    Limits {
        memory: query.memory.saturating_add(stacks as u64),
        file: query.max_spill,
        cpu_seconds: Some(query.cpu_seconds),
    }
}

/// Runs a function on a thread with a deep stack; a panic becomes a failure.
fn on_deep_stack<T: Send + 'static>(
    function: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let thread = thread::Builder::new()
        .name("query".into())
        .stack_size(STACK)
        .spawn(function);
    match thread.map(thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(failure::of_panic(panic.as_ref())),
        Err(_) => Err(failure::no_thread(STACK)),
    }
}
