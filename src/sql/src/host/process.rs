//! The child process of one query.

use lastcall_child::guest::sandbox::Capabilities;
use lastcall_child::host::{Frame, Process, Program, Scratch};
use lastcall_domain::Dependency;

use crate::config::SqlConfig;
use crate::error::SqlError;
use crate::protocol::Reply;

/// A child that is ready, or about to be.
#[derive(Debug)]
pub(super) struct QueryProcess {
    /// The process.
    pub(super) inner: Process,
    capabilities: Option<Capabilities>,
}

impl QueryProcess {
    /// Starts a child with a temporary folder of its own.
    pub(super) fn start(config: &SqlConfig, scratch: &Scratch) -> Result<Self, SqlError> {
        let folder = scratch.folder("query-");
        // The error has no code of the operating system; the scratch folder is the cause.
        let folder = folder.map_err(|error| SqlError::Environment {
            dependency: Dependency::Scratch,
            detail: error.to_string(),
        })?;
        let program = Program {
            path: config.program.clone(),
            args: config.args.clone(),
            env: Vec::new(),
        };
        let process = Process::start(&program, folder);
        Ok(Self {
            inner: process.map_err(|error| SqlError::of_io(&error))?,
            capabilities: None,
        })
    }

    /// Waits for the child's `Hello`; `None` if the child is lost.
    pub(super) async fn hello(&mut self) -> Option<Capabilities> {
        if self.capabilities.is_none() {
            match self.inner.receive().await {
                Ok(Frame::Control(Reply::Hello(capabilities))) => {
                    self.capabilities = Some(capabilities);
                }
                _ => return None,
            }
        }
        self.capabilities
    }
}
