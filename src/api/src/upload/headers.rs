//! What the headers of an upload say about its body.

use actix_web::http::header::{self, HeaderMap};
use lastcall_domain::{DatasetName, Format};

use crate::errors::Code;
use crate::ingest::Encoding;
use crate::problem::{ApiResult, Problem};

/// Charsets that are ignored: a byte order mark, or text that is not UTF-8 although its sender's
/// library says so, is detected by the reader.
const IGNORED_CHARSETS: &[&str] = &["binary", "utf-8", "utf8", "us-ascii", "ascii"];

/// Rejects a part of a dataset, which would be stored as the whole.
pub(super) fn refuse_part(headers: &HeaderMap) -> ApiResult<()> {
    if headers.contains_key(header::CONTENT_RANGE) {
        return Err(Problem::new(
            Code::InvalidParameter,
            "a Content-Range says that this is a part: a dataset is uploaded whole",
        ));
    }
    Ok(())
}

/// The format by the media type, or by the name's extension if the media type does not determine
/// it.
pub(super) fn format_of(headers: &HeaderMap, name: &DatasetName) -> ApiResult<Format> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or("unreadable"))
        .unwrap_or_default();
    if let Some(format) = Format::from_media_type(media_type) {
        return Ok(format);
    }
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    // The media types of tools that know nothing about the data, or only that it is compressed.
    const OLD_EXCEL: &str = "application/vnd.ms-excel";
    let unspecific = [
        "",
        "application/octet-stream",
        "binary/octet-stream",
        "application/x-www-form-urlencoded",
        "application/gzip",
        "application/zstd",
        "application/x-gzip",
        OLD_EXCEL,
        "text/plain",
    ];
    let from_name = Format::from_file_name(name.as_str())
        .filter(|_| unspecific.contains(&essence.to_ascii_lowercase().as_str()));
    let old_excel = essence.eq_ignore_ascii_case(OLD_EXCEL);
    from_name.or(old_excel.then_some(Format::Xls)).ok_or_else(|| {
        Problem::new(
            Code::UnsupportedFormat,
            format!(
                "neither the Content-Type {media_type:?} nor the ending of the name names a known \
                 format; send text/csv, text/tab-separated-values, application/x-ndjson, \
                 application/json, application/vnd.apache.arrow.file, \
                 application/vnd.oasis.opendocument.spreadsheet, \
                 application/vnd.apache.parquet, application/vnd.ms-excel or \
                 application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            ),
        )
    })
}

/// The charset of a text; it is validated when it becomes an option.
pub(super) fn charset(format: Format, headers: &HeaderMap) -> ApiResult<Option<String>> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parameters = media_type.split(';').filter_map(|one| one.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let charset = charset.map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase());
    let is_text = matches!(format, Format::Csv | Format::Tsv | Format::Ndjson);
    let Some(charset) = charset.filter(|charset| is_text && !charset.is_empty()) else {
        return Ok(None);
    };
    // The defaults of `curl` and libraries, independent of the data.
    if IGNORED_CHARSETS.contains(&charset.as_str()) {
        return Ok(None);
    }
    match lastcall_domain::encoding(&charset) {
        Some(_) => Ok(Some(charset)),
        None => Err(Problem::new(
            Code::UnsupportedFormat,
            format!("the charset {charset:?} is not known"),
        )),
    }
}

/// The content encoding.
pub(super) fn encoding_of(headers: &HeaderMap) -> ApiResult<Option<Encoding>> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(None);
    };
    match encoding
        .to_str()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Encoding::Gzip)),
        "zstd" => Ok(Some(Encoding::Zstd)),
        other => Err(Problem::new(
            Code::UnsupportedEncoding,
            format!("the content encoding {other:?} is not known; use gzip, zstd or none"),
        )
        .with_header(
            header::ACCEPT_ENCODING,
            header::HeaderValue::from_static("gzip, zstd"),
        )),
    }
}
