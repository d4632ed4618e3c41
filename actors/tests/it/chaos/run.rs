//! One run.

use std::sync::Arc;
use std::time::Duration;

use lastcall_actors::shutdown::EXIT_CLEAN;
use lastcall_actors::{Handle, Queued, Reason, ServiceState, Timeline};
use lastcall_domain::store::{ResultLocation, Store};
use lastcall_domain::{Dependency, InstanceId, JobId, Service, State};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::wire::{Endings, Random, Weather, Wire};
use crate::fixture::{World, in_virtual_time};

/// What the jobs of a run do.
const QUERIES: [&str; 16] = [
    "ok",
    "ok",
    "ok",
    "sleep 300ms",
    "sleep 3s",
    "sleep 7s",
    "steps 10 200ms",
    "steps 12 1s",
    "fail",
    "retry",
    "panic",
    "big 70000",
    "late 4s 70000",
    "stubborn",
    "needs blobs",
    "needs scratch",
];

/// A process: a tree, and its connection to the store.
struct Process {
    instance: InstanceId,
    handle: Handle,
    wire: Wire,
}

impl Process {
    fn is_busy(&self) -> bool {
        let services = self.handle.status().services;
        services.iter().any(|service| service.in_flight > 0)
    }

    fn has_failed(&self) -> bool {
        let services = self.handle.status().services;
        services
            .iter()
            .any(|service| service.state == ServiceState::Failed)
    }
}

struct Run {
    random: Random,
    world: World,
    endings: Endings,
    started: u128,
    accepted: Vec<JobId>,
    shared: bool,
}

pub(super) fn run(seed: u64) {
    in_virtual_time(async {
        let mut random = Random::new(seed);
        let shared = random.once_in(2);
        let mut world = if shared {
            World::shared().await
        } else {
            World::new().await
        };
        world.config.analysis.workers = 1 + random.below(3) as usize;
        world.config.report.workers = 1 + random.below(2) as usize;
        world.config.analysis.mailbox = 1 + random.below(16) as usize;
        world.config.analysis.timeout = Duration::from_secs(8);
        world.config.report.timeout = Duration::from_secs(8);
        // Polling is rare: fewer events, more runs in the same time.
        world.config.analysis.poll = Duration::from_secs(4);
        world.config.report.poll = Duration::from_secs(4);
        world.config.expire = Duration::from_secs(1);
        world.config.supervision.ping = Duration::from_secs(60);
        world.config.supervision.hang = Duration::from_secs(600);
        if random.once_in(3) {
            world.config.queued = Queued::Finish;
        }
        let mut run = Run {
            random,
            world,
            endings: Endings::default(),
            started: 0,
            accepted: Vec::new(),
            shared,
        };
        let left = run.play().await;
        run.check(left).await;
    });
}

/// Kills a process. Its actors are stopped, so that they take no time from the test; the store
/// notices nothing.
fn kill_process(process: Process) {
    process.wire.kill();
    let second = Duration::from_secs(1);
    let plan = Timeline::plan(second, Duration::ZERO, second / 2).unwrap();
    let shutdown = process.handle.shutdown(Reason::Sigterm, plan);
    shutdown.expedite();
    actix_rt::spawn(async move {
        shutdown.drain().await;
    });
}

impl Run {
    /// A few generations of processes, one at a time or several at once.
    /// Those that are left at the end.
    async fn play(&mut self) -> Vec<Process> {
        let mut processes: Vec<Process> = Vec::new();
        for _ in 0..3 + self.random.below(6) {
            let most = if self.shared { 3 } else { 1 };
            if processes.len() < most && (processes.is_empty() || self.random.once_in(2)) {
                let weather = self.weather();
                processes.push(self.start(weather).await);
            }
            for _ in 0..self.random.below(12) {
                self.accept(&processes).await;
            }
            self.pause(4000).await;
            if self.random.once_in(3) {
                self.cancel_one(&processes).await;
            }
            if self.random.once_in(4) {
                let dependency = Dependency::ALL[self.random.below(4) as usize];
                self.world.parts().take_away(dependency);
            } else if self.random.once_in(2) {
                self.give_back_all();
            }
            if self.random.once_in(4)
                && let Some(process) = processes.last()
            {
                let weather = self.weather();
                process.wire.set(weather);
            }
            if self.random.once_in(2) {
                let index = self.random.below(processes.len() as u64) as usize;
                let process = processes.swap_remove(index);
                if self.random.once_in(2) {
                    kill_process(process);
                } else {
                    self.drain(&process).await;
                }
            }
        }
        if self.random.once_in(2) {
            for process in processes.drain(..) {
                self.drain(&process).await;
            }
        }
        processes
    }

