//! Lastcall around work that does nothing: the real store, actors and HTTP surface, measured.
//!
//! - `bench-lastcall jobs JOBS SUBMITTERS WORKERS FOLDER`: whole jobs in one process.
//! - `bench-lastcall serve idle|parked WORKERS FOLDER`: the HTTP surface on a free port; jobs do
//!   nothing, or never end, so that submissions only queue.
//! - `bench-lastcall ttl LIVE FOLDER`: sweeps beside this many live sessions.

mod jobs;
mod nothing;
mod serve;
mod tree;
mod ttl;

use std::error::Error;

/// The result of a measurement.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "usage: jobs JOBS SUBMITTERS WORKERS FOLDER \
                     | serve idle|parked WORKERS FOLDER | ttl LIVE FOLDER";

fn main() -> Outcome<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let system = actix_rt::System::new();
    match arguments.as_slice() {
        ["jobs", jobs, submitters, workers, folder] => system.block_on(jobs::run(
            jobs.parse()?,
            submitters.parse()?,
            workers.parse()?,
            folder,
        )),
        ["serve", work, workers, folder] => {
            system.block_on(serve::run(*work == "parked", workers.parse()?, folder))
        }
        ["ttl", live, folder] => system.block_on(ttl::run(live.parse()?, folder)),
        _ => Err(USAGE.into()),
    }
}
