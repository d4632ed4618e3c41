//! The supervision tree: how the boot starts it, and the handle for everything else.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::trace::Tracer;
use lastcall_domain::{
    Blobs, Clock, Environment, Feed, JobId, JobObserver, ProfileWork, Profiles, Service, Store,
    Work,
};
use tokio::time::Instant;

use crate::analysis::{self, AnalysisService, ProfileClient};
use crate::breakers::Breakers;
use crate::lease_keeper::{LeaseKeeper, LeaseTimings, Leases, Probes};
use crate::log_lines::{
    ANALYSIS_BEGIN, ANALYSIS_END, CLEANER_BEGIN, CLEANER_END, REPORT_BEGIN, REPORT_END,
};
use crate::phase::{Phase, PhaseSender};
use crate::report::{self, ReportService, Reports};
use crate::shutdown::Tree;
use crate::supervisor::{
    ChildHandle, ChildSpec, ChildState, Escalation, StartContext, SupervisorHandle,
};
use crate::ttl_cleaner::{Cleaning, TtlCleaner};
use crate::worker::{Pool, PoolPorts, PoolRules, Suspects};
use crate::{Config, PhaseWatch, Reason, Shutdown, SystemStatus, Timeline};

/// The shortest interval between checks of other processes' leases.
const MIN_EXPIRE_INTERVAL: Duration = Duration::from_millis(10);

/// How long a store that no other process has open may take to respond: its disk may be slow.
const SLOW_DISK_TIMEOUT: Duration = Duration::from_secs(60);

/// Builds the work of ReportService from the port through which reports request profiles.
pub type ReportWorkFactory = Box<dyn FnOnce(Arc<dyn Profiles>) -> Arc<dyn Work> + Send>;

/// The ports of the tree.
pub struct Ports {
    /// Stores sessions, datasets and jobs.
    pub store: Arc<dyn Store>,
    /// Stores bytes.
    pub blobs: Arc<dyn Blobs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Notifies the waiters of a job.
    pub feed: Feed,
    /// Records attempts as spans.
    pub tracer: Tracer,
    /// Is notified of each job that ends.
    pub observer: Arc<dyn JobObserver>,
    /// Probes unavailable dependencies.
    pub environment: Arc<dyn Environment>,
    /// Runs the jobs of AnalysisService.
    pub analysis_work: Arc<dyn Work>,
    /// Computes the profiles that reports request.
    pub profile_work: Arc<dyn ProfileWork>,
    /// Runs the jobs of ReportService.
    pub report_work: ReportWorkFactory,
}

/// The name of the actor that runs the jobs of a service.
pub fn actor_name(service: Service) -> &'static str {
    match service {
        Service::Analysis => analysis::NAME,
        Service::Report => report::NAME,
    }
}

/// The supervision tree.
pub struct System;

impl System {
    /// Builds and starts the tree: the supervisor on this arbiter, each child where
    /// [`Config::placement`] says. The phase is [`Phase::Starting`], and no job is claimed, until
    /// [`Handle::ready`].
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn start(config: Config, ports: Ports) -> Handle {
        let phase = PhaseSender::new();
        let shared = ports.store.is_shared();
        let rules = PoolRules {
            instance: config.instance,
            lease: config.lease,
            shared,
            // After a lease the job may be a peer's, so waiting longer is useless. A store of our
            // own may have a slow disk.
            store_timeout: if shared {
                config.lease
            } else {
                config.lease.max(SLOW_DISK_TIMEOUT)
            },
            suspects: Suspects::default(),
            breakers: Breakers::new(),
            queued: config.queued,
            phase: phase.watch(),
        };
        let pool = |service: Service, work: Arc<dyn Work>| {
            let ports = PoolPorts {
                store: Arc::clone(&ports.store),
                blobs: Arc::clone(&ports.blobs),
                clock: Arc::clone(&ports.clock),
                feed: ports.feed.clone(),
                tracer: ports.tracer.clone(),
                observer: Arc::clone(&ports.observer),
                work,
            };
            Pool::new(service, config.pool(service).clone(), rules.clone(), ports)
        };
        let analysis = pool(Service::Analysis, Arc::clone(&ports.analysis_work));
        let profile_client =
            ProfileClient::new(Arc::clone(&analysis), Arc::clone(&ports.profile_work));
        let profiles: Arc<dyn Profiles> = Arc::<ProfileClient>::clone(&profile_client);
        let report = pool(Service::Report, (ports.report_work)(Arc::clone(&profiles)));
        analysis.set_dependents(&report);
        let leases = Leases::new(
            Arc::clone(&ports.store),
            ports.feed.clone(),
            Probes {
                environment: Arc::clone(&ports.environment),
                breakers: rules.breakers.clone(),
                store_timeout: rules.store_timeout,
            },
            vec![Arc::clone(&analysis), Arc::clone(&report)],
            phase.watch(),
            LeaseTimings {
                lease: config.lease,
                heartbeat: config.heartbeat,
                expire: config.expire.min(config.lease).max(MIN_EXPIRE_INTERVAL),
            },
        );
        let cleaning = Cleaning::new(
            Arc::clone(&ports.store),
            Arc::clone(&ports.blobs),
            Arc::clone(&ports.clock),
            config.cleaner,
        );
        let children = vec![
            (child(leases, None, LeaseKeeper::begin), None),
            (
                child(
                    profile_client,
                    Some((ANALYSIS_BEGIN, ANALYSIS_END)),
                    AnalysisService::begin,
                ),
                Some(Arc::clone(&analysis)),
            ),
            (
                child(
                    Arc::new(Reports(Arc::clone(&report))),
                    Some((REPORT_BEGIN, REPORT_END)),
                    |reports, context| ReportService::begin(&reports.0, context),
                ),
                Some(Arc::clone(&report)),
            ),
            (
                child(
                    Arc::clone(&cleaning),
                    Some((CLEANER_BEGIN, CLEANER_END)),
                    TtlCleaner::begin,
                ),
                None,
            ),
        ];
        let specs = children
            .iter()
            .map(|(spec, _)| ChildSpec::clone(spec))
            .collect();
        let supervisor = SupervisorHandle::start(specs, config.supervision, config.placement);
        Handle {
            profiles,
            analysis,
            report,
            cleaning,
            breakers: rules.breakers,
            tree: Arc::new(Tree {
                instance: config.instance,
                queued: config.queued,
                clock: ports.clock,
                store: ports.store,
                phase,
                supervisor,
                children,
            }),
        }
    }
}

