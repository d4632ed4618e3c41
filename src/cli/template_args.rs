//! The user's own template, title, logo and colours as flags.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use lastcall_domain::{
    InvalidOption, Logo, MAX_LOGO, MAX_TEMPLATE, ReportFormat, ReportTemplate, TemplateColors,
    TemplateSource,
};

use super::output::Target;
use crate::exit::{Exit, Failure};

/// The look of a PDF.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "How a PDF looks")]
pub(super) struct TemplateArgs {
    /// A template in typst's language; see docs/templates.md.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// The title of the report; by default the name of the data.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// A logo: a PNG, JPEG or SVG image.
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// A colour, as `accent=#8a1c3c`: accent, text, muted, line or background; may be repeated.
    #[arg(long, value_name = "NAME=COLOR")]
    color: Vec<String>,
}

impl TemplateArgs {
    /// The files that the flags name.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = self.template.iter().chain(&self.logo);
        files.map(PathBuf::as_path)
    }

    /// The template of the flags; `None` if there are none.
    pub(super) fn template(&self, target: &Target) -> Result<Option<ReportTemplate>, Failure> {
        let usage = |error: InvalidOption| {
            Failure::new(Exit::Usage, anyhow!("{}: {}", error.option, error.detail))
        };
        let mut template = ReportTemplate {
            title: self.title.clone(),
            colors: self.colors()?,
            ..ReportTemplate::default()
        };
        if let Some(path) = &self.template {
            let text = String::from_utf8(read(path, MAX_TEMPLATE)?)
                .with_context(|| format!("{}: it is not UTF-8", path.display()));
            let text = text.map_err(|error| Failure::new(Exit::BadData, error))?;
            template.source = Some(TemplateSource::new(text).map_err(usage)?);
        }
        if let Some(path) = &self.logo {
            template.logo = Some(Logo::new(read(path, MAX_LOGO)?.into()).map_err(usage)?);
        }
        if template == ReportTemplate::default() {
            return Ok(None);
        }
        if target.format() != Some(ReportFormat::Pdf) {
            let error =
                anyhow!("a template, a title, a logo and colours are for a pdf: name one with -o");
            return Err(Failure::new(Exit::Usage, error));
        }
        template.check().map_err(usage)?;
        Ok(Some(template))
    }

    fn colors(&self) -> Result<TemplateColors, Failure> {
        let mut colors = TemplateColors::default();
        for given in &self.color {
            let (name, color) = given.split_once('=').unwrap_or((given, ""));
            let place = match name {
                "accent" => &mut colors.accent,
                "text" => &mut colors.text,
                "muted" => &mut colors.muted,
                "line" => &mut colors.line,
                "background" => &mut colors.background,
                _ => {
                    let error = anyhow!(
                        "--color {given}: name one of accent, text, muted, line, background, as \
                         accent=#8a1c3c"
                    );
                    return Err(Failure::new(Exit::Usage, error));
                }
            };
            *place = Some(color.to_owned());
        }
        Ok(colors)
    }
}

/// The bytes of a file, or one more than allowed.
fn read(path: &Path, max: usize) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(max as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("{}: cannot be read", path.display()));
    read.map_err(|error| Failure::new(Exit::NoInput, error))?;
    Ok(bytes)
}
