//! Plans and runs a query.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::SessionState;
use datafusion::physical_plan::execute_stream;
use datafusion::sql::parser::Statement;
use futures_util::StreamExt;
use tokio::runtime::{Builder, Runtime};

use super::catalog::Catalog;
use super::files::OpenTable;
use super::identifier_case::{self, Known};
use super::names::Names;
use super::output::{self, Sink};
use super::parse::Kind;
use super::progress::ScanProgress;
use super::{READERS, WORKER_STACK};
use super::{allow, failure, parse, rewrite, session, shape, summary};
use crate::protocol::{Done, Failure, Query};
use lastcall_child::guest::Wire;
use lastcall_child::start_and_end;

/// Runs a query and writes its result. Call it on a deep stack: planning recurses.
pub(super) fn run(query: &Query, tables: &[OpenTable], wire: Wire) -> Result<Done, Failure> {
    // The runtime panics if it can start no thread, and waits if it can start only some.
    let threads = query.threads + READERS;
    start_and_end(threads, WORKER_STACK).map_err(|_| failure::no_thread(threads * WORKER_STACK))?;
    let runtime = runtime(query.threads).map_err(|error| failure::of_io(&error))?;
    let outcome = runtime.block_on(execute(query, tables, wire));
    // The process is about to exit; waiting for its threads would only delay the result.
    runtime.shutdown_background();
    outcome
}

/// A runtime without an I/O driver, which would need a socket.
fn runtime(threads: usize) -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(READERS)
        .thread_stack_size(WORKER_STACK)
        .thread_name("compute")
        .enable_time()
        .build()
}

async fn execute(query: &Query, tables: &[OpenTable], wire: Wire) -> Result<Done, Failure> {
    let mut state = session::engine(query).map_err(failure::of_running)?;
    // The value of `now()` and `current_date`.
    state.mark_start_execution();
    let mut tokens = parse::tokens(&query.sql)?;
    let kind = parse::kind(&mut tokens);
    let written = parse::query(tokens.clone())?;
    let shape = shape::shape(&written)?;
    let mut known = Known::default();
    let mut opened = Vec::with_capacity(tables.len());
    for table in tables {
        let provider = open(&state, &table.path)
            .await
            .map_err(failure::of_running)?;
        let schema = provider.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        known.add(shape.names_of(&table.name), columns);
        opened.push((table.name.clone(), provider));
    }
    session::with_tables(&state, Catalog::new(opened)).map_err(failure::of_planning)?;

    identifier_case::resolve(&mut tokens, &known);
    let mut statement = parse::query(tokens)?;
    rewrite::rewrite(&mut statement, &query.parameters, &known)?;
    let statement = Statement::Statement(statement);
    let plan = state
        .statement_to_plan(statement)
        .await
        .map_err(|error| failure::mention_quotes(failure::of_planning(error), &query.sql))?;
    allow::check(&plan)?;
    if kind == Kind::Summarize {
        let rows = summary::summarize(&state, &plan).await;
        return write_rows(query, &rows.map_err(failure::of_running)?, wire);
    }
    let plan = state
        .create_physical_plan(&plan)
        .await
        .map_err(failure::of_planning)?;
    if kind == Kind::Describe {
        let schema = Names::of(&written).apply(&plan.schema());
        let rows = summary::describe(&schema).map_err(failure::of_running)?;
        return write_rows(query, &rows, wire);
    }
    let progress = ScanProgress::new(&plan, wire);
    let stream = execute_stream(plan, state.task_ctx()).map_err(failure::of_running)?;
    let schema = Names::of(&written).apply(&stream.schema());
    let mut sink =
        output::sink(query.format, &schema, wire.output()).map_err(failure::of_running)?;
    let done = copy(stream, sink.as_mut(), query.max_rows, progress)
        .await
        .map_err(failure::of_running)?;
    sink.finish(done).map_err(failure::of_running)?;
    Ok(done)
}

/// Writes existing rows, within the limit on rows.
fn write_rows(query: &Query, rows: &RecordBatch, wire: Wire) -> Result<Done, Failure> {
    let room = usize::try_from(query.max_rows).unwrap_or(usize::MAX);
    let count = rows.num_rows().min(room);
    let done = Done {
        row_count: count as u64,
        truncated: count < rows.num_rows(),
    };
    let written = || {
        let mut sink = output::sink(query.format, &rows.schema(), wire.output())?;
        sink.write(&rows.slice(0, count))?;
        sink.finish(done)
    };
    written().map_err(failure::of_running)?;
    Ok(done)
}

/// Copies up to `max_rows` rows.
async fn copy(
    mut stream: SendableRecordBatchStream,
    sink: &mut dyn Sink,
    max_rows: u64,
    mut progress: ScanProgress,
) -> Result<Done> {
    let mut done = Done {
        row_count: 0,
        truncated: false,
    };
    while let Some(batch) = progress.watch(stream.next()).await? {
        let batch = batch?;
        let room = usize::try_from(max_rows - done.row_count).unwrap_or(usize::MAX);
        done.truncated = batch.num_rows() > room;
        let rows = batch.num_rows().min(room);
        sink.write(&batch.slice(0, rows))?;
        done.row_count += rows as u64;
        if done.truncated {
            break;
        }
    }
    Ok(done)
}

/// Opens a Parquet file as a table.
async fn open(state: &SessionState, path: &Path) -> Result<Arc<dyn TableProvider>> {
    let url = url::Url::from_file_path(path)
        .map_err(|()| DataFusionError::Execution("the path of a table is not absolute".into()))?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let config = ListingTableConfig::new(ListingTableUrl::try_new(url, None)?)
        .with_listing_options(options)
        .infer_schema(state)
        .await?;
    Ok(Arc::new(ListingTable::try_new(config)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;

    use arrow::array::{ArrayRef, Int64Array};
    use datafusion::physical_plan::collect;
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::child::files;
    use crate::protocol::Table;
    use crate::result::ResultFormat;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_table_keeps_its_rows_if_its_file_is_removed_before_it_is_planned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let query = Query {
            sql: String::new(),
            parameters: Vec::new(),
            format: ResultFormat::Json,
            folder: folder.path().to_owned(),
            memory: 64 << 20,
            max_spill: 1 << 20,
            max_rows: 10,
            threads: 1,
            require_sandbox: false,
            cpu_seconds: 10,
        };
        let name = "t".to_owned();
        let table = Table {
            name,
            path: path.clone(),
        };
        let tables = files::open(vec![table]).unwrap();
        let batches = runtime(1).unwrap().block_on(async {
            let state = session::engine(&query)?;
            let table = open(&state, &tables[0].path).await?;
            std::fs::remove_file(&path).unwrap();
            let plan = table.scan(&state, None, &[], None).await?;
            collect(plan, state.task_ctx()).await
        });
        let rows: usize = batches.unwrap().iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 3);
    }
}
