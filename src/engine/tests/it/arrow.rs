//! Arrow IPC: the values of every type, and wrong sizes in files.

use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{
    Array, ArrayRef, BinaryViewArray, DictionaryArray, FixedSizeBinaryArray, Float64Array,
    Int32Array, LargeListArray, ListArray, ListViewArray, NullArray, RecordBatch,
    RecordBatchOptions, RunArray, StringArray, StructArray, TimestampMillisecondArray, UnionArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, UnionFields};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use lastcall_domain::profile::ColumnType;
use lastcall_domain::{Cancel, ProfileOptions, Progress, ReadOptions};

use crate::support::{Bench, column, parquet, top, types};

/// Rows of every kind as a file and as a stream of Arrow IPC.
fn arrow(batches: usize) -> [Vec<u8>; 2] {
    let word: DictionaryArray<Int32Type> = ["x", "y", "x"].into_iter().collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "n",
            Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])),
        ),
        ("x", Arc::new(Float64Array::from(vec![0.5, 1.5, f64::NAN]))),
        ("s", Arc::new(StringArray::from(vec!["a", "b", "NA"]))),
        ("w", Arc::new(word)),
        (
            "t",
            Arc::new(TimestampMillisecondArray::from(vec![-1, 0, 1])),
        ),
        ("l", Arc::new(list)),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = FileWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    let mut stream = StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    for _ in 0..batches {
        file.write(&rows).unwrap();
        stream.write(&rows).unwrap();
    }
    [file.into_inner().unwrap(), stream.into_inner().unwrap()]
}

#[test]
fn arrow_files_and_streams_are_read_alike() {
    let bench = Bench::new();
    let [file, stream] = arrow(2);
    let of_file = bench.profile("a.arrow", &file);
    assert_eq!(of_file.dataset.rows, 6);
    assert_eq!(
        (column(&of_file, "n").count, column(&of_file, "n").missing),
        (4, 2)
    );
    assert_eq!(column(&of_file, "x").missing, 2);
    assert_eq!(column(&of_file, "s").distinct, 3);
    assert_eq!(
        top(column(&of_file, "w")),
        [("x".into(), 4), ("y".into(), 2)]
    );
    assert_eq!(
        column(&of_file, "t")
            .temporal
            .as_ref()
            .unwrap()
            .min
            .as_deref(),
        Some("1969-12-31T23:59:59.999Z")
    );
    assert_eq!(
        top(column(&of_file, "l")),
        [("[1, null]".into(), 2), ("[]".into(), 2)]
    );
    let of_stream = bench.profile("b.arrow", &stream);
    assert_eq!(of_file.columns, of_stream.columns);
    assert_eq!(of_file.alerts, of_stream.alerts);
}

#[test]
fn arrow_that_is_cut_off_or_broken_is_malformed_and_never_swells() {
    let bench = Bench::new();
    let [file, stream] = arrow(1);
    for bytes in [&file, &stream] {
        for end in (0..bytes.len()).step_by(37) {
            let cut = &bytes[..end];
            match bench.try_profile("a.arrow", cut, &ProfileOptions::default()) {
                Ok(profile) => assert!(profile.dataset.rows <= 3),
                Err(error) => assert!(
                    ["malformed_data", "resource_exhausted", "unsupported_data"]
                        .contains(&error.code()),
                    "{end}: {error}"
                ),
            }
        }
        for at in (0..bytes.len()).step_by(11) {
            let mut broken = bytes.clone();
            broken[at] ^= 0xff;
            let _ = bench.try_profile("a.arrow", &broken, &ProfileOptions::default());
        }
    }
    // A length that is claimed and not there.
    let mut claims = vec![0xff; 4];
    claims.extend(0x7fff_fff0u32.to_le_bytes());
    assert!(
        bench
            .failure("a.arrow", &claims)
            .starts_with("resource_exhausted")
    );
}

/// A stream of these rows.
fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut stream = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    for rows in batches {
        stream.write(rows).unwrap();
    }
    stream.into_inner().unwrap()
}

/// A stream of one column.
fn of(array: impl Array + 'static) -> Vec<u8> {
    let array: ArrayRef = Arc::new(array);
    let field = Field::new("v", array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field]));
    stream(&[RecordBatch::try_new(schema, vec![array]).unwrap()])
}

fn words() -> ArrayRef {
    Arc::new(StringArray::from(vec![Some("a"), None, Some("b")]))
}

