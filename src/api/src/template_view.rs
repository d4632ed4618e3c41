//! The template of a report, as its job shows it.

use lastcall_domain::{ReportTemplate, TemplateColors};
use serde::Serialize;
use utoipa::ToSchema;

/// The template of a report, without its text and its image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobTemplate)]
pub(crate) struct TemplateView {
    /// The template itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceView>,
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<LogoView>,
    /// The colours.
    #[serde(skip_serializing_if = "TemplateColors::is_default")]
    colors: TemplateColors,
}

/// A template, by its content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobTemplateSource)]
pub(crate) struct SourceView {
    /// The SHA-256 of its text in UTF-8, in hexadecimal.
    sha256: String,
    /// Its length in bytes.
    bytes: usize,
}

/// A logo, by what it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobTemplateLogo)]
pub(crate) struct LogoView {
    /// Its media type.
    media_type: String,
    /// Its size in bytes.
    bytes: usize,
}

impl From<&ReportTemplate> for TemplateView {
    fn from(template: &ReportTemplate) -> Self {
        Self {
            source: template.source.as_ref().map(|source| SourceView {
                sha256: source.sha256().to_owned(),
                bytes: source.text().len(),
            }),
            title: template.title.clone(),
            logo: template.logo.as_ref().map(|logo| LogoView {
                media_type: logo.media_type().to_owned(),
                bytes: logo.bytes().len(),
            }),
            colors: template.colors.clone(),
        }
    }
}
