//! The template of a report in a request.

use lastcall_domain::{InvalidOption, Logo, ReportTemplate, TemplateColors, TemplateSource};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::document_format::DocumentFormat;
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// The look of a PDF; omitted parts are standard.
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

/// Validates the template in a request.
///
/// # Errors
/// `invalid_template`, whose detail names the field.
pub(crate) fn checked(value: Value, format: DocumentFormat) -> ApiResult<ReportTemplate> {
    if !matches!(format, DocumentFormat::Pdf) {
        return Err(refused("a `template` is for the format `pdf` only"));
    }
    // serde would accept an array's elements as the fields, in order.
    for (name, part) in [
        ("template", Some(&value)),
        ("template.colors", value.get("colors")),
    ] {
        if part.is_some_and(|part| !part.is_object()) {
            return Err(refused(format!("`{name}` has to be a JSON object")));
        }
    }
    let value: NewTemplate =
        serde_json::from_value(value).map_err(|error| refused(format!("`template`: {error}")))?;
    let invalid = |error: InvalidOption| refused(format!("`{}`: {}", error.option, error.detail));
    let template = ReportTemplate {
        source: value
            .source
            .map(TemplateSource::new)
            .transpose()
            .map_err(invalid)?,
        title: value.title,
        logo: value
            .logo
            .as_deref()
            .map(Logo::from_base64)
            .transpose()
            .map_err(invalid)?,
        colors: value.colors,
    };
    template.check().map_err(invalid)?;
    Ok(template)
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidTemplate, detail)
}
