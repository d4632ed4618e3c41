//! Converts the configuration into the settings of each part.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lastcall_actors::{CleanerConfig, Config as TreeConfig, PoolConfig, Queued, Supervision};
use lastcall_api::{ApiConfig, Tls};
use lastcall_child::host::Program;
use lastcall_domain::{InstanceId, Limits};
use lastcall_engine::EngineConfig;
use lastcall_render::TypesetterConfig;
use lastcall_sql::SqlConfig;

use crate::config::{Config, MAX_TTL, Pool};

/// The least memory of a query, in bytes.
const MIN_QUERY_MEMORY: u64 = 64 << 20;
/// The hidden command of a query's child process.
pub(crate) const SQL_CHILD: &str = "__sql";
/// The least memory for typesetting, in bytes.
const MIN_PDF_MEMORY: u64 = 512 << 20;
/// The hidden command of a typesetting child process.
pub(crate) const PDF_CHILD: &str = "__pdf";
/// Threads that read the columns of datasets.
const DESCRIBERS: usize = 2;

pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        max_attempts: config.jobs.max_attempts,
        max_interruptions: config.jobs.max_interruptions,
        per_owner: config.per_owner.store,
    }
}

/// Compute threads: one for each worker, and some that read columns.
pub(super) fn compute_threads(config: &Config) -> usize {
    config.analysis.pool.workers + config.report.workers + DESCRIBERS
}

pub(super) fn engine_config(config: &Config, scratch: &Path) -> EngineConfig {
    EngineConfig {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory: config.analysis.memory,
        scratch: scratch.to_owned(),
    }
}

/// The program of the children: this process's own image. Its file may have been replaced or
/// removed since the start, and a child of another version speaks another protocol.
fn running_image() -> anyhow::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && link.exists() {
        // The kernel follows this link to the image itself, not to a path.
        return Ok(link.to_owned());
    }
    std::env::current_exe().context("this program's own file cannot be found")
}

pub(super) fn sql_config(config: &Config, scratch: &Path) -> anyhow::Result<SqlConfig> {
    let program = running_image()?;
    let at_once = config.analysis.pool.workers as u64;
    Ok(SqlConfig {
        // The bound is shared by all analyses that may run at once.
        memory: (config.analysis.memory / at_once).max(MIN_QUERY_MEMORY),
        max_rows: config.analysis.max_rows,
        require_sandbox: config.sql_require_sandbox,
        ..SqlConfig::new(program, vec![SQL_CHILD.into()], scratch.join("sql"))
    })
}

/// The child processes for queries of the command line.
pub(crate) fn local_sql_config(scratch: &Path) -> anyhow::Result<SqlConfig> {
    let (program, args) = (running_image()?, vec![SQL_CHILD.into()]);
    Ok(SqlConfig {
        spares: 0,
        ..SqlConfig::new(program, args, scratch.join("sql"))
    })
}

pub(super) fn typesetter_config(
    config: &Config,
    scratch: &Path,
) -> anyhow::Result<TypesetterConfig> {
    let program = Program {
        path: running_image()?,
        args: vec![PDF_CHILD.into()],
        // The user's fonts.
        env: std::env::var_os("HOME")
            .map(|home| ("HOME".into(), home))
            .into_iter()
            .collect(),
    };
    let at_once = config.report.workers as u64;
    Ok(TypesetterConfig {
        // The bound is shared by all reports that may be made at once.
        memory: (config.analysis.memory / at_once).max(MIN_PDF_MEMORY),
        require_sandbox: config.sql_require_sandbox,
        ..TypesetterConfig::new(program, scratch.join("pdf"))
    })
}

pub(super) fn tree_config(config: &Config, instance: InstanceId) -> TreeConfig {
    let pool = |pool: &Pool| PoolConfig {
        workers: pool.workers,
        mailbox: pool.mailbox,
        owners_are_bounded: config.per_owner.store.running_jobs.is_some(),
        ..PoolConfig::new(pool.timeout)
    };
    TreeConfig {
        analysis: pool(&config.analysis.pool),
        report: pool(&config.report),
        lease: config.jobs.lease,
        heartbeat: config.jobs.heartbeat,
        cleaner: CleanerConfig {
            interval: config.sessions.cleanup_interval,
            ..CleanerConfig::default()
        },
        supervision: Supervision {
            max_restarts: config.supervision.max_restarts,
            within: config.supervision.within,
            ..Supervision::default()
        },
        queued: if config.shutdown.finish_queued {
            Queued::Finish
        } else {
            Queued::Leave
        },
        ..TreeConfig::new(instance)
    }
}

pub(super) fn api_config(config: &Config, instance: InstanceId, tls: Option<Tls>) -> ApiConfig {
    ApiConfig {
        tls,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance,
        auth: config.auth.callers.clone(),
        // A web page must not use a service without keys through its user's browser.
        loopback_only: config.auth.is_open() && !config.auth.allow_anonymous,
        cors_origins: config.server.cors_origins.clone(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        audit: config.log.audit,
        access_log: config.log.access,
        max_body: config.server.max_body,
        max_connections: config.server.max_connections,
        default_ttl: config.sessions.ttl,
        max_ttl: MAX_TTL,
        max_queued_analyses: config.analysis.pool.max_queued,
        max_queued_reports: config.report.max_queued,
        rate: config.per_owner.rate,
        shutdown_timeout: config.shutdown.deadline,
        ..ApiConfig::default()
    }
}
