//! The template of a report: what a request says of it, and what a job shows of it.

use lastcall_domain::{InvalidOption, Logo, ReportTemplate, TemplateColors, TemplateSource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};
use crate::reports::DocumentFormat;

/// How a PDF is to look; each part is the standard's where it is left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTemplate {
    /// The template, in typst's language; at most 128 KiB.
    #[schema(
        min_length = 1,
        max_length = 131_072,
        example = "#import \"lastcall.typ\": body, standard\n#show: standard\n#body\n"
    )]
    source: Option<String>,
    /// The title of the report.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "Penguins of the Palmer Archipelago"
    )]
    title: Option<String>,
    /// A PNG, JPEG or SVG image in base64; at most 256 KiB when decoded.
    #[schema(content_encoding = "base64", max_length = 349_528)]
    logo: Option<String>,
    /// Colours, as `#rgb` or `#rrggbb`.
    #[serde(default)]
    colors: TemplateColors,
}

/// The template that a request asks for, if it makes sense.
///
/// # Errors
/// `invalid_template`, whose detail names the place.
pub(crate) fn checked(said: Value, format: DocumentFormat) -> ApiResult<ReportTemplate> {
    if !matches!(format, DocumentFormat::Pdf) {
        return Err(refused("a `template` is for the format `pdf` only"));
    }
    // serde would take an array's elements for the fields, in order.
    for (name, part) in [
        ("template", Some(&said)),
        ("template.colors", said.get("colors")),
    ] {
        if part.is_some_and(|part| !part.is_object()) {
            return Err(refused(format!("`{name}` has to be a JSON object")));
        }
    }
    let said: NewTemplate =
        serde_json::from_value(said).map_err(|error| refused(format!("`template`: {error}")))?;
    let invalid = |error: InvalidOption| refused(format!("`{}`: {}", error.option, error.detail));
    let template = ReportTemplate {
        source: said
            .source
            .map(TemplateSource::new)
            .transpose()
            .map_err(invalid)?,
        title: said.title,
        logo: said
            .logo
            .as_deref()
            .map(Logo::from_base64)
            .transpose()
            .map_err(invalid)?,
        colors: said.colors,
    };
    template.check().map_err(invalid)?;
    Ok(template)
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidTemplate, detail)
}

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
