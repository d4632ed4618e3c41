//! The protocol between host and child: frames over the child's standard input and output.
//!
//! ```text
//! child                       host
//!                 ◀──────  Begin       what the child may use
//!   Ready         ──────▶              it is warm and shut in
//!                 ◀──────  Document    and its JSON as data     ⎫
//!   data …        ──────▶              the PDF                  ⎬ again and again
//!   Done or why not ───▶                                       ⎭
//! ```

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the host says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Once, before anything else.
    Begin {
        /// The child's temporary folder.
        folder: PathBuf,
        /// Bytes of memory for a document.
        memory: u64,
    },
    /// A document to set; so many bytes of JSON follow.
    Document {
        created_at: DateTime<Utc>,
        bytes: usize,
    },
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It can take a document.
    Ready,
    /// The PDF is complete.
    Done {
        /// The most bytes that the child has ever had in memory.
        resident: u64,
    },
    /// There is no PDF.
    Failed(String),
    /// There is no PDF, as the child has not what it takes.
    Exhausted(String),
}
