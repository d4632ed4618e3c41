//! The caller's own template of a report, with a title, a logo and colours.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::InvalidOption;

/// The longest template, in bytes.
pub const MAX_TEMPLATE: usize = 128 * 1024;
/// The longest title of a report, in characters.
pub const MAX_REPORT_TITLE: usize = 200;
/// The largest logo, in bytes.
pub const MAX_LOGO: usize = 256 * 1024;

/// The look of a PDF, as stored in the job's row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportTemplate {
    /// The template; the standard one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<TemplateSource>,
    /// The title of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// The colours.
    #[serde(skip_serializing_if = "TemplateColors::is_default")]
    pub colors: TemplateColors,
}

impl ReportTemplate {
    /// Checks the title and the colours. Sources and logos are valid by construction.
    ///
    /// # Errors
    /// The first invalid part.
    pub fn check(&self) -> Result<(), InvalidOption> {
        match &self.title {
            Some(title) if title.trim().is_empty() => {
                return invalid("template.title", "it is empty");
            }
            Some(title) if title.chars().count() > MAX_REPORT_TITLE => {
                let detail = format!("it has more than {MAX_REPORT_TITLE} characters");
                return invalid("template.title", detail);
            }
            _ => {}
        }
        self.colors.check()
    }
}

/// The text of a template, in typst's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSource {
    text: String,
    sha256: String,
}

impl TemplateSource {
    /// A template.
    ///
    /// # Errors
    /// If it is empty or has more than [`MAX_TEMPLATE`] bytes.
    pub fn new(text: String) -> Result<Self, InvalidOption> {
        if text.trim().is_empty() {
            return invalid("template.source", "it is empty");
        }
        if text.len() > MAX_TEMPLATE {
            let detail = format!("it has {} bytes, more than {MAX_TEMPLATE}", text.len());
            return invalid("template.source", detail);
        }
        let sha256 = Sha256::digest(text.as_bytes());
        let sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { text, sha256 })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of the text, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// A logo: a PNG, JPEG or SVG image. In JSON, its bytes are in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo(Bytes);

impl Logo {
    /// A logo from the bytes of its file.
    ///
    /// # Errors
    /// If it has more than [`MAX_LOGO`] bytes, or does not begin like a PNG, JPEG or SVG. Whether
    /// the rest can be decoded shows when the report is rendered.
    pub fn new(bytes: Bytes) -> Result<Self, InvalidOption> {
        if bytes.len() > MAX_LOGO {
            let detail = format!("it has {} bytes, more than {MAX_LOGO}", bytes.len());
            return invalid("template.logo", detail);
        }
        match media_type(&bytes) {
            Some(_) => Ok(Self(bytes)),
            None => invalid("template.logo", "it is not a PNG, JPEG or SVG image"),
        }
    }

    /// A logo from the bytes of its file in base64.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and if it is not base64 (the alphabet with `+` and `/`, padded).
    pub fn from_base64(text: &str) -> Result<Self, InvalidOption> {
        match STANDARD.decode(text) {
            Ok(bytes) => Self::new(bytes.into()),
            Err(error) => invalid("template.logo", format!("it is not base64: {error}")),
        }
    }

    /// The bytes of the image.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The media type of the image.
    pub fn media_type(&self) -> &'static str {
        media_type(&self.0).unwrap_or("application/octet-stream")
    }
}

impl Serialize for Logo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Logo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_base64(&text).map_err(D::Error::custom)
    }
}

/// The media type of the image, by its first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    /// How far typst looks for the namespace that identifies an SVG.
    const HEAD: usize = 2048;
    const NAMESPACE: &[u8] = b"http://www.w3.org/2000/svg";
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some("image/jpeg");
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let mut pieces = head.windows(NAMESPACE.len());
    let is_svg = text.starts_with(b"<") && pieces.any(|piece| piece == NAMESPACE);
    is_svg.then_some("image/svg+xml")
}

/// The colours of a report, `#rgb` or `#rrggbb` each; those that are left out are the standard's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TemplateColors {
    /// Links, the kind of the report, and the bars and the first line of charts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schema(example = "#8a1c3c", pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    )]
    pub accent: Option<String>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schema(pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    )]
    pub text: Option<String>,
    /// Text of less weight: labels, captions, headers, footers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schema(pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    )]
    pub muted: Option<String>,
    /// Lines and frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schema(pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    )]
    pub line: Option<String>,
    /// The ground of table headers and of queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schema(pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    )]
    pub background: Option<String>,
}

