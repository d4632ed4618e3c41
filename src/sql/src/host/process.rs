//! The child of one query.

use std::io;

use lastcall_child::guest::sandbox::Capabilities;
use lastcall_child::host::{Frame, Process, Program, Scratch};

use crate::config::SqlConfig;
use crate::protocol::Reply;

/// A child that has greeted, or is about to.
#[derive(Debug)]
pub(super) struct QueryProcess {
    /// The process.
    pub(super) inner: Process,
    capabilities: Option<Capabilities>,
}

impl QueryProcess {
    /// Starts a child with a temporary folder of its own.
    pub(super) fn start(config: &SqlConfig, scratch: &Scratch) -> io::Result<Self> {
        let program = Program {
            path: config.program.clone(),
            args: config.args.clone(),
            env: Vec::new(),
        };
        Ok(Self {
            inner: Process::start(&program, scratch.folder("query-")?)?,
            capabilities: None,
        })
    }

    /// Waits for the child's greeting; nothing if the child is lost.
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
