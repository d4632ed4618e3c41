//! Answers as CSV, Parquet and Arrow.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use arrow::ipc::reader::StreamReader;
use arrow::util::display::array_value_to_string;
use lastcall_sql::{Body, QueryResult, ResultFormat};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::fixture::{Fixture, LONG};

async fn ask(fixture: &Fixture, query: &str, format: ResultFormat) -> QueryResult {
    fixture
        .ask(query, format, LONG)
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"))
}

#[tokio::test]
async fn csv_quotes_what_needs_it_and_leaves_missing_cells_empty() {
    let fixture = Fixture::new();
    let query = "select name as \"a,b\", \"body mass\", hatched, [island] as l, 'say \"hi\"' as q from penguins order by seen";
    let answer = ask(&fixture, query, ResultFormat::Csv).await;
    assert_eq!(
        String::from_utf8(answer.body.read().unwrap()).unwrap(),
        "\"a,b\",body mass,hatched,l,q\r\n\
         Émil,NaN,2022-01-08,[3],\"say \"\"hi\"\"\"\r\n\
         Ada,3.5,2020-01-01,[1],\"say \"\"hi\"\"\"\r\n\
         Bo,5.25,1969-12-31,[2],\"say \"\"hi\"\"\"\r\n\
         ,,,[1],\"say \"\"hi\"\"\"\r\n"
    );
    assert_eq!(answer.media_type, "text/csv; charset=utf-8; header=present");
    assert_eq!((answer.row_count, answer.truncated), (4, false));
    fixture.end().await;
}

fn total(batches: &[RecordBatch]) -> (usize, i64) {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let sum = batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .sum();
    (rows, sum)
}

#[tokio::test]
async fn parquet_and_arrow_hold_the_rows_and_plain_types() {
    let fixture = Fixture::new();
    let query = "select n, text, n % 2 = 0 as even from numbers where n < 50000";

    let answer = ask(&fixture, query, ResultFormat::Parquet).await;
    let bytes = answer.body.read().unwrap();
    assert_eq!(answer.bytes, bytes.len() as u64);
    let file = fixture.folder.path().join("answer.parquet");
    std::fs::write(&file, bytes).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap())
        .unwrap()
        .build()
        .unwrap();
    let batches = reader.map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(total(&batches), (50_000, 50_000 * 49_999 / 2));

    let answer = ask(&fixture, query, ResultFormat::Arrow).await;
    let bytes = answer.body.read().unwrap();
    let batches = StreamReader::try_new(bytes.as_slice(), None)
        .unwrap()
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    assert_eq!(total(&batches), (50_000, 50_000 * 49_999 / 2));
    assert_eq!(
        batches[0].schema().field(1).data_type(),
        &arrow::datatypes::DataType::Utf8
    );
    drop(answer);
    fixture.end().await;
}

#[tokio::test]
async fn columns_of_the_same_name_get_unique_names_in_parquet_and_arrow() {
    let fixture = Fixture::new();
    let query = "select a.n, b.n, c.n as n_2, b.text from numbers a join numbers b on a.n = b.n join numbers c on a.n = c.n limit 1";
    let answer = ask(&fixture, query, ResultFormat::Arrow).await;
    let bytes = answer.body.read().unwrap();
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let names: Vec<_> = reader
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["n", "n_2", "n_2_2", "text"]);
    fixture.end().await;
}

#[tokio::test]
async fn parquet_has_every_type_as_one_that_readers_know() {
    let fixture = Fixture::new();
    let query = "select arrow_cast(86400000, 'Date64') as day, to_timestamp_seconds(60) as at, \
                 interval '1 month 2 days' as step, {'at': to_timestamp_seconds(60)} as nested, \
                 [arrow_cast('a', 'Utf8View')] as texts";
    let answer = ask(&fixture, query, ResultFormat::Parquet).await;
    let file = fixture.folder.path().join("answer.parquet");
    std::fs::write(&file, answer.body.read().unwrap()).unwrap();
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
    let minute = DataType::Timestamp(TimeUnit::Millisecond, None);
    let types: Vec<_> = reader
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    assert_eq!(
        types[..3],
        [DataType::Date32, minute.clone(), DataType::Utf8]
    );
    let DataType::Struct(nested) = &types[3] else {
        panic!("{types:?}")
    };
    assert_eq!(*nested[0].data_type(), minute);
    let DataType::List(item) = &types[4] else {
        panic!("{types:?}")
    };
    assert_eq!(*item.data_type(), DataType::Utf8);
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let shown: Vec<_> = batch.columns()[..3]
        .iter()
        .map(|column| array_value_to_string(column, 0).unwrap())
        .collect();
    assert_eq!(shown, ["1970-01-02", "1970-01-01T00:01:00", "P1M2D"]);
    fixture.end().await;
}

#[tokio::test]
async fn an_answer_without_rows_is_whole_in_every_format() {
    let fixture = Fixture::new();
    for format in ResultFormat::ALL {
        let answer = ask(&fixture, "select n, text from numbers where n < 0", format).await;
        assert_eq!(
            (answer.row_count, answer.truncated),
            (0, false),
            "{format:?}"
        );
        assert_ne!(answer.bytes, 0, "{format:?}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn a_large_result_is_in_a_file_that_is_removed_with_it() {
    let fixture = Fixture::new();
    let answer = ask(&fixture, "select * from numbers", ResultFormat::Json).await;
    let Body::File(path) = &answer.body else {
        panic!("{} bytes in memory", answer.bytes)
    };
    let path = path.to_path_buf();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), answer.bytes);
    let value: lastcall_domain::SqlResult =
        serde_json::from_slice(&answer.body.read().unwrap()).unwrap();
    assert_eq!(value.rows.len(), 100_000);
    drop(answer);
    assert!(!path.exists());
    fixture.end().await;
}
