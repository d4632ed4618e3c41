//! Readers of the reports' formats.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, GlyphDrawMode, Image, InterpreterCache,
    InterpreterSettings, Paint, PathDrawMode, SoftMask, interpret_page,
};
use kurbo::{Affine, BezPath, Rect};

/// The text of each page of a PDF, in the order of drawing.
pub(crate) fn pdf(bytes: Vec<u8>) -> Vec<String> {
    let pages = glyphs(bytes).into_iter();
    pages
        .map(|page| page.into_iter().map(|glyph| glyph.text).collect())
        .collect()
}

/// A glyph, and its position on its line.
pub(crate) struct Placed {
    pub(crate) text: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The glyphs of each page of a PDF, in the order of drawing.
pub(crate) fn glyphs(bytes: Vec<u8>) -> Vec<Vec<Placed>> {
    assert!(bytes.starts_with(b"%PDF-1."));
    let pdf = Pdf::new(bytes).expect("a PDF that can be read");
    let cache = InterpreterCache::new();
    pdf.pages()
        .iter()
        .map(|page| {
            let area = Rect::new(0.0, 0.0, 1_000.0, 1_000.0);
            let settings = InterpreterSettings::default();
            let mut context = Context::new(Affine::IDENTITY, area, &cache, page.xref(), settings);
            let mut ears = GlyphCollector::default();
            interpret_page(page, &mut context, &mut ears);
            ears.0
        })
        .collect()
}

/// A device that collects the text and draws nothing.
#[derive(Default)]
struct GlyphCollector(Vec<Placed>);

impl<'a> Device<'a> for GlyphCollector {
    fn draw_glyph(
        &mut self,
        glyph: &Glyph<'a>,
        page: Affine,
        line: Affine,
        _: &Paint<'a>,
        _: &GlyphDrawMode,
    ) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(c)) => c.into(),
            Some(BfString::String(text)) => text,
            None => '\u{fffd}'.into(),
        };
        let place = (page * line).translation();
        self.0.push(Placed {
            text,
            x: place.x,
            y: place.y,
        });
    }

    fn set_soft_mask(&mut self, _: Option<SoftMask<'a>>) {}
    fn set_blend_mode(&mut self, _: BlendMode) {}
    fn draw_path(&mut self, _: &BezPath, _: Affine, _: &Paint<'a>, _: &PathDrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: Affine) {}
    fn pop_clip_path(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// The cells of each sheet of a workbook. Fails if one has a formula.
pub(crate) fn xlsx(bytes: Vec<u8>) -> BTreeMap<String, Vec<Vec<Data>>> {
    let mut book = Xlsx::new(Cursor::new(bytes)).expect("a workbook that can be read");
    book.sheet_names()
        .into_iter()
        .map(|name| {
            let formulas = book.worksheet_formula(&name).expect("a sheet");
            assert!(
                formulas
                    .used_cells()
                    .all(|(_, _, formula)| formula.is_empty()),
                "{name} has a formula"
            );
            let cells = book.worksheet_range(&name).expect("a sheet");
            (name, cells.rows().map(<[Data]>::to_vec).collect())
        })
        .collect()
}

/// A part of a workbook as stored.
pub(crate) fn xlsx_part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut part = archive.by_name(name).expect("a part of that name");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut part, &mut text).expect("text");
    text
}

/// The allowed elements of a page.
const ELEMENTS: [&str; 51] = [
    "!doctype",
    "a",
    "article",
    "bdi",
    "body",
    "caption",
    "circle",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "head",
    "header",
    "html",
    "li",
    "line",
    "main",
    "meta",
    "nav",
    "p",
    "pre",
    "rect",
    "section",
    "small",
    "span",
    "style",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "ul",
    "ol",
    "g",
    "details",
    "summary",
    "path",
    "polygon",
    "script",
];
/// The elements without an end tag.
const VOID: [&str; 4] = ["meta", "line", "path", "!doctype"];

/// Checks that a page is well formed, has allowed elements only, and loads, runs and links to
/// nothing.
pub(crate) fn harmless(html: &str) {
    let script = html
        .split("<script>")
        .nth(1)
        .and_then(|rest| rest.split("</script>").next());
    let script = script.expect("the script of the layout");
    assert_eq!(
        script,
        include_str!("../../templates/report.js"),
        "no other script"
    );
    let html = &html.replacen(script, "", 1);
    let mut open: Vec<String> = Vec::new();
    let mut rest = html.as_str();
    while let Some(start) = rest.find('<') {
        let (name, attributes, after) = tag(&rest[start + 1..]);
        let plain = name.trim_start_matches('/');
        assert!(ELEMENTS.contains(&plain), "<{name}>");
        if name.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(plain), "closed out of order");
        } else if !VOID.contains(&plain) && !rest[..rest.len() - after.len()].ends_with("/>") {
            open.push(plain.to_owned());
        }
        for (attribute, value) in attributes {
            let loads = [
                "src",
                "srcset",
                "action",
                "data",
                "xlink:href",
                "background",
                "poster",
            ];
            assert!(!loads.contains(&attribute.as_str()), "<{name} {attribute}>");
            assert!(!attribute.starts_with("on"), "<{name} {attribute}>");
            assert!(
                attribute != "href" || value.starts_with('#'),
                "leads to {value}"
            );
            assert!(
                attribute != "style" || !value.contains("url"),
                "loads {value}"
            );
            assert!(!value.contains('<'), "{attribute}={value}");
        }
        rest = after;
    }
    assert!(open.is_empty(), "left open: {open:?}");
    let style = html
        .split("<style>")
        .nth(1)
        .and_then(|rest| rest.split("</style>").next());
    let style = style.expect("a style sheet");
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("@font-face"));
}

/// The name and the attributes of the tag that begins here, and the rest of the text.
fn tag(text: &str) -> (String, Vec<(String, String)>, &str) {
    let end = text.find([' ', '>', '\n']).expect("a tag that ends");
    let name = text[..end].trim_end_matches('/').to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut rest = &text[end..];
    loop {
        rest = rest.trim_start_matches([' ', '\n', '/']);
        if let Some(after) = rest.strip_prefix('>') {
            return (name, attributes, after);
        }
        let end = rest
            .find(['=', '>', ' ', '\n'])
            .expect("an attribute that ends");
        let attribute = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut value = "";
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let end = quoted.find('"').expect("a value that ends");
            value = &quoted[..end];
            rest = &quoted[end + 1..];
        }
        assert!(
            !rest.starts_with('='),
            "{attribute} has a value without quotes"
        );
        attributes.push((attribute, value.to_owned()));
    }
}
