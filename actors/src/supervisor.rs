//! The supervisor: starts the children, detects exits and hangs, restarts them with back-off, and
//! escalates when one exceeds its restart limit.
//!
//! It learns of every exit from the child's [`ExitNotice`], whatever the cause: a panic in a
//! handler, in `started` or in the factory, or an arbiter that ended. A child that is alive but
//! does not respond to [`Ping`] is hung: its thread is abandoned (and watched), and the child is
//! restarted on another one.
//!
//! It never touches the work, which is in the children's shared state ([`ChildState`]) and survives
//! them.

mod child;
mod handle;
mod shared_status;
mod thread;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use lastcall_domain::running_time;
use log::{error, warn};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::backoff::backoff;
use crate::config::{Placement, Supervision};
use crate::messages::{ChildExited, ChildStarted, Ping, Stop, TerminateChild};
use crate::status::ServiceState;

pub use crate::messages::ChildHandle;
use child::Child;
pub use child::{ChildSpec, ChildState, ExitNotice, Factory, StartContext};
pub use handle::SupervisorHandle;
pub use shared_status::Escalation;
use shared_status::SharedStatus;
use thread::ChildThread;

/// The shortest interval between two rounds of pings.
const MIN_PING_INTERVAL: Duration = Duration::from_millis(1);

/// The supervisor actor.
struct Supervisor {
    rules: Supervision,
    placement: Placement,
    shared_status: Arc<SharedStatus>,
    children: Vec<Child>,
    _escalate_on_drop: EscalateOnDrop,
}

impl Supervisor {
    fn new(
        specs: Vec<ChildSpec>,
        rules: Supervision,
        placement: Placement,
        shared_status: &Arc<SharedStatus>,
    ) -> Self {
        Self {
            rules,
            placement,
            shared_status: Arc::clone(shared_status),
            children: specs.into_iter().map(Child::new).collect(),
            _escalate_on_drop: EscalateOnDrop {
                shared_status: Arc::clone(shared_status),
            },
        }
    }

    /// Starts the next incarnation of a child.
    fn start_child(&mut self, index: usize, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        child.incarnation += 1;
        child.unanswered = 0;
        child.set(&self.shared_status, index, ServiceState::Starting);
        if child.thread.is_none() {
            match ChildThread::start(self.placement, child.name(), child.incarnation) {
                Ok(thread) => child.thread = Some(thread),
                Err(fault) => {
                    let fault = format!("no thread could be started: {fault}");
                    return self.fault(index, &fault, ctx);
                }
            }
        }
        let context = StartContext::new(index, child.incarnation, ctx.address().recipient());
        let (factory, supervisor) = (Arc::clone(&child.spec.factory), ctx.address());
        if let Some(thread) = &child.thread {
            // If the arbiter is already dead, the closure is dropped together with its exit notice,
            // so the supervisor learns of the exit as usual.
            thread.run(move || {
                let (child, incarnation) = context.id();
                let handle = factory(context);
                supervisor.do_send(ChildStarted {
                    child,
                    incarnation,
                    handle,
                });
            });
        }
    }

    /// A child has exited or hung: restarts it after a pause, or escalates if it exceeded its
    /// limit.
    fn fault(&mut self, index: usize, fault: &str, ctx: &mut Context<Self>) {
        let rules = self.rules.clone();
        let child = &mut self.children[index];
        let name = child.name();
        child.handle = None;
        if let Some(thread) = child.take_ended_thread() {
            self.shared_status.abandon(thread);
        }
        let recent = child.count_restart(rules.within);
        // Hung threads are never freed, so all of them count, not only those of the time window.
        let given_up = u32::try_from(self.shared_status.abandoned().len()).unwrap_or(u32::MAX);
        if recent.max(given_up) > rules.max_restarts {
            let within = rules.within;
            error!(
                "{name} {fault}: {recent} times within {within:?}, {given_up} threads abandoned; exceeded its restart limit"
            );
            child.set(&self.shared_status, index, ServiceState::Failed);
            child.spec.state.fail();
            self.shared_status.faulted(index, fault);
            self.shared_status.escalate(name, fault);
            return;
        }
        let pause = backoff(rules.backoff, rules.backoff_max, recent);
        warn!("{name} {fault}; restarting in {pause:?}");
        child.set(&self.shared_status, index, ServiceState::Restarting);
        self.shared_status.restarted(index, fault);
        ctx.run_later(pause, move |supervisor, ctx| {
            if supervisor.children[index].is_restarting() {
                supervisor.start_child(index, ctx);
            }
        });
    }

