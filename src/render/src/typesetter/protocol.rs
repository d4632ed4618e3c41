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
//!
//! After the JSON come a caller's template and logo, where the document has them; the child of
//! such a document sets no other.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use lastcall_child::guest::sandbox::Capabilities;
use lastcall_domain::TemplateColors;
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
        /// Seconds of processor time for all documents, where they are bounded.
        cpu_seconds: Option<u64>,
    },
    /// A document to set; so many bytes of JSON follow, and then so many of the template and of
    /// the logo.
    Document {
        created_at: DateTime<Utc>,
        bytes: usize,
        template: Option<usize>,
        logo: Option<usize>,
        colors: TemplateColors,
    },
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It can take a document, and is shut in by these.
    Ready(Capabilities),
    /// The PDF is complete.
    Done {
        /// The most bytes that the child has ever had in memory.
        resident: u64,
    },
    /// There is no PDF.
    Failed(String),
    /// There is no PDF, for a fault of the caller's template or logo.
    Mistaken(String),
    /// There is no PDF, as the child has not what it takes.
    Exhausted(String),
}
