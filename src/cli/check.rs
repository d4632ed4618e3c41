//! `lastcall check`: validates the configuration and prints its timeline.

use crate::config::{Config, show_duration, show_size};

/// Describes the settings that matter to an operator, and the timeline of a shutdown.
pub(super) fn describe(config: &Config) -> anyhow::Result<String> {
    let timeline = config
        .timeline()
        .map_err(|_| anyhow::anyhow!("the phases do not fit in the deadline"))?;
    let callers = match config.auth.callers.tokens() {
        _ if config.auth.is_open() => "anybody".to_owned(),
        Some(settings) => format!("bearers of keys and of tokens of {}", settings.issuer),
        None => "bearers of keys".to_owned(),
    };
    let queued = if config.shutdown.finish_queued {
        "are run until work is handed back"
    } else {
        "stay in the queue"
    };
    let administration = match config.server.admin_bind {
        Some(address) => format!("{address} as well (health, metrics, /v1/system)"),
        None => "no address of its own".to_owned(),
    };
    let protocol = match &config.server.tls {
        Some(files) => {
            files.load()?;
            "TLS, HTTP/2 and HTTP/1.1"
        }
        None => "plain HTTP",
    };
    Ok(format!(
        "the configuration is valid\n\n\
         listens on      {} ({}), for {callers}, {} connections at once\n\
         administration  {}\n\
         store           {}\n\
         blobs           {}\n\
         state           {}\n\
         free space      no uploads and submissions below {} on a local disk\n\
         analyses        {} at once, {} of memory, {} each at most\n\
         reports         {} at once, {} each at most\n\
         a dead worker's job runs on a peer within {}\n\n\
         shutdown, from the first signal:\n{timeline}\
         queued jobs {queued}\n",
        config.server.bind,
        protocol,
        config.server.max_connections,
        administration,
        config.store_url.redacted_url(),
        config.blobs_url,
        config.state_dir.display(),
        show_size(config.store_min_free),
        config.analysis.pool.workers,
        show_size(config.analysis.memory),
        show_duration(config.analysis.pool.timeout),
        config.report.workers,
        show_duration(config.report.timeout),
        show_duration(config.jobs.lease),
    ))
}