fn union() -> UnionArray {
    let fields = [
        (0, Arc::new(Field::new("n", DataType::Int32, true))),
        (1, Arc::new(Field::new("w", DataType::Utf8, true))),
    ];
    let fields: UnionFields = fields.into_iter().collect();
    let kinds = ScalarBuffer::from(vec![0i8, 1, 0]);
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, None]));
    UnionArray::try_new(fields, kinds, None, vec![numbers, words()]).unwrap()
}

#[test]
fn what_refers_to_a_missing_value_is_missing() {
    let bench = Bench::new();
    let keys = || Int32Array::from(vec![Some(0), Some(1), Some(1)]);
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None]));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None]);
    for (what, bytes) in [
        ("nulls", of(NullArray::new(3))),
        (
            "runs",
            of(
                RunArray::try_new(&Int32Array::from(vec![1, 3]), words().slice(0, 2).as_ref())
                    .unwrap(),
            ),
        ),
        ("words", of(DictionaryArray::new(keys(), words()))),
        ("numbers", of(DictionaryArray::new(keys(), numbers))),
        ("lists", of(DictionaryArray::new(keys(), Arc::new(lists)))),
        ("union", of(union())),
    ] {
        let profile = bench.profile("a.arrow", bytes);
        let present = u64::from(what != "nulls");
        let missing = if what == "union" { 2 } else { 3 - present };
        assert_eq!(profile.dataset.rows, 3, "{what}");
        assert_eq!(profile.columns[0].missing, missing, "{what}");
        assert_eq!(profile.columns[0].distinct, present, "{what}");
    }
    let within = StructArray::from(vec![(
        Arc::new(Field::new("n", DataType::Null, true)),
        Arc::new(NullArray::new(2)) as ArrayRef,
    )]);
    let profile = bench.profile("a.arrow", of(within));
    assert_eq!(top(&profile.columns[0]), [("{\"n\": null}".into(), 2)]);
}

#[test]
fn values_of_every_nested_type_are_as_different_as_they_are() {
    let bench = Bench::new();
    let texts = ["a, b", "a", "b"];
    let item = || Arc::new(Field::new("item", DataType::Utf8, true));
    let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let views = ListViewArray::new(
        item(),
        ScalarBuffer::from(vec![0, 1, 1]),
        ScalarBuffer::from(vec![1, 2, 2]),
        Arc::clone(&texts),
        None,
    );
    let profile = bench.profile("a.arrow", of(views));
    assert_eq!(
        top(&profile.columns[0]),
        [("[\"a\", \"b\"]".into(), 2), ("[\"a, b\"]".into(), 1)]
    );
    let lists = ListArray::new(item(), OffsetBuffer::new(vec![0, 1, 3].into()), texts, None);
    let keys = Int32Array::from(vec![0, 1, 1]);
    let profile = bench.profile("a.arrow", of(DictionaryArray::new(keys, Arc::new(lists))));
    assert_eq!(top(&profile.columns[0])[0], ("[\"a\", \"b\"]".into(), 2));
    let profile = bench.profile("a.arrow", of(union()));
    assert_eq!(top(&profile.columns[0]), [("{\"n\": 7}".into(), 1)]);
}

#[test]
fn rows_that_take_no_bytes_are_counted_as_far_as_others_cost_as_much() {
    let bench = Bench::new();
    let nothing = |rows: usize| {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::new(Schema::empty());
        stream(&[RecordBatch::try_new_with_options(schema, vec![], &options).unwrap()])
    };
    let runs = |rows: i32| {
        let ends = Int32Array::from(vec![rows]);
        of(RunArray::try_new(&ends, words().slice(0, 1).as_ref()).unwrap())
    };
    let empty = |rows: usize| {
        FixedSizeBinaryArray::try_new_with_len(0, Vec::<u8>::new().into(), None, rows).unwrap()
    };
    for bytes in [of(NullArray::new(300_000)), nothing(300_000), runs(300_000)] {
        assert_eq!(bench.profile("a.arrow", bytes).dataset.rows, 300_000);
    }
    let far = 1 << 40;
    for bytes in [
        of(NullArray::new(far)),
        nothing(far),
        runs(i32::MAX),
        of(empty(1 << 30)),
    ] {
        let failure = bench.failure("a.arrow", bytes);
        assert!(failure.starts_with("resource_exhausted"), "{failure}");
    }
}

