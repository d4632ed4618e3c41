//! A child whose behaviour in each incarnation is set by the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::BoxFuture;
use lastcall_actors::messages::{Ping, Stop};
use lastcall_actors::supervisor::{
    ChildHandle, ChildSpec, ChildState, ExitNotice, StartContext, SupervisorHandle,
};
use lastcall_actors::{Placement, Supervision};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fixture::Parking;

/// What a child does in each incarnation; `Live` after the last entry.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Live,
    PanicInFactory,
    PanicInStarted,
    PanicInHandler,
    PanicInSpawned,
    ExitUnexpectedly,
    EndArbiter,
    BlockThread,
    IgnorePings,
}

pub(super) struct State {
    fates: Vec<Fate>,
    pub(super) lives: AtomicU32,
    pub(super) alive: watch::Sender<u32>,
    pub(super) closed: watch::Sender<bool>,
    /// Blocked threads continue when this is dropped.
    pub(super) blocked: Parking,
}

impl State {
    pub(super) fn of(fates: &[Fate]) -> Arc<Self> {
        Arc::new(Self {
            fates: fates.to_vec(),
            lives: AtomicU32::new(0),
            alive: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            blocked: Parking::default(),
        })
    }

    /// Waits until this incarnation, counted from 1, responds.
    pub(super) async fn lives(&self, life: u32) {
        let mut alive = self.alive.subscribe();
        let lives = alive.wait_for(|now| *now >= life);
        timeout(Duration::from_secs(600), lives)
            .await
            .unwrap()
            .unwrap();
    }
}

impl ChildState for State {
    fn name(&self) -> &'static str {
        "Child"
    }

    fn close(&self) {
        self.closed.send_replace(true);
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn abandon(&self, _: u64) {}
}

struct Tester {
    state: Arc<State>,
    fate: Fate,
    life: u32,
    pinged: Vec<Ping>,
    _exit_notice: ExitNotice,
}

impl Tester {
    fn begin(state: &Arc<State>, context: StartContext) -> ChildHandle {
        let life = state.lives.fetch_add(1, Ordering::SeqCst);
        let fate = state
            .fates
            .get(life as usize)
            .copied()
            .unwrap_or(Fate::Live);
        assert!(fate != Fate::PanicInFactory, "a fault in the factory");
        let tester = Self {
            state: Arc::clone(state),
            fate,
            life: life + 1,
            pinged: Vec::new(),
            _exit_notice: context.exit_notice,
        };
        ChildHandle::new(&tester.start())
    }
}

impl Actor for Tester {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        match self.fate {
            Fate::PanicInStarted => panic!("a fault in started"),
            Fate::PanicInSpawned => {
                ctx.run_later(Duration::from_millis(5), |_, _| {
                    panic!("a fault in a future")
                });
            }
            Fate::ExitUnexpectedly => {
                ctx.run_later(Duration::from_millis(5), |_, ctx| ctx.stop());
            }
            Fate::EndArbiter => {
                actix_rt::Arbiter::current().stop();
            }
            Fate::BlockThread => self.state.blocked.wait(),
            _ => {}
        }
        self.state.alive.send_replace(self.life);
    }
}

impl Handler<Ping> for Tester {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        assert!(self.fate != Fate::PanicInHandler, "a fault in a handler");
        if self.fate == Fate::IgnorePings {
            self.pinged.push(ping);
        } else {
            let _ = ping.reply.send(());
        }
    }
}

impl Handler<Stop> for Tester {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// A supervisor with one such child.
pub(super) fn supervisor(
    state: &Arc<State>,
    rules: Supervision,
    placement: Placement,
) -> SupervisorHandle {
    let kept = Arc::clone(state);
    let spec_state: Arc<dyn ChildState> = Arc::<State>::clone(state);
    let spec = ChildSpec {
        state: spec_state,
        factory: Arc::new(move |context| Tester::begin(&kept, context)),
        log_lines: None,
    };
    SupervisorHandle::start(vec![spec], rules, placement)
}
