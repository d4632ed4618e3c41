//! The state of a process according to the operating system.

use std::path::PathBuf;

fn proc(pid: i32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

fn status(pid: i32, field: &str) -> u64 {
    let text = std::fs::read_to_string(proc(pid, "status")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// Resident memory, in bytes.
pub(crate) fn resident(pid: i32) -> u64 {
    status(pid, "VmRSS") * 1024
}

/// The most resident memory that it ever had, in bytes.
pub(crate) fn peak_resident(pid: i32) -> u64 {
    status(pid, "VmHWM") * 1024
}

/// The letter that the kernel gives its state: `T` where it is stopped.
pub(crate) fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(proc(pid, "stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether it is there (and not only waiting to be reaped).
pub(crate) fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The soft limit of its open files.
#[track_caller]
pub(crate) fn soft_limit_of_files(pid: i32) -> u64 {
    let limits = std::fs::read_to_string(proc(pid, "limits")).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.expect("there is a limit").parse().unwrap()
}

/// The names of its threads.
pub(crate) fn threads(pid: i32) -> Vec<String> {
    let names = tasks(pid).map(|task| std::fs::read_to_string(task.join("comm")));
    names.flatten().map(|name| name.trim().to_owned()).collect()
}

/// The niceness of each of its threads, and their names.
pub(crate) fn niceness(pid: i32) -> Vec<(String, i32)> {
    let stats = tasks(pid).map(|task| std::fs::read_to_string(task.join("stat")));
    let niceness = |stat: &String| {
        let (before, after) = stat.rsplit_once(") ")?;
        // The 19th field of all, of which two are before.
        let niceness = after.split(' ').nth(16)?.parse().ok()?;
        Some((before.split_once(" (")?.1.to_owned(), niceness))
    };
    stats.flatten().filter_map(|stat| niceness(&stat)).collect()
}

fn tasks(pid: i32) -> impl Iterator<Item = PathBuf> {
    let tasks = std::fs::read_dir(proc(pid, "task")).into_iter().flatten();
    tasks.flatten().map(|task| task.path())
}

/// Its children.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    tasks(pid)
        .filter_map(|task| std::fs::read_to_string(task.join("children")).ok())
        .flat_map(|text| {
            let pids: Vec<i32> = text.split_whitespace().flat_map(str::parse).collect();
            pids
        })
        .collect()
}
