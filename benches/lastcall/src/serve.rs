//! The HTTP surface over the tree, on a free port.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::web::Data;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lastcall_actors::{Handle, Phase, ShutdownReport, SystemStatus};
use lastcall_api::{ApiConfig, ApiState, Describe, Parts, SystemPort};
use lastcall_domain::trace::Tracer;
use lastcall_domain::{Dataset, Disk, DiskSpace, JobError, JobId, Schema, Service, Work};

use crate::Outcome;
use crate::nothing::{Nothing, Parked};
use crate::tree::{MAX_QUEUED, Tree};

struct Port(Handle);

impl SystemPort for Port {
    fn phase(&self) -> Phase {
        self.0.phase().get()
    }

    fn stopping(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn phase_passed(&self, _: Phase) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn wake(&self, service: Service) {
        self.0.wake(service);
    }

    fn sweep(&self) {
        self.0.sweep();
    }

    fn cancel(&self, job: JobId) {
        self.0.cancel(job);
    }

    fn request_drain(&self) {}

    fn status(&self) -> SystemStatus {
        self.0.status()
    }

    fn previous_shutdown(&self) -> Option<ShutdownReport> {
        None
    }
}

struct NoSchemas;

#[async_trait]
impl Describe for NoSchemas {
    async fn describe(&self, _dataset: &Dataset) -> Result<Schema, JobError> {
        Err(JobError::permanent(
            "unsupported",
            "there is no engine here",
        ))
    }
}

/// Disks that nobody measures.
struct NoDisks;

#[async_trait]
impl DiskSpace for NoDisks {
    async fn disks(&self) -> Vec<Disk> {
        Vec::new()
    }
}

/// Prints the address, and serves until the process is killed: what it accepted must be durable
/// then.
pub(crate) async fn run(parked: bool, workers: usize, folder: &str) -> Outcome<()> {
    let work: Arc<dyn Work> = if parked {
        Arc::new(Parked)
    } else {
        Arc::new(Nothing)
    };
    let tree = Tree::start(folder, workers, work).await?;
    let parts = Parts {
        store: Arc::clone(&tree.store),
        blobs: Arc::clone(&tree.blobs),
        feed: tree.feed.clone(),
        clock: Arc::clone(&tree.clock),
        system: Arc::new(Port(tree.handle.clone())),
        describe: Arc::new(NoSchemas),
        disks: Arc::new(NoDisks),
        new_sessions: Arc::default(),
        tracer: Tracer::default(),
        job_metrics: lastcall_api::JobMetrics::default(),
    };
    let config = ApiConfig {
        max_queued_analyses: MAX_QUEUED,
        ..ApiConfig::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    lastcall_api::server(Data::new(ApiState::new(parts, config)), listener)?.await?;
    Ok(())
}
