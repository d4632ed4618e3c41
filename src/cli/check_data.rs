//! `lastcall check-data FILE --contract C`: the checks of a data contract, without a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use clap::Args;
use lastcall_domain::check::{CheckPlan, CheckReport, DEFAULT_EXAMPLES, Rule};
use lastcall_domain::{
    Cancel, CheckOptions, Clock as _, JobError, Progress, ReadOptions, SystemClock,
};
use lastcall_engine::{CheckInput, Engine, Source};
use lastcall_render::ReportInput;
use lastcall_sql::{Sql, TableError, Tables};
use tempfile::TempDir;

use super::local_file::{LocalFile, engine};
use super::output::OutputArgs;
use super::profile::ProgressWatch;
use super::{check_table, read_args, stdin};
use crate::boot;
use crate::exit::{Exit, Failure};
use crate::work::{QueryChecks, read_options, referenced};

/// How long a query of a contract may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(300);
/// The largest contract that is read from a file, in bytes.
const MAX_CONTRACT: u64 = lastcall_contract::MAX_BYTES as u64;

#[derive(Debug, Args)]
pub(super) struct CheckDataArgs {
    /// A CSV, TSV, NDJSON, JSON, Parquet, Arrow, XLSX, XLS or ODS file, detected from its extension or
    /// else from its first bytes; gzip and zstd are decompressed. `-` is the standard input.
    file: PathBuf,
    /// The contract, in YAML or JSON: a Frictionless Table Schema or Data Package, or one of the
    /// Open Data Contract Standard, version 3.
    #[arg(short, long, value_name = "FILE")]
    contract: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// The name of the data in the contract and its queries; by default the file's name without
    /// its extension.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Another dataset that foreign keys or queries of the contract refer to; may be repeated.
    #[arg(long = "with", value_name = "NAME=FILE")]
    others: Vec<String>,
    /// The number of failing rows to show per check, up to 100.
    #[arg(long, value_name = "ROWS", default_value_t = DEFAULT_EXAMPLES)]
    examples: usize,
    #[command(flatten)]
    read: read_args::ReadArgs,
}

/// Checks the file, and prints a table or writes a report.
pub(super) fn run(args: &CheckDataArgs) -> Result<ExitCode, Failure> {
    let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
    let options = CheckOptions {
        read: args.read.options()?,
        examples: args.examples,
    };
    options.check().map_err(|error| usage(error.into()))?;
    let others = others(&args.others).map_err(usage)?;
    let files = others.values().copied().chain([args.file.as_path()]);
    let files: Vec<&Path> = files.collect();
    stdin::once(&files)?;
    let read = [&files[..], &[args.contract.as_path()]].concat();
    let target = args.output.target(&read)?;
    let file = LocalFile::open(&args.file, &options.read)?;
    let name = args.name.clone().unwrap_or_else(|| file.stem());
    if others.contains_key(name.as_str()) {
        return Err(usage(anyhow!(
            "--with {name}: that is the name of the data"
        )));
    }
    let mut plan = contract(&args.contract, &name)?;
    plan.examples = options.examples;
    let others = open(others)?;
    let report = Checking {
        read: read_options(options.read, &plan.read, file.source.format),
        engine: engine(),
        file,
        name,
        others,
        plan,
    }
    .run()?;
    let input = ReportInput::check(&report, SystemClock.now());
    target.write(&input, || check_table::of(&report))?;
    Ok(if report.passed {
        ExitCode::SUCCESS
    } else {
        Exit::CheckFailed.into()
    })
}