fn child<P: ChildState>(
    state: Arc<P>,
    log_lines: Option<(&'static str, &'static str)>,
    begin: fn(&Arc<P>, StartContext) -> ChildHandle,
) -> ChildSpec {
    let kept = Arc::clone(&state);
    ChildSpec {
        state,
        factory: Arc::new(move |context| begin(&kept, context)),
        log_lines,
    }
}

/// The handle of the tree, for the API and the boot. Cheap to clone; usable from every thread.
#[derive(Clone)]
pub struct Handle {
    profiles: Arc<dyn Profiles>,
    analysis: Arc<Pool>,
    report: Arc<Pool>,
    cleaning: Arc<Cleaning>,
    breakers: Breakers,
    tree: Arc<Tree>,
}

impl Handle {
    /// Hints that jobs of the service were queued.
    pub fn wake(&self, service: Service) {
        match service {
            Service::Analysis => self.analysis.wake(),
            Service::Report => self.report.wake(),
        }
    }

    /// Announces that the bounds on owners have changed, and whether the jobs that an owner runs
    /// are bounded. What has become claimable is claimed at once; running jobs continue.
    pub fn owners_are_bounded(&self, bounded: bool) {
        self.analysis.owners_are_bounded(bounded);
        self.report.owners_are_bounded(bounded);
    }

    /// Hints that sessions were deleted.
    pub fn sweep(&self) {
        self.cleaning.sweep();
    }

    /// Hints that this job's cancellation was requested (and is in its row). If this process runs
    /// the job, it stops now instead of at the next heartbeat.
    pub fn cancel(&self, job: JobId) {
        self.analysis.cancel(job);
        self.report.cancel(job);
    }

    /// Announces that the service is ready: the phase becomes running, and jobs are claimed.
    pub fn ready(&self) {
        self.tree.phase.advance(Phase::Running);
        for service in Service::ALL {
            self.wake(service);
        }
    }

    /// The status of the tree. Sends no message: it responds however busy the services are.
    pub fn status(&self) -> SystemStatus {
        let mut services = self.tree.supervisor.children();
        for (service, (_, pool)) in services.iter_mut().zip(&self.tree.children) {
            match pool {
                Some(pool) => pool.describe(service),
                None if service.name == self.cleaning.name() => self.cleaning.describe(service),
                None => {}
            }
        }
        SystemStatus {
            phase: self.tree.phase.watch().get(),
            services,
            abandoned_threads: self.tree.supervisor.abandoned(),
            dependencies: self.breakers.describe(),
        }
    }

    /// How many rounds of pings the supervisor has sent. It is alive while this grows.
    pub fn rounds(&self) -> u64 {
        self.tree.supervisor.rounds()
    }

    /// The phase, to read and to wait for.
    pub fn phase(&self) -> PhaseWatch {
        self.tree.phase.watch()
    }

    /// The port through which reports request profiles.
    pub fn profiles(&self) -> Arc<dyn Profiles> {
        Arc::clone(&self.profiles)
    }

    /// Waits until a service exceeds its restart limit. The boot then shuts down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn escalated(&self) -> Escalation {
        self.tree.supervisor.escalated().await
    }

    /// Begins the shutdown: no further job is claimed, and readiness fails. Must be called once; a
    /// further signal is [`Shutdown::expedite`].
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn shutdown(&self, reason: Reason, timeline: Timeline) -> Shutdown {
        self.shutdown_since(Instant::now(), reason, timeline)
    }

    /// The same, for a signal that arrived at `began`: the deadline is counted from there.
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn shutdown_since(&self, began: Instant, reason: Reason, timeline: Timeline) -> Shutdown {
        Shutdown::begin(Arc::clone(&self.tree), reason, timeline, began)
    }
}