    /// Without faults every job ends, once. The surviving processes must achieve that alone, unless
    /// one of their services has failed.
    async fn check(&mut self, mut processes: Vec<Process>) {
        for process in &processes {
            process.wire.set(Weather::default());
        }
        self.give_back_all();
        if processes.is_empty() || processes.iter().any(Process::has_failed) {
            for process in processes.drain(..) {
                self.drain(&process).await;
            }
            processes.push(self.start(Weather::default()).await);
        }
        let finished = async {
            while self
                .world
                .store
                .all_jobs()
                .iter()
                .any(|job| !job.state().is_final())
            {
                sleep(Duration::from_millis(500)).await;
            }
        };
        let jobs = |world: &World| world.store.all_jobs();
        let waited = timeout(Duration::from_secs(3600), finished).await;
        assert!(waited.is_ok(), "jobs are lost: {:#?}", jobs(&self.world));
        let jobs = jobs(&self.world);
        assert_eq!(jobs.len(), self.accepted.len());
        for job in &jobs {
            let endings = self
                .endings
                .lock()
                .unwrap()
                .get(&job.id)
                .copied()
                .unwrap_or(0);
            assert!(endings <= 1, "ended {endings} times: {job:?}");
            assert!(job.lifecycle.attempt <= 3, "{job:?}");
            let code = job.error.as_ref().map(|error| error.code.as_str());
            assert!(
                !code.is_some_and(|code| code.ends_with("_unavailable")),
                "it paid for a part that was away: {job:?}"
            );
            if job.state() == State::Succeeded {
                assert_eq!(endings, 1, "{job:?}");
                let result = self.world.store.result(job.id).await.unwrap().unwrap();
                if let ResultLocation::Blob(key) = result.location {
                    let there = self.world.blobs.keys().contains(&key.as_str().to_owned());
                    assert!(there, "an announced result is gone: {job:?}");
                }
            }
        }
        // A profile whose report was cancelled may run on during its grace period: it is work in
        // flight, and a drain that had no time for it rightly reports it.
        let idle = async {
            while processes.iter().any(Process::is_busy) {
                sleep(Duration::from_millis(500)).await;
            }
        };
        let waited = timeout(Duration::from_secs(3600), idle).await;
        assert!(waited.is_ok(), "work in flight that does not end");
        for process in processes {
            let faultless = !process.has_failed();
            let exit_code = self.drain(&process).await;
            assert!(exit_code == EXIT_CLEAN || !faultless);
        }
    }

    fn give_back_all(&self) {
        for dependency in Dependency::ALL {
            self.world.parts().give_back(dependency);
        }
    }

    async fn start(&mut self, weather: Weather) -> Process {
        self.started += 1;
        if !self.shared {
            // Nobody else can have the store open: what runs belongs to the dead.
            self.world.store.recover().await.unwrap();
        }
        let instance = InstanceId::from(Uuid::from_u128(self.started << 64 | self.started));
        let wire = Wire::new(
            &self.world.store,
            self.random.next(),
            weather,
            &self.endings,
        );
        self.world.config.instance = instance;
        let handle = self.world.begin_with(Arc::new(wire.clone()));
        handle.ready();
        Process {
            instance,
            handle,
            wire,
        }
    }

    async fn accept(&mut self, processes: &[Process]) {
        let on_dataset = ["x", "slow", "panic"];
        let job = match (self.random.below(6), self.accepted.last()) {
            (0, Some(job)) => self.world.report_on(*job).await,
            (1, _) => {
                let dataset = on_dataset[self.random.below(3) as usize];
                self.world.report_of(dataset).await
            }
            _ => {
                let query = QUERIES[self.random.below(QUERIES.len() as u64) as usize];
                self.world.submit(query).await
            }
        };
        self.accepted.push(job);
        if let Some(process) = processes.first()
            && !self.random.once_in(4)
        {
            for service in Service::ALL {
                process.handle.wake(service);
            }
        }
    }

    async fn cancel_one(&mut self, processes: &[Process]) {
        if self.accepted.is_empty() {
            return;
        }
        let index = self.random.below(self.accepted.len() as u64) as usize;
        let job = self.accepted[index];
        self.world.store.cancel(job).await.unwrap();
        if self.random.once_in(2) {
            processes
                .iter()
                .for_each(|process| process.handle.cancel(job));
        }
    }

    async fn pause(&mut self, most: u64) {
        let pause = self.random.below(most);
        sleep(Duration::from_millis(pause)).await;
    }

    /// Drains a process and checks its report.
    async fn drain(&mut self, process: &Process) -> i32 {
        let deadline = Duration::from_millis(1000 + self.random.below(15_000));
        let lame_duck = Duration::from_millis(self.random.below(400));
        let cancel_before = Duration::from_millis(200 + self.random.below(400));
        let plan = Timeline::plan(deadline, lame_duck, cancel_before).unwrap();
        let since = Instant::now();
        let shutdown = process.handle.shutdown(Reason::Sigterm, plan);
        if self.random.once_in(3) {
            let expedited = shutdown.clone();
            let pause = Duration::from_millis(self.random.below(8000));
            actix_rt::spawn(async move {
                sleep(pause).await;
                expedited.expedite();
            });
        }
        let steps = async {
            shutdown.lame_duck().await;
            shutdown.drain().await
        };
        let outcome = timeout(10 * deadline, steps)
            .await
            .expect("every drain ends");
        assert!(
            since.elapsed() <= deadline,
            "{:?} of {deadline:?}",
            since.elapsed()
        );
        let report = shutdown.report(Some(outcome.clone()), Default::default());
        let left = outcome.left();
        for job in self.world.store.all_jobs() {
            let held = job
                .lifecycle
                .lease
                .is_some_and(|lease| lease.holder == process.instance);
            if held && outcome.is_complete() && report.exit_code == EXIT_CLEAN {
                // Only a claim or a response that was lost to a fault may be unknown to it.
                assert!(!left.contains(&job.id));
                assert!(
                    !process.wire.was_fine(),
                    "held by a process that says nothing was left: {job:?}"
                );
            }
        }
        process.wire.kill();
        report.exit_code
    }

    /// Faults for a process: mostly none.
    fn weather(&mut self) -> Weather {
        let random = &mut self.random;
        match random.below(4) {
            0 | 1 => Weather::default(),
            2 => Weather {
                before: 5 + random.below(20),
                after: 5 + random.below(20),
                slow: 3 + random.below(10),
                panic: 0,
            },
            _ => Weather {
                before: 10,
                after: 20,
                slow: 10,
                panic: 20 + random.below(50),
            },
        }
    }
}
