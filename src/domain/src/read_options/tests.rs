//! What is read from text, and what is refused.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::InvalidOption;

fn query(format: Format, text: &str) -> Result<ReadOptions, InvalidOption> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    ReadOptions::from_query(format, pairs)
}

#[test]
fn options_that_make_no_sense_are_named() {
    for (options, named) in [
        (r#"{"decimal": ";"}"#, "decimal"),
        (r#"{"thousands": ".", "decimal": "."}"#, "thousands"),
        (r#"{"thousands": "x"}"#, "thousands"),
        (r#"{"thousands": ",", "decimal": ","}"#, "thousands"),
        (r#"{"delimiter": "é"}"#, "delimiter"),
        (r#"{"comment": "\""}"#, "comment"),
        (r#"{"comment": ";", "delimiter": ";"}"#, "comment"),
        (r#"{"quote": ";", "delimiter": ";"}"#, "delimiter"),
        (r#"{"delimiter": "\""}"#, "delimiter"),
        (r#"{"escape": ",", "delimiter": ","}"#, "escape"),
        (r#"{"encoding": "klingon"}"#, "encoding"),
        (r#"{"columns": []}"#, "columns"),
    ] {
        let options: ReadOptions = serde_json::from_str(options).unwrap();
        assert_eq!(options.check().unwrap_err().option, named);
    }
    for options in [
        "{}",
        r##"{"decimal": ",", "thousands": ".", "delimiter": ";", "comment": "#"}"##,
        r#"{"thousands": "\u202f", "encoding": "windows-1251", "quote": ""}"#,
        r#"{"thousands": "."}"#,
        r#"{"thousands": ","}"#,
        r#"{"thousands": "’", "quote": "'", "escape": "\\", "date_order": "dmy"}"#,
        r#"{"quote": "none", "delimiter": "\"", "header": false, "skip_rows": 3}"#,
    ] {
        let options: ReadOptions = serde_json::from_str(options).unwrap();
        assert_eq!(options.check(), Ok(()), "{options:?}");
    }
    assert!(serde_json::from_str::<ReadOptions>(r#"{"sep": ";"}"#).is_err());
    assert!(serde_json::from_str::<ReadOptions>(r#"{"quote": "ab"}"#).is_err());
}

#[test]
fn options_are_read_from_the_parameters_of_a_request() {
    let read = query(
        Format::Csv,
        "header=false&delimiter=\\t&quote=&decimal=,&thousands=\u{a0}&missing=-&missing=?,\"a,b\"&columns=x,y",
    );
    let expected = ReadOptions {
        header: Some(false),
        delimiter: Some('\t'),
        quote: Some(Mark::Off),
        decimal: Some(','),
        thousands: Some('\u{a0}'),
        missing: Some(vec!["-".into(), "?".into(), "a,b".into()]),
        columns: Some(vec!["x".into(), "y".into()]),
        ..ReadOptions::default()
    };
    assert_eq!(read, Ok(expected));
    assert_eq!(query(Format::Parquet, ""), Ok(ReadOptions::default()));
}

#[test]
fn no_column_is_refused_in_a_query_as_in_json() {
    assert_eq!(
        query(Format::Csv, "columns=").unwrap_err().option,
        "columns"
    );
    assert!(query(Format::Csv, "missing=").is_ok());
}

#[test]
fn a_tab_is_written_in_json_as_in_a_query() {
    for text in ["tab", "\\t", "\t"] {
        let json = serde_json::json!({ "delimiter": text });
        let read: ReadOptions = serde_json::from_value(json).unwrap();
        assert_eq!(read.delimiter, Some('\t'), "{text}");
        let query = ReadOptions::from_query(Format::Csv, [("delimiter", text)]);
        assert_eq!(query, Ok(read.clone()));
        // As it is stored.
        let stored = serde_json::to_string(&read).unwrap();
        assert_eq!(stored, r#"{"delimiter":"\t"}"#);
        assert_eq!(serde_json::from_str::<ReadOptions>(&stored).unwrap(), read);
    }
    for json in ["{}", r#"{"delimiter": null}"#, r#"{"delimiter": ""}"#] {
        let read: ReadOptions = serde_json::from_str(json).unwrap();
        assert!(read.is_empty(), "{json}");
    }
    for json in [r#"{"delimiter": "ab"}"#, r#"{"delimiter": 1}"#] {
        assert!(serde_json::from_str::<ReadOptions>(json).is_err(), "{json}");
    }
}

#[test]
fn parameters_that_are_unknown_or_of_another_format_are_refused_by_name() {
    for (format, text, named) in [
        (Format::Csv, "headr=false", "headr"),
        (Format::Csv, "sheet=a", "sheet"),
        (Format::Parquet, "delimiter=;", "delimiter"),
        (Format::Ndjson, "quote=", "quote"),
        (Format::Csv, "header=yes", "header"),
        (Format::Csv, "skip_rows=-1", "skip_rows"),
        (Format::Csv, "date_order=iso", "date_order"),
        (Format::Csv, "delimiter=;;", "delimiter"),
        (Format::Csv, "header=true&header=false", "header"),
        (Format::Csv, "encoding=klingon", "encoding"),
    ] {
        assert_eq!(query(format, text).unwrap_err().option, named, "{text}");
    }
}

#[test]
fn every_option_is_of_some_format_and_has_a_name() {
    let all = ReadOptions {
        header: Some(true),
        delimiter: Some(';'),
        quote: Some(Mark::Off),
        escape: Some(Mark::Off),
        comment: Some('#'),
        skip_rows: Some(1),
        decimal: Some(','),
        thousands: Some('.'),
        encoding: Some("utf-8".into()),
        missing: Some(Vec::new()),
        date_order: Some(DateOrder::Ymd),
        sheet: Some("a".into()),
        columns: Some(vec!["a".into()]),
    };
    let text = serde_json::to_value(&all).unwrap();
    let mut names: Vec<&str> = text
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut known = ReadOptions::NAMES.to_vec();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
    assert!(all.given().eq(ReadOptions::NAMES));
    for name in ReadOptions::NAMES {
        let has = |format: &Format| ReadOptions::of_format(*format).contains(&name);
        assert!(Format::ALL.iter().any(has), "{name}");
    }
    let back: ReadOptions = serde_json::from_value(text).unwrap();
    assert_eq!(back, all);
}
