//! The tables of a query, looked up case-insensitively.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::Result;

use crate::name::composed;

/// The tables of a query.
///
/// The host has resolved the [names](crate::protocol::Need) to the session's tables and rejected
/// ambiguous ones; the lookup here repeats the same match.
#[derive(Debug)]
pub(super) struct Catalog {
    tables: Vec<(String, Arc<dyn TableProvider>)>,
}

impl Catalog {
    pub(super) fn new(tables: Vec<(String, Arc<dyn TableProvider>)>) -> Self {
        Self { tables }
    }

    fn find(&self, name: &str) -> Option<&Arc<dyn TableProvider>> {
        let name = composed(name);
        let exact = self.tables.iter().find(|(table, _)| *table == name);
        let folded = name.to_lowercase();
        let found = exact.or_else(|| {
            self.tables
                .iter()
                .find(|(table, _)| table.to_lowercase() == folded)
        });
        found.map(|(_, provider)| provider)
    }
}

#[async_trait]
impl SchemaProvider for Catalog {
    fn table_names(&self) -> Vec<String> {
        self.tables.iter().map(|(name, _)| name.clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.find(name).cloned())
    }

    fn table_exist(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}
