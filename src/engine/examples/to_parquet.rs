//! Converts a file of any format to Parquet: `cargo run --example to_parquet -- in.csv out.parquet`.

use std::path::Path;

use lastcall_domain::{Cancel, Format, Progress, ReadOptions};
use lastcall_engine::{Engine, EngineConfig, Source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("usage: to_parquet FROM TO".into());
    };
    let engine = Engine::new(EngineConfig {
        threads: 1,
        memory: 1 << 30,
        scratch: std::env::temp_dir(),
    });
    let format = Format::from_file_name(&from).ok_or("the file's ending names no format")?;
    engine.to_parquet(
        Source::new(from, format),
        &ReadOptions::default(),
        Path::new(&to),
        &Cancel::new(),
        &Progress::new(),
    )?;
    Ok(())
}
