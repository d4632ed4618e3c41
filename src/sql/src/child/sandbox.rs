//! Shuts the query in: no file but its tables and its temporary folder, no socket, no program.
//!
//! Both nets bind the calling thread and every thread that it starts later.

use std::io;
use std::path::Path;

use crate::protocol::{Capabilities, Table};

/// Shuts the calling thread in as far as the kernel can.
///
/// # Errors
/// When the kernel has a net and refuses to put it up, or a table cannot be opened.
#[cfg(target_os = "linux")]
pub(super) fn enter(folder: &Path, tables: &[Table]) -> io::Result<Capabilities> {
    let files = linux::close_files(folder, tables).map_err(io::Error::other)?;
    let system_calls = super::syscalls::close()?;
    Ok(Capabilities {
        files,
        system_calls,
    })
}

/// Shuts nothing: there are limits and the plan's checks.
#[cfg(not(target_os = "linux"))]
pub(super) fn enter(_: &Path, _: &[Table]) -> io::Result<Capabilities> {
    Ok(Capabilities::default())
}

/// Finds out what the kernel can, in a thread that ends with it.
pub(super) fn probe() -> Capabilities {
    let probe = std::thread::Builder::new().name("probe".into()).spawn(|| {
        let nowhere = Path::new("/");
        enter(nowhere, &[]).unwrap_or_default()
    });
    probe
        .ok()
        .and_then(|probe| probe.join().ok())
        .unwrap_or_default()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
        Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
        path_beneath_rules,
    };

    use super::Table;

    /// Whether the kernel closed the files. It closes what it knows of; older kernels know less.
    pub(super) fn close_files(folder: &Path, tables: &[Table]) -> Result<bool, RulesetError> {
        const KNOWN: ABI = ABI::V6;
        let folder_rights = AccessFs::from_all(KNOWN) & !AccessFs::Execute;
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(KNOWN))?
            .handle_access(AccessNet::from_all(KNOWN))?
            .scope(Scope::from_all(KNOWN))?
            .create()?
            .add_rules(path_beneath_rules([folder], folder_rights))?
            .add_rules(tables.iter().filter_map(|table| {
                // A table that cannot be opened fails where it is read, with a better message.
                let file = PathFd::new(&table.path).ok()?;
                let read: BitFlags<AccessFs> = AccessFs::ReadFile.into();
                Some(Ok::<_, RulesetError>(PathBeneath::new(file, read)))
            }))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}