impl TemplateColors {
    /// Whether every colour is the standard's.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self) -> Result<(), InvalidOption> {
        let all = [
            ("template.colors.accent", &self.accent),
            ("template.colors.text", &self.text),
            ("template.colors.muted", &self.muted),
            ("template.colors.line", &self.line),
            ("template.colors.background", &self.background),
        ];
        for (option, color) in all {
            if color.as_deref().is_some_and(|color| !is_color(color)) {
                return invalid(option, "it is not a color as `#rgb` or `#rrggbb`");
            }
        }
        Ok(())
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn invalid<T>(option: &'static str, detail: impl Into<String>) -> Result<T, InvalidOption> {
    Err(InvalidOption::new(Cow::Borrowed(option), detail))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    #[test]
    fn a_template_is_read_as_it_was_written() {
        let template = ReportTemplate {
            source: Some(TemplateSource::new("= Hello".to_owned()).unwrap()),
            title: Some("Quarter".to_owned()),
            logo: Some(Logo::new(Bytes::from_static(PNG)).unwrap()),
            colors: TemplateColors {
                accent: Some("#abc".to_owned()),
                ..TemplateColors::default()
            },
        };
        assert_eq!(template.check(), Ok(()));
        let row = serde_json::to_string(&template).unwrap();
        assert_eq!(
            serde_json::from_str::<ReportTemplate>(&row).unwrap(),
            template
        );
        let none: ReportTemplate = serde_json::from_str("{}").unwrap();
        assert_eq!(none, ReportTemplate::default());
    }

    #[test]
    fn a_source_has_a_bound_and_a_digest() {
        let most = TemplateSource::new("x".repeat(MAX_TEMPLATE)).unwrap();
        assert_eq!(most.text().len(), MAX_TEMPLATE);
        for text in [
            String::new(),
            "\n ".to_owned(),
            "x".repeat(MAX_TEMPLATE + 1),
        ] {
            let error = TemplateSource::new(text).unwrap_err();
            assert_eq!(error.option, "template.source");
        }
        let known = TemplateSource::new("abc".to_owned()).unwrap();
        assert!(known.sha256().starts_with("ba7816bf8f01cfea"));
    }

    #[test]
    fn logos_are_images_of_three_formats_and_not_too_large() {
        let svg =
            "<?xml version='1.0'?>\n<!-- by hand -->\n<svg xmlns='http://www.w3.org/2000/svg'/>";
        for (bytes, expected) in [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (svg.as_bytes(), "image/svg+xml"),
        ] {
            let logo = Logo::new(Bytes::copy_from_slice(bytes)).unwrap();
            assert_eq!(logo.media_type(), expected);
        }
        let mut large = PNG.to_vec();
        large.resize(MAX_LOGO + 1, 0);
        for bytes in [
            &large[..],
            b"",
            b"GIF89a",
            b"<html>",
            b"%PDF-1.7",
            b"a <svg",
        ] {
            let error = Logo::new(Bytes::copy_from_slice(bytes)).unwrap_err();
            assert_eq!(error.option, "template.logo");
        }
        let error = Logo::from_base64("a!").unwrap_err();
        assert!(error.detail.contains("base64"), "{error}");
    }

    #[test]
    fn a_title_and_colors_that_make_no_sense_are_named() {
        for (template, named) in [
            (r#"{"title":" "}"#.to_owned(), "template.title"),
            (
                format!(r#"{{"title":"{}"}}"#, "x".repeat(201)),
                "template.title",
            ),
            (
                r##"{"colors":{"accent":"red"}}"##.to_owned(),
                "template.colors.accent",
            ),
            (
                r##"{"colors":{"line":"#12345"}}"##.to_owned(),
                "template.colors.line",
            ),
            (
                r##"{"colors":{"muted":"#gggggg"}}"##.to_owned(),
                "template.colors.muted",
            ),
        ] {
            let template: ReportTemplate = serde_json::from_str(&template).unwrap();
            assert_eq!(template.check().unwrap_err().option, named);
        }
    }
}
