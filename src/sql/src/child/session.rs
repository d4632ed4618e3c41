//! The engine's session for one query.

use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::catalog::Catalog;
use super::functions;
use super::guards::Guards;
use super::pushdown::ByDistinctNames;
use crate::protocol::Query;

/// The share of a query's memory that operators may reserve before they spill or fail. The rest is
/// for what the engine does not count: decoded pages, batches in flight, the result.
const COUNTED: f64 = 0.6;
/// The names of the only catalog and of its only schema. No query can use them: names with a
/// schema are rejected.
const CATALOG: &str = "session";
const SCHEMA: &str = "datasets";

/// A session with the query's limits, without tables.
pub(super) fn engine(query: &Query) -> Result<SessionState> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![query.folder.clone()]))
        .with_max_temp_directory_size(query.max_spill);
    let counted = (query.memory as f64 * COUNTED) as usize;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(counted)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let builder = SessionStateBuilder::new()
        .with_config(config(query.threads))
        .with_physical_optimizer_rules(physical_rules())
        .with_runtime_env(runtime);
    Ok(functions::register(builder).build())
}

/// The engine's rules, two of them restricted, and one more before the last, which checks.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let rules = PhysicalOptimizer::new().rules.into_iter();
    let mut rules: Vec<_> = rules.map(ByDistinctNames::around).collect();
    let last = rules.len().saturating_sub(1);
    rules.insert(last, Arc::new(Guards));
    rules
}

/// Registers the tables.
pub(super) fn with_tables(state: &SessionState, tables: Catalog) -> Result<()> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(tables))?;
    state
        .catalog_list()
        .register_catalog(CATALOG.into(), Arc::new(catalog));
    Ok(())
}

fn config(threads: usize) -> SessionConfig {
    let mut options = ConfigOptions::new();
    options.catalog.create_default_catalog_and_schema = false;
    options.catalog.default_catalog = CATALOG.into();
    options.catalog.default_schema = SCHEMA.into();
    options.catalog.information_schema = false;
    // `identifier_case` has resolved the case.
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.collect_spans = true;
    options.execution.enable_recursive_ctes = false;
    SessionConfig::from(options).with_target_partitions(threads)
}

/// Initialises the engine's statics, so that the first query does not wait for them.
pub(super) fn warm_up() {
    functions::register(SessionStateBuilder::new()).build();
}
