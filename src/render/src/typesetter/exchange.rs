//! The exchange with a child about one document.

use std::io;

use bytes::Bytes;
use lastcall_child::host::{Frame, Process};

use super::TypesetterConfig;
use super::protocol::{Reply, Request};
use crate::error::RenderError;
use crate::pdf::Manuscript;

/// The largest PDF, in bytes. The limits of a report keep it to a few MiB.
const MAX_PDF: usize = 64 << 20;
/// The largest PDF from a caller's template.
const MAX_OWN_PDF: usize = 16 << 20;

/// Why an exchange ended without a PDF.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// For a known reason.
    Failed(RenderError),
    /// The child is gone, or violates the protocol.
    Lost,
}

impl From<io::Error> for ExchangeError {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// A child and its usage.
#[derive(Debug)]
pub(super) struct TypesetProcess {
    pub(super) inner: Process,
    ready: bool,
    documents: u32,
    resident: u64,
}

impl TypesetProcess {
    pub(super) fn new(process: Process) -> Self {
        Self {
            inner: process,
            ready: false,
            documents: 0,
            resident: 0,
        }
    }

    /// Whether it is to be replaced.
    pub(super) fn needs_replacement(&self, config: &TypesetterConfig) -> bool {
        self.documents >= config.max_documents || self.resident >= config.max_resident
    }

    /// Sends a document and receives its PDF.
    pub(super) async fn typeset(
        &mut self,
        manuscript: &Manuscript,
        config: &TypesetterConfig,
    ) -> Result<Vec<u8>, ExchangeError> {
        let theme = &manuscript.theme;
        if !self.ready {
            let folder = self.inner.folder().to_owned();
            let begin = Request::Begin {
                folder,
                memory: config.memory,
                cpu_seconds: theme.is_untrusted().then_some(config.template_cpu_seconds),
            };
            self.inner.send(&begin).await?;
            match self.inner.receive().await? {
                Frame::Control(Reply::Ready(capabilities)) => {
                    let required = config.require_sandbox && theme.is_untrusted();
                    if let Some(missing) = capabilities.missing().filter(|_| required) {
                        return Err(ExchangeError::Failed(RenderError::Unprotected(missing)));
                    }
                    self.ready = true;
                }
                Frame::Control(Reply::Failed(why)) => {
                    return Err(ExchangeError::Failed(RenderError::Unavailable(why)));
                }
                Frame::Control(_) | Frame::Data(_) => return Err(ExchangeError::Lost),
            }
        }
        self.documents += 1;
        let document = Request::Document {
            created_at: manuscript.created_at,
            bytes: manuscript.json.len(),
            template: theme.source.as_ref().map(String::len),
            logo: theme.logo.as_ref().map(Bytes::len),
            colors: theme.colors.clone(),
        };
        self.inner.send(&document).await?;
        self.inner.send_data(manuscript.json.as_bytes()).await?;
        for part in [
            theme.source.as_ref().map(String::as_bytes),
            theme.logo.as_deref(),
        ] {
            self.inner.send_data(part.unwrap_or_default()).await?;
        }
        let mut pdf = Vec::new();
        loop {
            match self.inner.receive().await? {
                Frame::Data(bytes)
                    if theme.is_untrusted() && pdf.len() + bytes.len() > MAX_OWN_PDF =>
                {
                    return Err(ExchangeError::Failed(RenderError::Template(format!(
                        "the PDF has more than {} MiB",
                        MAX_OWN_PDF >> 20
                    ))));
                }
                Frame::Data(bytes) if pdf.len() + bytes.len() > MAX_PDF => {
                    return Err(ExchangeError::Failed(RenderError::Exhausted(format!(
                        "the PDF has more than {MAX_PDF} bytes"
                    ))));
                }
                Frame::Data(bytes) => pdf.extend_from_slice(&bytes),
                Frame::Control(Reply::Done { resident }) => {
                    self.resident = resident;
                    return Ok(pdf);
                }
                Frame::Control(Reply::Failed(why)) => {
                    return Err(ExchangeError::Failed(RenderError::Typeset(why)));
                }
                Frame::Control(Reply::TemplateFailed(why)) => {
                    return Err(ExchangeError::Failed(RenderError::Template(why)));
                }
                Frame::Control(Reply::Exhausted(why)) => {
                    return Err(ExchangeError::Failed(RenderError::Exhausted(why)));
                }
                Frame::Control(Reply::Ready(_)) => return Err(ExchangeError::Lost),
            }
        }
    }
}
