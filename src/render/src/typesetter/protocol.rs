//! The protocol between host and child: frames over the child's standard input and output.
//!
//! ```text
//! child                       host
//!                 ◀──────  Begin       what the child may use
//!   Ready         ──────▶              it is warm and in the sandbox
//!                 ◀──────  Document    and its JSON as data     ⎫
//!   data …        ──────▶              the PDF                  ⎬ again and again
//!   Done or why not ───▶                                       ⎭
//! ```
//!
//! The JSON is followed by a caller's template and logo, if the document has them; the child of
//! such a document typesets no other.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use lastcall_child::guest::sandbox::Capabilities;
use lastcall_domain::TemplateColors;
use serde::{Deserialize, Serialize};

/// A message of the host.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Once, before anything else.
    Begin {
        /// The child's temporary folder.
        folder: PathBuf,
        /// Bytes of memory for a document.
        memory: u64,
        /// Seconds of CPU time for all documents, if bounded.
        cpu_seconds: Option<u64>,
    },
    /// A document to typeset; that many bytes of JSON follow, then those of the template and of the
    /// logo.
    Document {
        created_at: DateTime<Utc>,
        bytes: usize,
        template: Option<usize>,
        logo: Option<usize>,
        colors: TemplateColors,
    },
}

/// A message of the child.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It can take a document; the sandbox has these capabilities.
    Ready(Capabilities),
    /// The PDF is complete.
    Done {
        /// The peak memory of the child, in bytes.
        resident: u64,
    },
    /// The document failed.
    Failed(String),
    /// The caller's template or logo failed.
    TemplateFailed(String),
    /// The child lacks a resource.
    Exhausted(String),
}
