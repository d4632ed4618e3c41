//! Profiles a file without the service: `cargo run --example profile -- penguins.csv`.
//!
//! Prints the profile as JSON.

use std::process::ExitCode;

use lastcall_domain::{Cancel, Format, ProfileOptions, Progress};
use lastcall_engine::{Engine, EngineConfig, Source};

fn main() -> ExitCode {
    match run() {
        Ok(json) => {
            #[expect(clippy::print_stdout, reason = "the output of the example")]
            {
                println!("{json}");
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

fn run() -> Result<String, Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: profile FILE")?;
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let engine = Engine::new(EngineConfig {
        threads: usize::try_from(number("THREADS", 1))?,
        memory: number("MEMORY", 1 << 30),
        scratch: std::env::temp_dir(),
    });
    let format = Format::from_file_name(&path).ok_or("the file's ending names no format")?;
    let source = Source::new(path, format);
    let options = ProfileOptions::default();
    let profile = engine.profile(source, &options, &Cancel::new(), &Progress::new())?;
    Ok(serde_json::to_string_pretty(&profile)?)
}
