//! What the operating system counts: memory, time, files.

use std::io;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};

use crate::protocol::Query;

/// Open files. Spilled runs are many, but merged a few at a time.
const FILES: u64 = 1024;
/// The stack of a thread that computes, in bytes. Physical expressions recurse there.
pub(super) const WORKER_STACK: usize = 32 << 20;
/// Threads for reading files.
pub(super) const READERS: usize = 4;

/// Has the kernel kill this process when the thread that started it ends.
pub(super) fn follow_the_host() {
    #[cfg(target_os = "linux")]
    {
        // Without it the end of standard input is left.
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    }
}

/// Names this process for whoever lists processes: it was started through a link, whose name says
/// nothing.
pub(super) fn take_a_name() {
    #[cfg(target_os = "linux")]
    {
        // Without it the link's own name is left.
        let _ = nix::sys::prctl::set_name(c"lastcall-sql");
    }
}

/// Leaves the end to the host: a service manager may send the signal of a stop to every process
/// of the service, and a drain still wants this one's answer. Before any thread is started, as
/// threads inherit it.
pub(super) fn outlast_a_stop() {
    let mut stops = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        stops.add(signal);
    }
    // Where it fails, a stop interrupts the query, and it runs again.
    let _ = stops.thread_block();
}

/// Has the kernel prefer the threads of the service that answer to all of this process. Before
/// any thread is started, as threads inherit it.
pub(super) fn step_back() {
    // Where it fails, the query takes its share of the cores like any program.
    let _ = rustix::process::nice(lastcall_domain::NICENESS);
}

/// Has the kernel choose this process, not the service, when the machine runs out of memory.
pub(super) fn go_first() {
    // Where there is no such file, the limit of the address space is left.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Sets the limits of a query, before anything of it is looked at.
pub(super) fn apply(query: &Query, stack: usize) -> io::Result<()> {
    let stacks = stack + (query.threads + READERS) * WORKER_STACK;
    let address_space = mapped()?
        .saturating_add(stacks as u64)
        .saturating_add(query.memory);
    for (resource, limit) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, query.cpu_seconds),
        (Resource::RLIMIT_FSIZE, query.max_spill),
        (Resource::RLIMIT_NOFILE, FILES),
        #[cfg(target_os = "linux")]
        (Resource::RLIMIT_AS, address_space),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// The address space that is mapped already, in bytes: the program, its warm state. A query is
/// not charged for it.
fn mapped() -> io::Result<u64> {
    if cfg!(not(target_os = "linux")) {
        return Ok(0);
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| io::Error::other("no VmSize"))? * 1024)
}
