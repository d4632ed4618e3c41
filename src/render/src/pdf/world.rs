//! The world that typst compiles in: template, layout, data, logo and fonts. No disk, no network,
//! no packages, no clock and no plugins.

use std::sync::{LazyLock, OnceLock};

use typst::diag::{FileError, FileResult};
use typst::foundations::{Binding, Bytes, Datetime, Duration, Module, Scope};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, FontFamily, FontList, TextElem};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use super::Theme;
use crate::error::RenderError;
use crate::fonts::FontSet;

/// The default template.
const STANDARD: &str = include_str!("../../templates/report.typ");
/// The module that templates import.
const INTERFACE: &str = include_str!("../../templates/lastcall.typ");
/// The module behind the interface.
const LAYOUT: &str = include_str!("../../templates/layout.typ");
/// A function that templates may not call: it runs WebAssembly.
const REMOVED: &str = "plugin";

/// The world of one report.
pub(super) struct ReportWorld {
    library: LazyHash<Library>,
    template: Source,
    is_own: bool,
    interface: Source,
    layout: Source,
    files: Files,
    data: Bytes,
    logo: Option<Bytes>,
    fonts: FontSet,
}

impl ReportWorld {
    /// A world with the data that the layout reads.
    pub(super) fn new(data: Vec<u8>, fonts: FontSet, theme: &Theme) -> Result<Self, RenderError> {
        let files = Files::get()?;
        let template = theme.source.as_deref().unwrap_or(STANDARD);
        Ok(Self {
            library: LazyHash::new(library(&fonts.families)),
            template: Source::new(files.template, template.to_owned()),
            is_own: theme.source.is_some(),
            interface: Source::new(files.interface, INTERFACE.to_owned()),
            layout: Source::new(files.layout, LAYOUT.to_owned()),
            files,
            data: Bytes::new(data),
            logo: theme.logo.clone().map(Bytes::new),
            fonts,
        })
    }

    /// Replaces the data.
    pub(super) fn set_data(&mut self, data: Vec<u8>) {
        self.data = Bytes::new(data);
    }

    /// The template, if it is the caller's.
    pub(super) fn own_template(&self) -> Option<&Source> {
        self.is_own.then_some(&self.template)
    }

    /// Whether the file is part of the standard layout.
    pub(super) fn is_standard(&self, id: FileId) -> bool {
        let standard = [self.files.interface, self.files.layout].contains(&id);
        standard || (id == self.files.template && !self.is_own)
    }
}

/// The standard library without plugins, and with the report's fonts.
fn library(families: &[String]) -> Library {
    static GLOBAL: LazyLock<Module> = LazyLock::new(|| {
        let whole = Library::builder().build();
        let mut global = Scope::new();
        let kept = whole.global.scope().iter();
        for (name, binding) in kept.filter(|(name, _)| *name != REMOVED) {
            global.bind(name.clone(), binding.clone());
        }
        Module::new("global", global)
    });
    let mut library = Library::builder().build();
    library.global = GLOBAL.clone();
    library.std = Binding::detached(GLOBAL.clone());
    let families = families.iter().map(|family| FontFamily::new(family));
    // typst's default font is not available.
    let fonts = FontList(families.collect());
    library.styles.set(TextElem::font, fonts);
    library
}

/// The names of the files.
#[derive(Clone, Copy)]
struct Files {
    template: FileId,
    interface: FileId,
    layout: FileId,
    data: FileId,
    logo: FileId,
}

impl Files {
    fn get() -> Result<Self, RenderError> {
        static FILES: OnceLock<Option<Files>> = OnceLock::new();
        let id = |name| {
            let path = VirtualPath::new(name).ok()?;
            Some(RootedPath::new(VirtualRoot::Project, path).intern())
        };
        let files = FILES.get_or_init(|| {
            Some(Self {
                template: id("template.typ")?,
                interface: id("lastcall.typ")?,
                layout: id("layout.typ")?,
                data: id("report.json")?,
                logo: id("logo")?,
            })
        });
        files.ok_or_else(|| RenderError::Typeset("no names for the files".to_owned()))
    }
}

/// The error for a file that a template may not read.
fn denied(id: FileId) -> FileError {
    let why = match id.root() {
        VirtualRoot::Package(_) => "packages are not available to a template",
        VirtualRoot::Project => "a template sees no file but lastcall.typ",
    };
    FileError::Other(Some(why.into()))
}

impl World for ReportWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.fonts.book
    }

    fn main(&self) -> FileId {
        self.files.template
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        [&self.template, &self.interface, &self.layout]
            .into_iter()
            .find(|source| source.id() == id)
            .cloned()
            .ok_or_else(|| denied(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.files.data {
            return Ok(self.data.clone());
        }
        let logo = self.logo.as_ref().filter(|_| id == self.files.logo);
        logo.cloned().ok_or_else(|| denied(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.faces.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
