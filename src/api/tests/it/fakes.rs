//! A clock that is moved by hand, and the parts that the HTTP surface only talks to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lastcall_actors::{
    BreakerState, DependencyStatus, Phase, ServiceStatus, ShutdownReport, SystemStatus,
};
use lastcall_api::{Describe, SystemPort};
use lastcall_domain::profile::ColumnType;
use lastcall_domain::{
    Clock, Dataset, Dependency, Disk, DiskSpace, Field, JobError, JobId, ReadReport, Schema,
    Service, SystemClock, Timestamp,
};
use tokio::sync::{Semaphore, watch};

#[derive(Debug)]
pub struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub fn new() -> Self {
        Self(Mutex::new(SystemClock.now()))
    }

    pub fn advance(&self, span: Duration) {
        *self.0.lock().unwrap() += span;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The actors: records the calls.
pub struct FakeSystem {
    pub phase: watch::Sender<Phase>,
    pub woken: Mutex<Vec<Service>>,
    pub cancelled: Mutex<Vec<JobId>>,
    pub sweeps: Mutex<u32>,
    pub drains: Mutex<u32>,
    pub panics: AtomicBool,
    pub services: Mutex<Vec<ServiceStatus>>,
    pub previous_shutdown: Mutex<Option<ShutdownReport>>,
}

impl FakeSystem {
    pub fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
            woken: Mutex::default(),
            cancelled: Mutex::default(),
            sweeps: Mutex::default(),
            drains: Mutex::default(),
            panics: AtomicBool::new(false),
            services: Mutex::default(),
            previous_shutdown: Mutex::default(),
        }
    }
}

/// A part of the environment that is there.
fn here(name: Dependency) -> DependencyStatus {
    DependencyStatus {
        name,
        breaker: BreakerState::Closed,
        outages: 0,
        detail: None,
    }
}

impl SystemPort for FakeSystem {
    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    fn stopping(&self) -> BoxFuture<'static, ()> {
        let mut phases = self.phase.subscribe();
        Box::pin(async move {
            let stopping = phases.wait_for(|phase| phase.is_shutting_down()).await;
            assert!(stopping.is_ok(), "the test has gone");
        })
    }

    fn phase_passed(&self, phase: Phase) -> BoxFuture<'static, ()> {
        let mut phases = self.phase.subscribe();
        Box::pin(async move {
            // An error means that the test has ended.
            let _ = phases.wait_for(|now| *now > phase).await;
        })
    }

    fn wake(&self, service: Service) {
        self.woken.lock().unwrap().push(service);
    }

    fn sweep(&self) {
        *self.sweeps.lock().unwrap() += 1;
    }

    fn cancel(&self, job: JobId) {
        self.cancelled.lock().unwrap().push(job);
    }

    /// The phase stays: the request for a shutdown takes effect later.
    fn request_drain(&self) {
        *self.drains.lock().unwrap() += 1;
    }

    fn status(&self) -> SystemStatus {
        assert!(
            !self.panics.swap(false, Ordering::Relaxed),
            "a test wants it so"
        );
        SystemStatus {
            phase: self.phase(),
            services: self.services.lock().unwrap().clone(),
            abandoned_threads: Vec::new(),
            dependencies: Dependency::ALL.map(here).to_vec(),
        }
    }

    fn previous_shutdown(&self) -> Option<ShutdownReport> {
        self.previous_shutdown.lock().unwrap().clone()
    }
}

/// Disks with as much room as the test sets.
pub struct FakeDisks(Mutex<u64>);

impl FakeDisks {
    pub fn new() -> Self {
        Self(Mutex::new(1 << 40))
    }

    /// Sets the free bytes; 1,000 are the minimum.
    pub fn set_free(&self, bytes: u64) {
        *self.0.lock().unwrap() = bytes;
    }
}

#[async_trait]
impl DiskSpace for FakeDisks {
    async fn disks(&self) -> Vec<Disk> {
        vec![Disk {
            name: "blobs",
            free: *self.0.lock().unwrap(),
            min_free: 1_000,
        }]
    }
}

/// Describes every dataset as one column, and counts the calls. A dataset named `broken` cannot be
/// read; reading one named `panics` panics; one named `slow` is read when the test allows it.
pub struct FakeDescribe {
    pub asked: watch::Sender<u32>,
    pub slow: Semaphore,
}

impl FakeDescribe {
    pub fn new() -> Self {
        Self {
            asked: watch::Sender::new(0),
            slow: Semaphore::new(0),
        }
    }
}

#[async_trait]
impl Describe for FakeDescribe {
    async fn describe(&self, dataset: &Dataset) -> Result<Schema, JobError> {
        self.asked.send_modify(|asked| *asked += 1);
        if dataset.name.as_str() == "slow" {
            self.slow.acquire().await.unwrap().forget();
        }
        match dataset.name.as_str() {
            "broken" => Err(JobError::permanent("invalid_data", "line 3 has no end")),
            "panics" => panic!("a test wants it so"),
            _ => Ok(Schema {
                columns: vec![Field {
                    name: "species".to_owned(),
                    kind: ColumnType::String,
                }],
                read: ReadReport {
                    delimiter: dataset.read.delimiter.map(String::from),
                    ..ReadReport::default()
                },
            }),
        }
    }
}
