//! Limits enforced by the operating system: memory, time, files.

use std::ffi::CStr;
use std::io;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};

/// The most open files. Spilled runs are many, but merged a few at a time.
pub const FILES: usize = 1024;

/// What a child may use from now on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of address space beyond what is already mapped. Only enforced on Linux.
    pub memory: u64,
    /// The largest file that it may write, in bytes.
    pub file: u64,
    /// Seconds of processor time over all threads, if bounded.
    pub cpu_seconds: Option<u64>,
}

/// Prepares a child, before it starts any thread, because threads inherit all of it.
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
        // If this fails, the end of standard input still ends the child.
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    }
}

/// Sets the name in process listings: the child was started through a link whose name says nothing.
fn set_process_name(name: &CStr) {
    #[cfg(target_os = "linux")]
    {
        // If this fails, the link's name stays.
        let _ = nix::sys::prctl::set_name(name);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// Leaves termination to the host: a service manager may signal every process of the service, while
/// a drain still needs this one's result.
fn block_termination_signals() {
    let mut stops = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        stops.add(signal);
    }
    // If this fails, a stop interrupts the work, and it runs again.
    let _ = stops.thread_block();
}

/// Gives the service's threads precedence over this process.
fn lower_priority() {
    // If this fails, the child competes for the cores like any process.
    let _ = rustix::process::nice(lastcall_domain::NICENESS);
}

/// Makes the kernel kill this process, not the service, when the machine runs out of memory.
fn set_oom_score() {
    // Without this file, the limit of the address space remains.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Sets the limits, before any input from a caller is read.
///
/// # Errors
/// When the operating system refuses.
pub fn apply(limits: &Limits) -> io::Result<()> {
    let mut resources = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, limits.file),
        (Resource::RLIMIT_NOFILE, FILES as u64),
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

/// The address space that is already mapped, in bytes: the program and its warm state, which do not
/// count.
#[cfg(target_os = "linux")]
fn mapped() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| io::Error::other("no VmSize"))? * 1024)
}
