//! Measurements for the benchmark besides profiles: `measure schema FILE` infers the types of the
//! columns, `measure cancel FILE POINTS` cancels profiles at that many points and prints how long
//! each continued, and what it left behind, as JSON.

use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use lastcall_domain::{Cancel, Format, ProfileOptions, Progress, ReadOptions};
use lastcall_engine::{Engine, EngineConfig, Source};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["schema", file] => schema(file),
        ["cancel", file, points] => cancel(file, points),
        _ => Err("usage: measure schema FILE | cancel FILE POINTS".into()),
    };
    match outcome {
        Ok(text) => {
            #[expect(clippy::print_stdout, reason = "the output of the example")]
            {
                println!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the output of the example")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn engine(scratch: &Path) -> Engine {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    Engine::new(EngineConfig {
        threads: cores - 1,
        memory: 1 << 30,
        scratch: scratch.into(),
    })
}

fn source(file: &str) -> Outcome<Source> {
    let format = Format::from_file_name(file).ok_or("the file's ending names no format")?;
    Ok(Source::new(file, format))
}

fn schema(file: &str) -> Outcome<String> {
    let engine = engine(&std::env::temp_dir());
    let columns = engine.schema(source(file)?, &ReadOptions::default(), &Cancel::new())?;
    Ok(serde_json::to_string(&columns)?)
}

/// Profiles the file once completely, then cancels it at points that divide this time evenly.
fn cancel(file: &str, points: &str) -> Outcome<String> {
    let points: u32 = points.parse()?;
    let scratch = std::env::temp_dir().join(format!("measure-{}", std::process::id()));
    std::fs::create_dir(&scratch)?;
    let engine = engine(&scratch);
    let source = source(file)?;
    let began = Instant::now();
    profile(&engine, &source, &Cancel::new())?;
    let whole = began.elapsed();
    let mut late = Vec::new();
    for point in 0..points {
        late.extend(cancelled_after(&engine, &source, whole * point / points));
    }
    late.sort();
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    let files = scratch.read_dir()?.count();
    std::fs::remove_dir_all(&scratch)?;
    let milliseconds = |at: usize| late.get(at).map(|late| late.as_secs_f64() * 1e3);
    Ok(serde_json::json!({
        "cancelled": late.len(),
        "median_ms": milliseconds(late.len() / 2),
        "longest_ms": milliseconds(late.len().saturating_sub(1)),
        "threads_left": threads - 1,
        "files_left": files,
    })
    .to_string())
}

fn profile(engine: &Engine, source: &Source, cancel: &Cancel) -> Outcome<()> {
    let options = ProfileOptions::default();
    engine.profile(source.clone(), &options, cancel, &Progress::new())?;
    Ok(())
}

/// The time from the cancellation to the end; `None` if the profile was done before.
fn cancelled_after(engine: &Engine, source: &Source, time: Duration) -> Option<Duration> {
    let cancel = Cancel::new();
    let (ended, end) = mpsc::channel();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| ended.send(profile(engine, source, &cancel).is_err()));
        let done = end.recv_timeout(time).is_ok();
        let began = Instant::now();
        cancel.cancel();
        let cancelled = !done && end.recv() == Ok(true);
        let late = began.elapsed();
        let _ = running.join();
        cancelled.then_some(late)
    })
}
