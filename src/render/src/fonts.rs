//! The fonts of a PDF: two built-in families, and fonts of the system for characters that these
//! lack.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::OnceLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook, FontInfo, FontStyle, FontWeight};
use typst::utils::LazyHash;

/// Where fonts are searched for, besides the built-in ones.
#[derive(Clone, Debug)]
pub struct FontConfig {
    /// Whether to search the system's font folders.
    pub system: bool,
    /// Further folders to search recursively.
    pub folders: Vec<PathBuf>,
}

impl Default for FontConfig {
    fn default() -> Self {
        Self {
            system: true,
            folders: Vec::new(),
        }
    }
}

/// The family of the text.
pub(crate) const FAMILY: &str = "Noto Sans";
/// The family for symbols and scripts that [`FAMILY`] lacks.
const SECOND: &str = "DejaVu Sans";
/// Larger font files are ignored.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A face in a file, described by its metadata; its glyphs are not loaded.
struct Face {
    path: PathBuf,
    index: u32,
    info: FontInfo,
}

/// Finds faces. Holds the built-in ones and descriptions of the others, each once a report needs
/// them.
pub(crate) struct FontFinder {
    config: FontConfig,
    own: OnceLock<Vec<Font>>,
    found: OnceLock<Vec<Face>>,
}

/// The faces for one report.
pub(crate) struct FontSet {
    /// typst's index of the faces.
    pub book: LazyHash<FontBook>,
    /// The faces, in the order of the book.
    pub faces: Vec<Font>,
    /// The families, in order of preference.
    pub families: Vec<String>,
}

impl FontFinder {
    /// A finder that has not searched yet.
    pub(crate) fn new(config: FontConfig) -> Self {
        Self {
            config,
            own: OnceLock::new(),
            found: OnceLock::new(),
        }
    }

    /// The faces for texts: the built-in ones, and others for characters that these lack.
    pub(crate) fn faces_for(&self, texts: &[&str]) -> FontSet {
        let mut faces = self.own().to_vec();
        let mut families = vec![FAMILY.to_owned(), SECOND.to_owned()];
        let wanted: BTreeSet<char> = texts
            .iter()
            .flat_map(|text| text.chars())
            .filter(|c| !c.is_control() && !faces.iter().any(|face| covers(face.info(), *c)))
            .collect();
        if !wanted.is_empty() && (self.config.system || !self.config.folders.is_empty()) {
            for family in choose(self.found(), wanted) {
                faces.extend(self.load(&family));
                families.push(family);
            }
        }
        let book = FontBook::from_infos(faces.iter().map(|face| face.info().clone()));
        FontSet {
            book: LazyHash::new(book),
            faces,
            families,
        }
    }

    /// Whether any face, built in or in the folders, has the character.
    pub(crate) fn has(&self, c: char) -> bool {
        self.own().iter().any(|face| covers(face.info(), c))
            || self.found().iter().any(|face| covers(&face.info, c))
    }

    /// Loads the built-in faces.
    pub(crate) fn load_own(&self) {
        self.own();
    }

    fn own(&self) -> &[Font] {
        self.own.get_or_init(own)
    }

    fn found(&self) -> &[Face] {
        self.found.get_or_init(|| {
            let mut db = fontdb::Database::new();
            if self.config.system {
                db.load_system_fonts();
            }
            for folder in &self.config.folders {
                db.load_fonts_dir(folder);
            }
            let mut found: Vec<_> = db
                .faces()
                .filter_map(|face| {
                    let (fontdb::Source::File(path) | fontdb::Source::SharedFile(path, _)) =
                        &face.source
                    else {
                        return None;
                    };
                    let info = db.with_face_data(face.id, FontInfo::new)??;
                    Some(Face {
                        path: path.clone(),
                        index: face.index,
                        info,
                    })
                })
                .collect();
            // The order of directory entries is not stable.
            found.sort_by(|a, b| (&a.path, a.index).cmp(&(&b.path, b.index)));
            log::debug!("found {} font faces in the font folders", found.len());
            found
        })
    }