#[test]
fn values_that_swell_where_they_are_shown_are_refused_before_they_do() {
    let bench = Bench::with(0, 64 << 20);
    let item = || Arc::new(Field::new("item", DataType::Null, true));
    let many = LargeListArray::new(
        item(),
        OffsetBuffer::new(vec![0, 1 << 40].into()),
        Arc::new(NullArray::new(1 << 40)),
        None,
    );
    let failure = bench.failure("a.arrow", of(many));
    assert!(failure.starts_with("record_too_large"), "{failure}");
    // Every row is the same long list.
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(100); 1_000]));
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    let views = ListViewArray::new(
        Arc::clone(&item),
        ScalarBuffer::from(vec![0; 2_000]),
        ScalarBuffer::from(vec![1_000; 2_000]),
        Arc::clone(&texts),
        None,
    );
    let list = ListArray::new(item, OffsetBuffer::new(vec![0, 1_000].into()), texts, None);
    let keys = Int32Array::from(vec![0; 2_000]);
    for bytes in [of(views), of(DictionaryArray::new(keys, Arc::new(list)))] {
        let profile = bench.profile("a.arrow", bytes);
        assert_eq!(profile.dataset.rows, 2_000);
        assert_eq!(profile.columns[0].distinct, 1);
    }
}

#[test]
fn bytes_that_are_no_text_are_their_digits_however_often_they_are_there() {
    let bench = Bench::new();
    let long = vec![0xab_u8; 1_000];
    let mut views = arrow::array::BinaryViewBuilder::new();
    let block = views.append_block(long.into());
    for _ in 0..3 {
        views.try_append_view(block, 0, 300).unwrap();
    }
    let views: BinaryViewArray = views.finish();
    let profile = bench.profile("a.arrow", of(views));
    let (text, count) = top(&profile.columns[0]).remove(0);
    assert_eq!((text, count), (format!("\\x{}", "ab".repeat(300)), 3));
}

#[test]
fn bytes_of_a_fixed_length_are_read_as_any_others() {
    let bench = Bench::new();
    let cells = [b"abcd", b"\xff\0\x01\x02", b"\\xab"];
    let fixed = FixedSizeBinaryArray::try_from_iter(cells.into_iter()).unwrap();
    let any = BinaryViewArray::from_iter_values(cells);
    let shown = |bytes| {
        let profile = bench.profile("a.arrow", bytes);
        let mut top = top(&profile.columns[0]);
        top.sort();
        top
    };
    let found = shown(of(fixed.clone()));
    assert_eq!(found[1..], [("\\xff000102".into(), 1), ("abcd".into(), 1)]);
    assert_eq!(found, shown(of(any)));
    // As a column of SQL as well.
    let source = bench.source(
        "b.parquet",
        parquet(vec![("f", Arc::new(fixed) as ArrayRef)]),
    );
    let out = bench.path("out.parquet");
    let (read, cancel, progress) = (ReadOptions::default(), Cancel::new(), Progress::new());
    let engine = &bench.engine;
    engine
        .to_parquet(source, &read, &out, &cancel, &progress)
        .unwrap();
    let file = std::fs::File::open(&out).unwrap();
    let copy = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let kind = copy.schema().field(0).data_type();
    assert!(
        matches!(kind, DataType::Utf8 | DataType::Utf8View),
        "{kind}"
    );
}

#[test]
fn a_dictionary_takes_the_place_of_the_one_before_it() {
    let bench = Bench::with(0, 16 << 20);
    // Each is an eighth of what all of them may take.
    let batch = |letter: &str| {
        let word: ArrayRef = Arc::new(StringArray::from(vec![letter.repeat(512 << 10)]));
        let words = DictionaryArray::new(Int32Array::from(vec![0, 0]), word);
        RecordBatch::try_from_iter([("w", Arc::new(words) as ArrayRef)]).unwrap()
    };
    let batches: Vec<RecordBatch> = ('a'..='z').map(|c| batch(&c.to_string())).collect();
    let profile = bench.profile("a.arrow", stream(&batches));
    assert_eq!(profile.dataset.rows, 52);
    assert_eq!(profile.columns[0].distinct, 26);
}

#[test]
fn a_cell_may_be_as_large_as_a_record() {
    let bench = Bench::with(0, 1 << 30);
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(20 << 20)]));
    let rows = RecordBatch::try_from_iter([("t", text)]).unwrap();
    let profile = bench.profile("a.arrow", stream(&[rows]));
    let text = profile.columns[0].text.as_ref().unwrap();
    assert_eq!(text.max_length, Some(20 << 20));
}

