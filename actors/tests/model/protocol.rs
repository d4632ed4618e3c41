//! The model.

use std::time::Duration;

use lastcall_domain::lifecycle::{Ending, Event};
use lastcall_domain::{InstanceId, Lifecycle, Limits, State, Timestamp};
use stateright::{Model, Property};
use uuid::Uuid;

/// This many workers, each with this many incarnations, on this many jobs.
pub(crate) struct Protocol {
    workers: usize,
    lives: u8,
    jobs: usize,
    limits: Limits,
}

/// The rows, and what each worker knows.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct World {
    rows: Vec<Row>,
    workers: Vec<Worker>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Row {
    lifecycle: Lifecycle,
    /// The epochs whose completion the store accepted as the end of the job.
    ended_by: Vec<u64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Worker {
    life: u8,
    phase: Phase,
    hand: Option<Claim>,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Phase {
    Working,
    Draining,
    /// Its drain has ended.
    Stopped,
    Dead,
}

/// A held claim, and the outcome of its attempt if it has ended.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
struct Claim {
    job: usize,
    epoch: u64,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Action {
    Claim(usize, usize),
    Finish(usize, Ending),
    /// Whether the response arrives.
    Complete(usize, bool),
    Heartbeat(usize),
    Drain(usize),
    /// Whether the response arrives.
    HandBack(usize, bool),
    Stop(usize),
    Crash(usize),
    Restart(usize),
    /// The lease of a running job expires, or its process is known to be dead.
    Expire(usize),
    /// The caller cancels.
    Cancel(usize),
}

impl Protocol {
    pub(crate) fn new(workers: usize, lives: u8, jobs: usize) -> Self {
        Self {
            workers,
            lives,
            jobs,
            limits: Limits {
                max_attempts: 2,
                max_interruptions: 1,
                ..Limits::default()
            },
        }
    }

    /// The first worker's last incarnation does not end, so that somebody is left to run the jobs.
    fn may_end(&self, index: usize, worker: &Worker) -> bool {
        index != 0 || worker.life < self.lives
    }

    fn apply(&self, row: &mut Row, event: Event) -> bool {
        // A claim comes after the back-off of a failed attempt.
        let now = match event {
            Event::Claim { .. } => Timestamp::default() + Duration::from_secs(3600),
            _ => Timestamp::default(),
        };
        let before = row.lifecycle;
        let applied = row.lifecycle.apply(event, now, &self.limits);
        if applied.is_err() {
            assert_eq!(row.lifecycle, before, "a refused event changes nothing");
            return false;
        }
        if row.lifecycle.state.is_final() {
            row.ended_by.push(row.lifecycle.epoch);
        }
        true
    }

    /// A step of a worker with its claim, if there is one.
    fn with_claim(
        &self,
        world: &mut World,
        worker: usize,
        answered: bool,
        event: impl Fn(Claim) -> Option<Event>,
    ) -> Option<()> {
        let claim = world.workers[worker].hand?;
        let went_through = self.apply(&mut world.rows[claim.job], event(claim)?);
        if answered {
            world.workers[worker].hand = None;
            Some(())
        } else {
            // A lost response that says "refused" has changed nothing at all.
            went_through.then_some(())
        }
    }

    fn step(&self, world: &mut World, action: Action) -> Option<()> {
        let until = Timestamp::default();
        match action {
            Action::Claim(worker, job) => {
                let holder = InstanceId::from(Uuid::from_u128(worker as u128));
                let row = &mut world.rows[job];
                if !self.apply(row, Event::Claim { holder, until }) {
                    return None;
                }
                world.workers[worker].hand = Some(Claim {
                    job,
                    epoch: row.lifecycle.epoch,
                    ending: None,
                });
            }
            Action::Finish(worker, ending) => {
                let claim = world.workers[worker].hand.as_mut()?;
                claim.ending = Some(ending);
            }
            Action::Complete(worker, answered) => {
                return self.with_claim(world, worker, answered, |claim| {
                    let (epoch, ending) = (claim.epoch, claim.ending?);
                    Some(Event::Complete { epoch, ending })
                });
            }
            Action::HandBack(worker, answered) => {
                return self.with_claim(world, worker, answered, |claim| {
                    let epoch = claim.epoch;
                    Some(Event::HandBack { epoch })
                });
            }
            Action::Heartbeat(worker) => {
                let claim = world.workers[worker].hand?;
                let epoch = claim.epoch;
                let row = &mut world.rows[claim.job];
                if !self.apply(row, Event::Heartbeat { epoch, until }) {
                    // Lost: it stops and writes nothing.
                    world.workers[worker].hand = None;
                } else if row.lifecycle.cancel_requested && claim.ending.is_none() {
                    world.workers[worker].hand.as_mut()?.ending = Some(Ending::Cancelled);
                } else {
                    return None;
                }
            }
            Action::Drain(worker) => world.workers[worker].phase = Phase::Draining,
            Action::Stop(worker) => world.workers[worker].phase = Phase::Stopped,
            Action::Crash(worker) => {
                world.workers[worker].phase = Phase::Dead;
                world.workers[worker].hand = None;
            }
            Action::Restart(worker) => {
                world.workers[worker].life += 1;
                world.workers[worker].phase = Phase::Working;
            }
            Action::Expire(job) => {
                self.apply(&mut world.rows[job], Event::Expire)
                    .then_some(())?;
            }
            Action::Cancel(job) => {
                self.apply(&mut world.rows[job], Event::Cancel)
                    .then_some(())?;
            }
        }
        Some(())
    }

    fn has_step_of(&self, world: &World, worker: usize) -> bool {
        let mut actions = Vec::new();
        self.actions(world, &mut actions);
        let own = |action: &Action| match action {
            Action::Complete(of, true) | Action::HandBack(of, true) | Action::Stop(of) => {
                *of == worker
            }
            _ => false,
        };
        actions
            .into_iter()
            .any(|action| own(&action) && self.next_state(world, action).is_some())
    }
}

impl World {
    /// Grows with every step, so every run of the model ends, and what holds where nothing more can
    /// happen holds at the end of every run.
    fn age(&self) -> u64 {
        let rows = self.rows.iter().map(|row| {
            let lifecycle = &row.lifecycle;
            let rests = lifecycle.epoch > 0 && lifecycle.state != State::Running;
            8 * lifecycle.epoch
                + 4 * u64::from(rests)
                + 2 * u64::from(lifecycle.cancel_requested)
                + u64::from(lifecycle.state.is_final())
        });
        let workers = self.workers.iter().map(|worker| {
            let phase = match worker.phase {
                Phase::Working => 0,
                Phase::Draining => 10,
                Phase::Stopped | Phase::Dead => 20,
            };
            let hand = match worker.hand {
                Some(Claim { ending: None, .. }) => 0,
                Some(Claim {
                    ending: Some(_), ..
                }) => 1,
                None => 3,
            };
            100 * u64::from(worker.life) + phase + hand
        });
        rows.sum::<u64>() + workers.sum::<u64>()
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            rows: vec![
                Row {
                    lifecycle: Lifecycle::new(),
                    ended_by: Vec::new(),
                };
                self.jobs
            ],
            workers: vec![
                Worker {
                    life: 1,
                    phase: Phase::Working,
                    hand: None,
                };
                self.workers
            ],
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (index, worker) in world.workers.iter().enumerate() {
            match worker.phase {
                Phase::Working | Phase::Draining => {
                    if let Some(claim) = worker.hand {
                        actions.push(Action::Heartbeat(index));
                        if claim.ending.is_none() {
                            actions.push(Action::Finish(index, Ending::Succeeded));
                            for retryable in [true, false] {
                                let failed = Ending::Failed { retryable };
                                actions.push(Action::Finish(index, failed));
                            }
                        } else {
                            actions.push(Action::Complete(index, true));
                            actions.push(Action::Complete(index, false));
                        }
                        if worker.phase == Phase::Draining {
                            actions.push(Action::HandBack(index, true));
                            actions.push(Action::HandBack(index, false));
                        }
                    } else if worker.phase == Phase::Working {
                        let jobs = 0..world.rows.len();
                        actions.extend(jobs.map(|job| Action::Claim(index, job)));
                    } else {
                        actions.push(Action::Stop(index));
                    }
                    if self.may_end(index, worker) {
                        actions.push(Action::Crash(index));
                        if worker.phase == Phase::Working {
                            actions.push(Action::Drain(index));
                        }
                    }
                }
                Phase::Stopped | Phase::Dead if worker.life < self.lives => {
                    actions.push(Action::Restart(index));
                }
                Phase::Stopped | Phase::Dead => {}
            }
        }
        for (job, row) in world.rows.iter().enumerate() {
            if row.lifecycle.state == State::Running {
                actions.push(Action::Expire(job));
            }
            if !row.lifecycle.cancel_requested && !row.lifecycle.state.is_final() {
                actions.push(Action::Cancel(job));
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.step(&mut next, action)?;
        assert!(next.age() > world.age(), "{action:?} loops in {world:?}");
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no two completions", |_, world: &World| {
                world.rows.iter().all(|row| row.ended_by.len() <= 1)
            }),
            Property::always(
                "a job is in a queue, under a lease, or ended",
                |_, world: &World| {
                    world.rows.iter().all(|row| {
                        let leased = row.lifecycle.lease.is_some();
                        leased == (row.lifecycle.state == State::Running)
                            && row.lifecycle.state.is_final() != row.ended_by.is_empty()
                    })
                },
            ),
            Property::always("at most one worker can write a job", |_, world: &World| {
                world.rows.iter().enumerate().all(|(job, row)| {
                    let epoch = row.lifecycle.epoch;
                    let claims = world.workers.iter().filter_map(|worker| worker.hand);
                    claims
                        .filter(|claim| claim.job == job && claim.epoch == epoch)
                        .count()
                        <= 1
                })
            }),
            Property::always(
                "attempts and interruptions are bounded",
                |protocol: &Self, world: &World| {
                    let limits = &protocol.limits;
                    world.rows.iter().all(|row| {
                        row.lifecycle.attempt <= limits.max_attempts
                            && row.lifecycle.interruptions <= limits.max_interruptions + 1
                    })
                },
            ),
            Property::always(
                "a drain can always go on",
                |protocol: &Self, world: &World| {
                    let draining = |worker: usize| world.workers[worker].phase == Phase::Draining;
                    (0..world.workers.len())
                        .filter(|worker| draining(*worker))
                        .all(|worker| protocol.has_step_of(world, worker))
                },
            ),
            Property::always(
                "no accepted job is lost, every drain ends",
                |protocol: &Self, world: &World| {
                    let ended = world.rows.iter().all(|row| row.lifecycle.state.is_final())
                        && world
                            .workers
                            .iter()
                            .all(|worker| worker.phase != Phase::Draining);
                    ended || !protocol.next_states(world).is_empty()
                },
            ),
            Property::sometimes("a peer ends what a worker lost", |_, world: &World| {
                let late = |worker: &Worker| {
                    worker.hand.is_some_and(|claim| {
                        let row = &world.rows[claim.job];
                        let ended = row.lifecycle.state == State::Succeeded;
                        ended && claim.epoch < row.lifecycle.epoch
                    })
                };
                world.workers.iter().any(late)
            }),
            Property::sometimes(
                "a job fails because it is handed back too often",
                |_, world: &World| {
                    world.rows.iter().any(|row| {
                        row.lifecycle.state == State::Failed && row.lifecycle.interruptions > 1
                    })
                },
            ),
        ]
    }
}