    /// The regular and the bold face of a family, if they can be read.
    fn load(&self, family: &str) -> Vec<Font> {
        let mut loaded: Vec<Font> = Vec::new();
        for weight in [FontWeight::REGULAR, FontWeight::BOLD] {
            let of_family = self
                .found()
                .iter()
                .filter(|face| face.info.family.as_str() == family);
            let nearest = of_family.min_by_key(|face| face.info.variant.weight.distance(weight));
            let Some(face) = nearest else { continue };
            if fs::metadata(&face.path).map_or(u64::MAX, |meta| meta.len()) > MAX_FILE {
                continue;
            }
            let font = fs::read(&face.path)
                .ok()
                .and_then(|data| Font::new(Bytes::new(data), face.index));
            if let Some(font) = font
                && !loaded.iter().any(|other| other.info() == font.info())
            {
                loaded.push(font);
            }
        }
        loaded
    }
}

/// The built-in faces.
fn own() -> Vec<Font> {
    [
        Bytes::new(unclassed(notosans::REGULAR_TTF)),
        Bytes::new(unclassed(notosans::BOLD_TTF)),
        Bytes::new(dejavu::sans::regular()),
        Bytes::new(dejavu::sans_mono::regular()),
    ]
    .into_iter()
    .filter_map(|data| Font::new(data, 0))
    .collect()
}

/// The face without its glyph classes, which count spacing accents (`` ` ``, `´`, `ʼ`) among the
/// combining marks. Without them, the classes of Unicode apply.
fn unclassed(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    // A header of 12 bytes, then 16 for each table: tag, checksum, offset, length.
    let record = data[12..].chunks_exact(16).find(|one| one[..4] == *b"GDEF");
    let start = record.map(|one| u32::from_be_bytes([one[8], one[9], one[10], one[11]]) as usize);
    // The offset of the glyph classes follows the version of the table; 0 means none.
    if let Some(place) = start.and_then(|start| data.get_mut(start + 4..start + 6)) {
        place.fill(0);
    }
    data
}

fn covers(info: &FontInfo, c: char) -> bool {
    info.coverage.contains(u32::from(c))
}

/// Families that cover the wanted characters: a small set, chosen greedily.
fn choose(found: &[Face], mut wanted: BTreeSet<char>) -> Vec<String> {
    let region = region(&wanted);
    let mut candidates: Vec<&Face> = found.iter().collect();
    candidates.sort_by_cached_key(|face| rank(face, region));
    let mut chosen: Vec<String> = Vec::new();
    for face in candidates {
        let before = wanted.len();
        wanted.retain(|c| !covers(&face.info, *c));
        let family = face.info.family.to_string();
        if wanted.len() < before && !chosen.contains(&family) {
            chosen.push(family);
        }
        if wanted.is_empty() {
            break;
        }
    }
    chosen
}

/// Upright sans faces first; among them, for Chinese, Japanese and Korean text, the family of the
/// region whose script occurs in it, as regions draw shared characters differently.
fn rank(face: &Face, region: Option<&str>) -> (bool, u8, u16, String) {
    let family = face.info.family.as_str();
    let sans = family.contains("Sans") && !family.contains("Mono");
    let place = match (family.contains("CJK"), region) {
        (true, Some(region)) if sans && family.ends_with(region) => 0,
        (false, _) if sans => 1,
        (_, Some(_)) if sans => 2,
        (false, _) => 3,
        (true, _) => 4,
    };
    (
        face.info.variant.style != FontStyle::Normal,
        place,
        face.info.variant.weight.distance(FontWeight::REGULAR),
        family.to_owned(),
    )
}

fn region(wanted: &BTreeSet<char>) -> Option<&'static str> {
    let has = |ranges: &[RangeInclusive<char>]| {
        wanted
            .iter()
            .any(|c| ranges.iter().any(|range| range.contains(c)))
    };
    let hangul = [
        '\u{1100}'..='\u{11ff}',
        '\u{3130}'..='\u{318f}',
        '\u{ac00}'..='\u{d7a3}',
    ];
    if has(&hangul) {
        Some("KR")
    } else if has(&['\u{3040}'..='\u{30ff}']) {
        Some("JP")
    } else if has(&[
        '\u{2e80}'..='\u{9fff}',
        '\u{f900}'..='\u{faff}',
        '\u{ff00}'..='\u{ffef}',
        '\u{20000}'..='\u{323af}',
    ]) {
        Some("SC")
    } else {
        None
    }
}
