//! Limits enforced by the operating system: memory, time, files.

use std::ffi::CStr;
use std::io;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};

/// Open files. Spilled runs are many, but merged a few at a time.
const FILES: u64 = 1024;

/// What a child may use from here on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of address space that it may add to what it has mapped. Not counted elsewhere than
    /// on Linux.
    pub memory: u64,
    /// The largest file that it writes, in bytes.
    pub file: u64,
    /// Seconds of processor time over all threads, if they are bounded.
    pub cpu_seconds: Option<u64>,
}

/// What a child does first, before it starts a thread: all of it is inherited.
pub fn prepare(name: &CStr) {
    set_process_name(name);
    block_termination_signals();
    set_parent_death_signal();
    set_oom_score();
    lower_priority();
}

/// Has the kernel kill this process when the thread that started it ends.
fn set_parent_death_signal() {
    #[cfg(target_os = "linux")]
    {
        // Without it the end of standard input is left.
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    }
}

/// Names this process for whoever lists processes: it was started through a link, whose name says
/// nothing.
fn set_process_name(name: &CStr) {
    #[cfg(target_os = "linux")]
    {
        // Without it the link's own name is left.
        let _ = nix::sys::prctl::set_name(name);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// Leaves the end to the host: a service manager may send the signal of a stop to every process
/// of the service, and a drain still wants this one's answer.
fn block_termination_signals() {
    let mut stops = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        stops.add(signal);
    }
    // Where it fails, a stop interrupts the work, and it runs again.
    let _ = stops.thread_block();
}

/// Has the kernel prefer the threads of the service that answer to all of this process.
fn lower_priority() {
    // Where it fails, the child takes its share of the cores like any program.
    let _ = rustix::process::nice(lastcall_domain::NICENESS);
}

/// Has the kernel choose this process, not the service, when the machine runs out of memory.
fn set_oom_score() {
    // Where there is no such file, the limit of the address space is left.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Sets the limits, before anything is looked at that a caller sent.
///
/// # Errors
/// When the operating system refuses.
pub fn apply(limits: &Limits) -> io::Result<()> {
    let mut resources = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, limits.file),
        (Resource::RLIMIT_NOFILE, FILES),
    ];
    #[cfg(target_os = "linux")]
    resources.push((Resource::RLIMIT_AS, mapped()?.saturating_add(limits.memory)));
    if let Some(seconds) = limits.cpu_seconds {
        resources.push((Resource::RLIMIT_CPU, seconds));
    }
    for (resource, limit) in resources {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// The address space that is mapped already, in bytes: the program, its warm state. A child is
/// not charged for it.
#[cfg(target_os = "linux")]
fn mapped() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| io::Error::other("no VmSize"))? * 1024)
}