#[test]
fn decimals_of_more_places_than_fit_are_doubles_with_a_warning() {
    let bench = Bench::new();
    let digits = arrow::datatypes::i256::from_string(&format!("15{}", "0".repeat(49))).unwrap();
    let decimals = arrow::array::Decimal256Array::from(vec![Some(digits), None]);
    let decimals = decimals.with_precision_and_scale(76, 50).unwrap();
    let profile = bench.profile("a.arrow", of(decimals.clone()));
    let numbers = column(&profile, "v");
    assert_eq!((numbers.kind, numbers.missing), (ColumnType::Float, 1));
    assert_eq!(numbers.numeric.as_ref().unwrap().mean, Some(1.5));
    assert_eq!(
        crate::support::warning(&profile, "rounded_numbers").count,
        1
    );
    assert_eq!(converted(&bench, of(decimals)), [ColumnType::Float]);
}

/// The types of the columns after a conversion to Parquet.
fn converted(bench: &Bench, bytes: Vec<u8>) -> Vec<ColumnType> {
    let out = bench.path("converted.parquet");
    let source = bench.source("converted.arrow", bytes);
    let options = ReadOptions::default();
    let (cancel, progress) = (Cancel::new(), Progress::new());
    let engine = &bench.engine;
    engine
        .to_parquet(source, &options, &out, &cancel, &progress)
        .unwrap();
    types(&bench.profile("written.parquet", std::fs::read(out).unwrap()))
}

#[test]
fn what_parquet_has_no_type_for_is_written_as_it_is_shown() {
    use arrow::array::{DurationSecondArray, IntervalMonthDayNanoArray};
    use arrow::datatypes::IntervalMonthDayNano;

    let bench = Bench::new();
    let spans = vec![IntervalMonthDayNano::new(1, 2, 3); 3];
    let runs = RunArray::try_new(&Int32Array::from(vec![1, 3]), words().slice(0, 2).as_ref());
    let parts: Vec<ArrayRef> = vec![
        Arc::new(union()),
        Arc::new(IntervalMonthDayNanoArray::from(spans)),
        Arc::new(DurationSecondArray::from(vec![1, 2, 3])),
        Arc::new(runs.unwrap()),
        Arc::new(NullArray::new(3)),
        Arc::new(StructArray::new_empty_fields(3, None)),
        Arc::new(DictionaryArray::new(
            Int32Array::from(vec![0, 1, 2]),
            words(),
        )),
        Arc::new(Int32Array::from(vec![1, 2, 3])),
    ];
    for part in parts {
        let what = part.data_type().clone();
        let fields: Fields = vec![Field::new("p", what.clone(), true)].into();
        let within = StructArray::new(fields, vec![Arc::clone(&part)], None);
        let item = Arc::new(Field::new("item", what.clone(), true));
        let lists = ListArray::new(item, OffsetBuffer::new(vec![0, 1, 3, 3].into()), part, None);
        assert_eq!(
            converted(&bench, of(within)),
            [ColumnType::String],
            "{what}"
        );
        assert_eq!(converted(&bench, of(lists)), [ColumnType::String], "{what}");
    }
}

#[test]
fn a_text_that_repeats_is_written_a_row_group_at_a_time() {
    let bench = Bench::with(0, 64 << 20);
    let out = bench.path("out.parquet");
    let convert = |length: u32, rows: usize| {
        // Letters that cannot be compressed.
        let letters = (0..length).map(|at| at.wrapping_mul(2_654_435_761).wrapping_pow(3) >> 25);
        let word: String = letters.map(|at| char::from(b'!' + at as u8 % 90)).collect();
        let word: ArrayRef = Arc::new(StringArray::from(vec![word]));
        let words = DictionaryArray::new(Int32Array::from(vec![0; rows]), word);
        let source = bench.source("a.arrow", of(words));
        let (cancel, progress) = (Cancel::new(), Progress::new());
        let options = ReadOptions::default();
        bench
            .engine
            .to_parquet(source, &options, &out, &cancel, &progress)
    };
    // Together they are more than an array of texts may have.
    assert_eq!(convert(300_000, 8_000).unwrap().len(), 1);
    let profile = bench.profile("b.parquet", std::fs::read(&out).unwrap());
    assert_eq!(profile.dataset.rows, 8_000);
    assert_eq!(profile.columns[0].distinct, 1);
    let swelling = convert(1_500_000, 400);
    assert_eq!(swelling.unwrap_err().code(), "resource_exhausted");
}
