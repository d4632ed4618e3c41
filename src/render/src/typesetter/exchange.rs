//! The exchange with a child about one document.

use std::io;

use bytes::Bytes;
use lastcall_child::host::{Frame, Process};

use super::TypesetterConfig;
use super::protocol::{Reply, Request};
use crate::error::RenderError;
use crate::pdf::Manuscript;

/// The largest PDF, in bytes. What a document may hold makes a few.
const MAX_PDF: usize = 64 << 20;
/// The largest that a caller's template may make of it.
const MAX_OWN_PDF: usize = 16 << 20;

/// Why a conversation ended without a PDF.
#[derive(Debug)]
pub(super) enum Ending {
    /// For a reason that is known.
    Because(RenderError),
    /// The child is gone, or no longer speaks the protocol.
    Lost,
}

impl From<io::Error> for Ending {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// A child, and what it has done.
#[derive(Debug)]
pub(super) struct Setter {
    pub(super) process: Process,
    ready: bool,
    documents: u32,
    resident: u64,
}

impl Setter {
    pub(super) fn new(process: Process) -> Self {
        Self {
            process,
            ready: false,
            documents: 0,
            resident: 0,
        }
    }

    /// Whether it has done what a child is to do in its life.
    pub(super) fn is_spent(&self, config: &TypesetterConfig) -> bool {
        self.documents >= config.max_documents || self.resident >= config.max_resident
    }

    /// Hands a document over and takes its PDF.
    pub(super) async fn typeset(
        &mut self,
        manuscript: &Manuscript,
        config: &TypesetterConfig,
    ) -> Result<Vec<u8>, Ending> {
        let look = &manuscript.look;
        if !self.ready {
            let folder = self.process.folder().to_owned();
            let begin = Request::Begin {
                folder,
                memory: config.memory,
                cpu_seconds: look.is_untrusted().then_some(config.template_cpu_seconds),
            };
            self.process.send(&begin).await?;
            match self.process.receive().await? {
                Frame::Control(Reply::Ready(capabilities)) => {
                    let required = config.require_sandbox && look.is_untrusted();
                    if let Some(missing) = capabilities.missing().filter(|_| required) {
                        return Err(Ending::Because(RenderError::Unprotected(missing)));
                    }
                    self.ready = true;
                }
                Frame::Control(Reply::Failed(why)) => {
                    return Err(Ending::Because(RenderError::Unavailable(why)));
                }
                Frame::Control(_) | Frame::Data(_) => return Err(Ending::Lost),
            }
        }
        self.documents += 1;
        let document = Request::Document {
            created_at: manuscript.created_at,
            bytes: manuscript.json.len(),
            template: look.source.as_ref().map(String::len),
            logo: look.logo.as_ref().map(Bytes::len),
            colors: look.colors.clone(),
        };
        self.process.send(&document).await?;
        self.process.send_data(manuscript.json.as_bytes()).await?;
        for part in [
            look.source.as_ref().map(String::as_bytes),
            look.logo.as_deref(),
        ] {
            self.process.send_data(part.unwrap_or_default()).await?;
        }
        let mut pdf = Vec::new();
        loop {
            match self.process.receive().await? {
                Frame::Data(bytes)
                    if look.is_untrusted() && pdf.len() + bytes.len() > MAX_OWN_PDF =>
                {
                    return Err(Ending::Because(RenderError::Template(format!(
                        "the PDF has more than {} MiB",
                        MAX_OWN_PDF >> 20
                    ))));
                }
                Frame::Data(bytes) if pdf.len() + bytes.len() > MAX_PDF => {
                    return Err(Ending::Because(RenderError::Exhausted(format!(
                        "the PDF has more than {MAX_PDF} bytes"
                    ))));
                }
                Frame::Data(bytes) => pdf.extend_from_slice(&bytes),
                Frame::Control(Reply::Done { resident }) => {
                    self.resident = resident;
                    return Ok(pdf);
                }
                Frame::Control(Reply::Failed(why)) => {
                    return Err(Ending::Because(RenderError::Typeset(why)));
                }
                Frame::Control(Reply::Mistaken(why)) => {
                    return Err(Ending::Because(RenderError::Template(why)));
                }
                Frame::Control(Reply::Exhausted(why)) => {
                    return Err(Ending::Because(RenderError::Exhausted(why)));
                }
                Frame::Control(Reply::Ready(_)) => return Err(Ending::Lost),
            }
        }
    }
}