fn contract(path: &Path, name: &str) -> Result<CheckPlan, Failure> {
    let shown = path.display();
    let read = || -> anyhow::Result<Vec<u8>> {
        use std::io::Read as _;
        let file = std::fs::File::open(path)?;
        let mut text = Vec::new();
        // One byte more than allowed shows that the file is too large.
        file.take(MAX_CONTRACT + 1).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().with_context(|| format!("{shown}: cannot be read"));
    let text = text.map_err(|error| Failure::new(Exit::NoInput, error))?;
    let plan = lastcall_contract::parse(&text);
    plan.and_then(|document| lastcall_contract::read(&document, name))
        .map_err(|error| Failure::new(Exit::BadData, anyhow!("{shown}: {error}")))
}

/// The files of the other datasets, by name.
fn others(given: &[String]) -> anyhow::Result<BTreeMap<&str, &Path>> {
    let mut others = BTreeMap::new();
    for given in given {
        let (name, file) = given
            .split_once('=')
            .with_context(|| format!("--with wants NAME=FILE, not {given:?}"))?;
        let before = others.insert(name, Path::new(file));
        anyhow::ensure!(before.is_none(), "--with {name} is there twice");
    }
    Ok(others)
}

fn open(others: BTreeMap<&str, &Path>) -> Result<BTreeMap<String, LocalFile>, Failure> {
    let open = |(name, file): (&str, &Path)| {
        let file = LocalFile::open(file, &ReadOptions::default());
        file.map(|file| (name.to_owned(), file))
    };
    others.into_iter().map(open).collect()
}

/// The data and the contract to check it against.
struct Checking {
    engine: Engine,
    file: LocalFile,
    name: String,
    read: ReadOptions,
    others: BTreeMap<String, LocalFile>,
    plan: CheckPlan,
}

impl Checking {
    fn run(self) -> Result<CheckReport, Failure> {
        let names = referenced(&self.plan);
        let references = names.filter_map(|name| {
            let other = self.others.get(name)?;
            Some((
                name.to_owned(),
                (other.source.clone(), ReadOptions::default()),
            ))
        });
        let progress = Progress::new();
        let bar = ProgressWatch::start(&progress);
        let report = self.engine.check(
            &CheckInput {
                source: &self.file.source,
                read: &self.read,
                plan: &self.plan,
                references: &references.collect(),
                now: SystemClock.now(),
            },
            &Cancel::new(),
            &progress,
        );
        bar.finish();
        let mut report = report.map_err(|error| self.file.failure(&error))?;
        let by_query = |rule: &Rule| matches!(rule, Rule::Sql { .. });
        if self.plan.checks.iter().any(|check| by_query(&check.rule)) {
            self.run_queries(&mut report)?;
        }
        Ok(report)
    }

    /// Runs the checks that are queries.
    fn run_queries(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let software = |error: anyhow::Error| Failure::new(Exit::Software, error);
        let scratch = TempDir::new().context("there is no folder for temporary files");
        let scratch = scratch.map_err(software)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| software(error.into()))?;
        let config = boot::local_sql_config(scratch.path()).map_err(software)?;
        let sql = Sql::new(config).map_err(|error| software(error.into()))?;
        let tables = LocalTables {
            checking: self,
            scratch: scratch.path(),
            made: Mutex::default(),
        };
        let made = runtime.block_on(async {
            let queries = QueryChecks {
                sql: &sql,
                tables: &tables,
                timeout: QUERY_TIMEOUT,
                cancel: &Cancel::new(),
                compute: None,
            };
            let made = queries.make(&self.plan, report).await;
            sql.shutdown().await;
            made
        });
        made.map_err(|JobError { code, message, .. }| software(anyhow!("{message} ({code})")))
    }
}

/// The local files as the tables of queries.
struct LocalTables<'a> {
    checking: &'a Checking,
    scratch: &'a Path,
    /// The converted tables, by name.
    made: Mutex<BTreeMap<String, PathBuf>>,
}

impl LocalTables<'_> {
    fn find(&self, name: &str) -> Option<(&Source, ReadOptions)> {
        let Checking {
            file,
            name: own,
            read,
            others,
            ..
        } = self.checking;
        match others.get(name) {
            Some(other) => Some((&other.source, ReadOptions::default())),
            None => (name == own).then(|| (&file.source, read.clone())),
        }
    }
}

#[async_trait]
impl Tables for LocalTables<'_> {
    async fn names(&self) -> Result<Vec<String>, TableError> {
        let others = self.checking.others.keys().cloned();
        Ok(others.chain([self.checking.name.clone()]).collect())
    }

    async fn open(&self, name: &str) -> Result<PathBuf, TableError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = made.get(name) {
            return Ok(path.clone());
        }
        let (source, read) = self.find(name).ok_or_else(|| TableError {
            code: "dataset_not_found",
            message: format!("there is no dataset {name}"),
            retryable: false,
            unavailable: None,
        })?;
        let path = self.scratch.join(format!("{}.parquet", made.len()));
        let (cancel, progress) = (Cancel::new(), Progress::new());
        self.checking
            .engine
            .to_parquet(source.clone(), &read, &path, &cancel, &progress)
            .map_err(|error| TableError {
                code: error.code(),
                message: error.to_string(),
                retryable: false,
                unavailable: None,
            })?;
        made.insert(name.to_owned(), path.clone());
        Ok(path)
    }
}
