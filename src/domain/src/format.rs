//! The formats of datasets, and the media types that name them.

use serde::{Deserialize, Serialize};

/// The format of a dataset, without any content encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values; other delimiters are recognized.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object per line.
    Ndjson,
    /// A JSON document: an array of objects, or one object after the other.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, as a file or as a stream.
    Arrow,
    /// An Excel workbook.
    Xlsx,
    /// A workbook of Excel before 2007.
    Xls,
    /// A spreadsheet of OpenDocument.
    Ods,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::Csv,
        Self::Tsv,
        Self::Ndjson,
        Self::Json,
        Self::Parquet,
        Self::Arrow,
        Self::Xlsx,
        Self::Xls,
        Self::Ods,
    ];

    /// The file name extensions, and their formats.
    pub const ENDINGS: [(&'static str, Self); 16] = [
        ("csv", Self::Csv),
        ("txt", Self::Csv),
        ("tsv", Self::Tsv),
        ("tab", Self::Tsv),
        ("ndjson", Self::Ndjson),
        ("jsonl", Self::Ndjson),
        ("json", Self::Json),
        ("parquet", Self::Parquet),
        ("pq", Self::Parquet),
        ("arrow", Self::Arrow),
        ("arrows", Self::Arrow),
        ("feather", Self::Arrow),
        ("ipc", Self::Arrow),
        ("xlsx", Self::Xlsx),
        ("xls", Self::Xls),
        ("ods", Self::Ods),
    ];

    /// The name on the wire, which is also the usual file extension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Ods => "ods",
        }
    }

    /// The format of a media type; parameters and case are ignored. `application/vnd.ms-excel` has
    /// none, because browsers send it with CSV as well.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next()?.trim().to_ascii_lowercase();
        Some(match essence.as_str() {
            "text/csv" | "application/csv" => Self::Csv,
            "text/tab-separated-values" | "text/tsv" => Self::Tsv,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => Self::Ndjson,
            "application/json" | "text/json" => Self::Json,
            "application/vnd.apache.arrow.file" | "application/vnd.apache.arrow.stream" => {
                Self::Arrow
            }
            "application/vnd.apache.parquet" | "application/x-parquet" | "application/parquet" => {
                Self::Parquet
            }
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Self::Xlsx,
            "application/vnd.oasis.opendocument.spreadsheet" => Self::Ods,
            _ => return None,
        })
    }

    /// The format of a file name's extension; a trailing `.gz` or `.zst` is ignored.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, ending) = unpacked(name).rsplit_once('.')?;
        let mut endings = Self::ENDINGS.into_iter();
        let (_, format) = endings.find(|(known, _)| ending.eq_ignore_ascii_case(known))?;
        Some(format)
    }
}

/// A file's name without its extension and that of its compression.
pub fn file_stem(name: &str) -> &str {
    let name = unpacked(name);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

fn unpacked(name: &str) -> &str {
    let without = |ending: &str| {
        let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
        end.eq_ignore_ascii_case(ending).then_some(stem)
    };
    [".gz", ".zst"]
        .into_iter()
        .find_map(without)
        .unwrap_or(name)
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_determines_the_format_in_any_case_even_if_compressed() {
        for (ending, format) in Format::ENDINGS {
            for name in [
                format!("a.{ending}"),
                format!("a.b.{}.GZ", ending.to_uppercase()),
                format!("ü.{ending}.Zst"),
            ] {
                assert_eq!(Format::from_file_name(&name), Some(format), "{name}");
            }
        }
        for name in ["", "a", "csv", "a.dat", "a.gz", "a.csv.bz2", "ü"] {
            assert_eq!(Format::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_stem_has_neither_ending() {
        for (name, stem) in [
            ("parcels.csv", "parcels"),
            ("parcels.CSV.ZST", "parcels"),
            ("a.b.json.Gz", "a.b"),
            ("parcels.gz", "parcels"),
            ("parcels", "parcels"),
            (".csv", ".csv"),
            ("ü", "ü"),
            ("", ""),
        ] {
            assert_eq!(file_stem(name), stem, "{name}");
        }
    }
}
