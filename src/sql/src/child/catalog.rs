//! The tables of a query, looked up case-insensitively.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::Result;

use crate::name::composed;

/// The tables of a query.
///
/// [`resolve`](crate::protocol::Need) has matched what is written with the session's tables and
/// refused what is ambiguous; here only the same match has to be found again.
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
