//! The whole tree: how the boot starts it, and the handle that everyone else uses.

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

/// The leases of others are never looked at more often than this.
const LEAST_EXPIRE: Duration = Duration::from_millis(10);

/// How long an answer of a store is waited for that no other process has open.
const SLOW_DISK: Duration = Duration::from_secs(60);

/// Makes the work of ReportService from the way in which a report asks for its profile.
pub type ReportWorkFactory = Box<dyn FnOnce(Arc<dyn Profiles>) -> Arc<dyn Work> + Send>;

/// What the tree works on.
pub struct Ports {
    /// Where sessions, datasets and jobs are.
    pub store: Arc<dyn Store>,
    /// Where bytes are.
    pub blobs: Arc<dyn Blobs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who waits for which job.
    pub feed: Feed,
    /// Where attempts are recorded.
    pub tracer: Tracer,
    /// Who is told of the jobs that end.
    pub observer: Arc<dyn JobObserver>,
    /// Whether a part is back that was away.
    pub environment: Arc<dyn Environment>,
    /// What AnalysisService runs for a job.
    pub analysis_work: Arc<dyn Work>,
    /// What AnalysisService runs for a report that asks.
    pub profile_work: Arc<dyn ProfileWork>,
    /// What ReportService runs for a job.
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
    /// Builds the tree and starts it: the supervisor on this arbiter, each child where
    /// [`Config::placement`] says. The phase is [`Phase::Starting`], and no job is claimed,
    /// until [`Handle::ready`].
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
            // What a peer may have by then is not waited for. Otherwise a disk may be slow.
            patience: if shared {
                config.lease
            } else {
                config.lease.max(SLOW_DISK)
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
        analysis.feeds(&report);
        let leases = Leases::new(
            Arc::clone(&ports.store),
            ports.feed.clone(),
            Probes {
                environment: Arc::clone(&ports.environment),
                breakers: rules.breakers.clone(),
                store_timeout: rules.patience,
            },
            vec![Arc::clone(&analysis), Arc::clone(&report)],
            phase.watch(),
            LeaseTimings {
                lease: config.lease,
                heartbeat: config.heartbeat,
                expire: config.expire.min(config.lease).max(LEAST_EXPIRE),
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
        let family = SupervisorHandle::start(specs, config.supervision, config.placement);
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
                family,
                children,
            }),
        }
    }
}

fn child<P: ChildState>(
    part: Arc<P>,
    lines: Option<(&'static str, &'static str)>,
    begin: fn(&Arc<P>, StartContext) -> ChildHandle,
) -> ChildSpec {
    let kept = Arc::clone(&part);
    ChildSpec {
        part,
        factory: Arc::new(move |context| begin(&kept, context)),
        lines,
    }
}

/// The way to the tree, for the API and the boot. Cheap to clone; works from every thread.
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
    /// Says that jobs of the service were queued.
    pub fn wake(&self, service: Service) {
        match service {
            Service::Analysis => self.analysis.wake(),
            Service::Report => self.report.wake(),
        }
    }

    /// Says that the store has other bounds on owners, and whether one of them is on the jobs that
    /// an owner runs. What may be claimed now is claimed at once; what runs goes on.
    pub fn owners_are_bounded(&self, bounded: bool) {
        self.analysis.owners_are_bounded(bounded);
        self.report.owners_are_bounded(bounded);
    }

    /// Says that sessions were deleted.
    pub fn sweep(&self) {
        self.cleaning.sweep();
    }

    /// Says that the caller of this job wants it cancelled (and that its row says so). If this
    /// process runs it, it stops now and not at the next heartbeat.
    pub fn cancel(&self, job: JobId) {
        self.analysis.cancel(job);
        self.report.cancel(job);
    }

    /// Says that the service is ready: the phase becomes running, and jobs are claimed.
    pub fn ready(&self) {
        self.tree.phase.advance(Phase::Running);
        for service in Service::ALL {
            self.wake(service);
        }
    }

    /// What the tree says of itself. No message is sent: it answers however busy all are.
    pub fn status(&self) -> SystemStatus {
        let mut services = self.tree.family.children();
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
            abandoned_threads: self.tree.family.abandoned(),
            dependencies: self.breakers.describe(),
        }
    }

    /// How often the supervisor has looked after the services: it is alive while this grows.
    pub fn rounds(&self) -> u64 {
        self.tree.family.rounds()
    }

    /// The phase, to look at and to wait for.
    pub fn phase(&self) -> PhaseWatch {
        self.tree.phase.watch()
    }

    /// How a report asks AnalysisService for a profile.
    pub fn profiles(&self) -> Arc<dyn Profiles> {
        Arc::clone(&self.profiles)
    }

    /// Waits until a service has died too often. The boot then shuts down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn escalated(&self) -> Escalation {
        self.tree.family.escalated().await
    }

    /// Begins the shutdown: no further job is claimed, and readiness says no. To be called once;
    /// a further signal is [`Shutdown::expedite`].
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn shutdown(&self, reason: Reason, timeline: Timeline) -> Shutdown {
        self.shutdown_since(Instant::now(), reason, timeline)
    }

    /// The same, for a signal that came at `began`: the deadline is counted from there.
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn shutdown_since(&self, began: Instant, reason: Reason, timeline: Timeline) -> Shutdown {
        Shutdown::begin(Arc::clone(&self.tree), reason, timeline, began)
    }
}
