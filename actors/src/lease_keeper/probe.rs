//! Probes of unavailable dependencies.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use lastcall_domain::{Dependency, Environment, running_time};

use super::Leases;
use crate::breakers::Breakers;
use crate::panic::panic_message;

/// How long a probe may take. A probe of the store may take as long as any call to it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The probes, and the breakers that they report to.
pub(crate) struct Probes {
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) breakers: Breakers,
    pub(crate) store_timeout: Duration,
}

impl Leases {
    /// Probes each dependency during an outage, independently of the others.
    pub(super) async fn probe(&self) {
        join_all(Dependency::ALL.map(|dependency| self.probes.keep(dependency))).await;
    }
}

impl Probes {
    async fn keep(&self, dependency: Dependency) {
        loop {
            self.breakers.probe_due(dependency).await;
            let answer = self.once(dependency).await;
            self.breakers.probed(dependency, answer);
        }
    }

    async fn once(&self, dependency: Dependency) -> Result<(), String> {
        let limit = match dependency {
            Dependency::Store => self.store_timeout,
            _ => PROBE_TIMEOUT,
        };
        let probe = AssertUnwindSafe(self.environment.probe(dependency)).catch_unwind();
        match running_time::timeout(limit, probe).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(format!("the probe panicked: {}", panic_message(&*panic))),
            Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
        }
    }
}
