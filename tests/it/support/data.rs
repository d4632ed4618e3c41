//! Small datasets whose figures are known.

use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;

/// Ten birds. Every figure that the tests expect of them is pandas'.
pub(crate) const BIRDS: &str = "\
species,island,mass,bill,ringed,seen
Adelie,Torgersen,3750,39.1,true,2007-11-11
Adelie,Torgersen,3800,39.5,true,2007-11-11
Adelie,Biscoe,3250,40.3,false,2007-11-16
Adelie,Dream,,36.7,true,2007-11-16
Gentoo,Biscoe,5000,46.1,false,2008-11-06
Gentoo,Biscoe,5700,50.0,true,2008-11-06
Gentoo,Biscoe,4450,48.7,true,2009-11-15
Chinstrap,Dream,3500,46.5,false,2009-11-21
Chinstrap,Dream,3900,50.0,true,2009-11-21
Chinstrap,Dream,3650,NA,true,2009-11-21
";

/// Ten rows of so many columns of numbers.
pub(crate) fn wide(columns: usize) -> String {
    let row = |cell: &dyn Fn(usize) -> String| {
        let cells: Vec<_> = (0..columns).map(cell).collect();
        cells.join(",") + "\n"
    };
    let rows = (0..10).map(|number| row(&|column| (number * column % 7).to_string()));
    row(&|column| format!("c{column}")) + &rows.collect::<String>()
}

/// The column `x` with the numbers from 1 to `rows`.
pub(crate) fn numbers(rows: usize) -> String {
    let mut csv = String::from("x\n");
    for row in 1..=rows {
        csv.push_str(&row.to_string());
        csv.push('\n');
    }
    csv
}

/// A query that is answered at once.
pub(crate) const COUNT: &str = "select count(*) as n from birds";

/// Rows of `numbers` with which [`CROSS_JOIN`] does not end while a test looks.
pub(crate) const ENDLESS: usize = 300_000;

/// A query over the dataset `numbers` that takes as long as the square of its rows.
pub(crate) const CROSS_JOIN: &str =
    "select count(*) as n from numbers a, numbers b where a.x + b.x > 0";

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Species and mass of the [`BIRDS`] as Parquet.
pub(crate) fn birds_parquet() -> Vec<u8> {
    let schema = "message birds { required binary species (STRING); optional int64 mass; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default()))
            .unwrap();
    let mut rows = writer.next_row_group().unwrap();

    let (species, masses): (Vec<ByteArray>, Vec<Option<i64>>) = birds()
        .map(|(species, mass)| (ByteArray::from(species), mass))
        .unzip();
    let mut column = rows.next_column().unwrap().unwrap();
    let written = column
        .typed::<ByteArrayType>()
        .write_batch(&species, None, None);
    assert_eq!(written.unwrap(), species.len());
    column.close().unwrap();

    let defined: Vec<i16> = masses.iter().map(|mass| mass.is_some().into()).collect();
    let masses: Vec<i64> = masses.into_iter().flatten().collect();
    let mut column = rows.next_column().unwrap().unwrap();
    let written = column
        .typed::<Int64Type>()
        .write_batch(&masses, Some(&defined), None);
    assert_eq!(written.unwrap(), masses.len());
    column.close().unwrap();

    rows.close().unwrap();
    writer.into_inner().unwrap()
}

/// Species and mass of the [`BIRDS`] as a workbook.
pub(crate) fn birds_xlsx() -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "species").unwrap();
    sheet.write(0, 1, "mass").unwrap();
    for (row, (species, mass)) in (1..).zip(birds()) {
        sheet.write(row, 0, species).unwrap();
        if let Some(mass) = mass {
            sheet.write(row, 1, mass).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

/// Species and mass of the [`BIRDS`], an object per line.
pub(crate) fn birds_ndjson() -> String {
    birds()
        .map(|(species, mass)| json!({ "species": species, "mass": mass }).to_string() + "\n")
        .collect()
}

fn birds() -> impl Iterator<Item = (&'static str, Option<i64>)> {
    BIRDS.lines().skip(1).map(|line| {
        let mut cells = line.split(',');
        let species = cells.next().unwrap();
        (species, cells.nth(1).unwrap().parse().ok())
    })
}