    /// Pings every child at a fixed interval. A missed round is not made up for.
    ///
    /// A late round means that this thread did not run, perhaps because the process was paused. It
    /// proves nothing about the children, so each gets its full time again.
    fn watch(&self, ctx: &mut Context<Self>) {
        let ping = self.rules.ping.max(MIN_PING_INTERVAL);
        let due = Instant::now() + ping;
        ctx.run_later(ping, move |supervisor, ctx| {
            if running_time::was_paused(due) {
                for child in &mut supervisor.children {
                    child.unanswered = 0;
                }
            }
            supervisor.ping_all(ctx);
            supervisor.shared_status.count_round();
            supervisor.watch(ctx);
        });
    }

    /// Pings every child and counts the rounds since its last reply. Rounds are counted, not time.
    fn ping_all(&mut self, ctx: &mut Context<Self>) {
        let ping = self.rules.ping.max(MIN_PING_INTERVAL);
        let bound = self.rules.hang.as_micros().div_ceil(ping.as_micros());
        for index in 0..self.children.len() {
            let child = &mut self.children[index];
            if !child.is_watched() {
                continue;
            }
            child.unanswered += 1;
            if u128::from(child.unanswered) > bound.max(1) {
                self.hung(index, ctx);
            } else if child.unanswered == 1
                && let Some(handle) = &child.handle
            {
                let (reply, response) = oneshot::channel();
                handle.ping.do_send(Ping { reply });
                let incarnation = child.incarnation;
                let reset = response
                    .into_actor(self)
                    .map(move |response, supervisor, _| {
                        let child = &mut supervisor.children[index];
                        if response.is_ok() && child.incarnation == incarnation {
                            child.unanswered = 0;
                        }
                    });
                ctx.spawn(reset);
            }
        }
    }

    fn hung(&mut self, index: usize, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        self.shared_status.hung(index);
        if let Some(thread) = child.abandon_thread() {
            self.shared_status.abandon(thread);
        }
        self.fault(index, "is unresponsive", ctx);
    }

    /// The actor of a terminating child has exited (`gone`) or run out of time: joins its thread.
    fn finish_termination(&mut self, index: usize, gone: bool, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        let Some((until, reply)) = child.terminating.take() else {
            return;
        };
        child.handle = None;
        if !gone {
            // If it exits later, that exit must not restart it.
            child.incarnation += 1;
        }
        let thread = child.thread.take();
        let shared_status = Arc::clone(&self.shared_status);
        let end = async move {
            let joined = match thread {
                Some(thread) => match thread.end(until).await {
                    Ok(()) => true,
                    Err(thread) => {
                        shared_status.abandon(thread);
                        false
                    }
                },
                None => true,
            };
            let ended = gone && joined;
            if ended {
                shared_status.set(index, ServiceState::Stopped);
            }
            // The shutdown sequence may have stopped waiting.
            let _ = reply.send(ended);
        };
        ctx.spawn(end.into_actor(self));
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        for index in 0..self.children.len() {
            self.start_child(index, ctx);
        }
        self.watch(ctx);
    }
}

impl Handler<ChildStarted> for Supervisor {
    type Result = ();

    fn handle(&mut self, started: ChildStarted, _: &mut Context<Self>) {
        let child = &mut self.children[started.child];
        if child.incarnation != started.incarnation {
            // It was abandoned while its factory hung.
            started.handle.stop.do_send(Stop);
            return;
        }
        child.unanswered = 0;
        if child.terminating.is_some() {
            started.handle.stop.do_send(Stop);
        } else {
            child.set(&self.shared_status, started.child, ServiceState::Running);
        }
        child.handle = Some(started.handle);
    }
}

impl Handler<ChildExited> for Supervisor {
    type Result = ();

    fn handle(&mut self, exited: ChildExited, ctx: &mut Context<Self>) {
        let child = &self.children[exited.child];
        if child.incarnation != exited.incarnation {
            return;
        }
        if child.terminating.is_some() {
            self.finish_termination(exited.child, true, ctx);
        } else if exited.panicked {
            self.fault(exited.child, "panicked", ctx);
        } else {
            self.fault(exited.child, "exited unexpectedly", ctx);
        }
    }
}

impl Handler<TerminateChild> for Supervisor {
    type Result = ();

    fn handle(&mut self, terminate: TerminateChild, ctx: &mut Context<Self>) {
        let TerminateChild {
            child: index,
            until,
            reply,
        } = terminate;
        let child = &mut self.children[index];
        child.terminating = Some((until, reply));
        let is_alive = child.begin_termination(&self.shared_status, index);
        if !is_alive {
            return self.finish_termination(index, true, ctx);
        }
        if let Some(handle) = &child.handle {
            handle.stop.do_send(Stop);
        }
        // A child whose factory still runs is stopped as soon as it is built.
        ctx.run_later(until - Instant::now(), move |supervisor, ctx| {
            supervisor.finish_termination(index, false, ctx);
        });
    }
}

/// Escalates if the supervisor itself exits.
struct EscalateOnDrop {
    shared_status: Arc<SharedStatus>,
}

impl Drop for EscalateOnDrop {
    fn drop(&mut self) {
        self.shared_status.escalate("Supervisor", "ended");
    }
}
