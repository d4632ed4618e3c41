//! The supervisor: starts the children, detects exits and hangs, restarts them with back-off, and
//! escalates when one exceeds its restart limit.
//!
//! It learns of every death by its [`ExitNotice`], whatever the cause: a panic in a
//! handler, in `started`, in the factory itself, or an arbiter that ended. A child that is alive
//! and does not respond to [`Ping`] is hung: its thread is given up (and watched), and the child is
//! started again on another.
//!
//! What it never does: touch the work. The work is in the children's shared state
//! ([`ChildState`]), which survives them.

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

/// Children are asked no more often than this.
const MIN_PING: Duration = Duration::from_millis(1);

/// The actor.
struct Supervisor {
    rules: Supervision,
    placement: Placement,
    shared_status: Arc<SharedStatus>,
    children: Vec<Child>,
    _guardian: EscalateOnDrop,
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
            _guardian: EscalateOnDrop {
                shared_status: Arc::clone(shared_status),
            },
        }
    }

    /// Starts the next life of a child.
    fn start_child(&mut self, index: usize, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        child.incarnation += 1;
        child.unanswered = 0;
        child.set(&self.shared_status, index, ServiceState::Starting);
        if child.host.is_none() {
            match ChildThread::start(self.placement, child.name(), child.incarnation) {
                Ok(host) => child.host = Some(host),
                Err(fault) => {
                    let fault = format!("no thread could be started: {fault}");
                    return self.fault(index, &fault, ctx);
                }
            }
        }
        let context = StartContext::new(index, child.incarnation, ctx.address().recipient());
        let (factory, supervisor) = (Arc::clone(&child.spec.factory), ctx.address());
        if let Some(host) = &child.host {
            // Where the arbiter is dead already, the closure is dropped, and with it the
            // exit notice in it: the supervisor hears of it like of any other death.
            host.run(move || {
                let (child, incarnation) = context.id();
                let link = factory(context);
                supervisor.do_send(ChildStarted {
                    child,
                    incarnation,
                    link,
                });
            });
        }
    }

    /// A child has died or hung: it is started again, or that has happened too often.
    fn fault(&mut self, index: usize, fault: &str, ctx: &mut Context<Self>) {
        let rules = self.rules.clone();
        let child = &mut self.children[index];
        let name = child.name();
        child.link = None;
        if let Some(host) = child.take_dead_host() {
            self.shared_status.abandon(host);
        }
        let recent = child.count_restart(rules.within);
        // Threads that hang are never got rid of: they are counted forever, not within a span.
        let given_up = u32::try_from(self.shared_status.abandoned().len()).unwrap_or(u32::MAX);
        if recent.max(given_up) > rules.max_restarts {
            let within = rules.within;
            error!(
                "{name} {fault}: {recent} times within {within:?}, {given_up} threads abandoned; exceeded its restart limit"
            );
            child.set(&self.shared_status, index, ServiceState::Failed);
            child.spec.part.fail();
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

    /// Asks every child whether it answers, one round after the other. A round that is missed is
    /// not made up.
    ///
    /// A round that comes late says that this thread did not run, and so nothing of the children,
    /// as far as it knows: the process may have been paused. Each gets its whole time again.
    fn watch(&self, ctx: &mut Context<Self>) {
        let ping = self.rules.ping.max(MIN_PING);
        let due = Instant::now() + ping;
        ctx.run_later(ping, move |supervisor, ctx| {
            if running_time::was_paused(due) {
                for child in &mut supervisor.children {
                    child.unanswered = 0;
                }
            }
            supervisor.ask_all(ctx);
            supervisor.shared_status.count_round();
            supervisor.watch(ctx);
        });
    }

    /// Asks every child whether it answers, and counts who has not since the last time. Counted
    /// in rounds, not in time.
    fn ask_all(&mut self, ctx: &mut Context<Self>) {
        let ping = self.rules.ping.max(MIN_PING);
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
                && let Some(link) = &child.link
            {
                let (reply, answer) = oneshot::channel();
                link.ping.do_send(Ping { reply });
                let incarnation = child.incarnation;
                let answered = answer.into_actor(self).map(move |answer, supervisor, _| {
                    let child = &mut supervisor.children[index];
                    if answer.is_ok() && child.incarnation == incarnation {
                        child.unanswered = 0;
                    }
                });
                ctx.spawn(answered);
            }
        }
    }

    fn hung(&mut self, index: usize, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        self.shared_status.hung(index);
        if let Some(host) = child.give_up_host() {
            self.shared_status.abandon(host);
        }
        self.fault(index, "is unresponsive", ctx);
    }

    /// The actor of a child that is to stop is gone, or its time is over (`gone`: which): its
    /// thread is next.
    fn finish_termination(&mut self, index: usize, gone: bool, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        let Some((until, reply)) = child.retiring.take() else {
            return;
        };
        child.link = None;
        if !gone {
            // Should it end after all, that is no death, and no reason to start it again.
            child.incarnation += 1;
        }
        let host = child.host.take();
        let shared_status = Arc::clone(&self.shared_status);
        let end = async move {
            let joined = match host {
                Some(host) => match host.end(until).await {
                    Ok(()) => true,
                    Err(host) => {
                        shared_status.abandon(host);
                        false
                    }
                },
                None => true,
            };
            let ended = gone && joined;
            if ended {
                shared_status.set(index, ServiceState::Stopped);
            }
            // The shutdown's sequence may have given up waiting.
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

    fn handle(&mut self, born: ChildStarted, _: &mut Context<Self>) {
        let child = &mut self.children[born.child];
        if child.incarnation != born.incarnation {
            // It was given up while its factory hung.
            born.link.stop.do_send(Stop);
            return;
        }
        child.unanswered = 0;
        if child.retiring.is_some() {
            born.link.stop.do_send(Stop);
        } else {
            child.set(&self.shared_status, born.child, ServiceState::Running);
        }
        child.link = Some(born.link);
    }
}

impl Handler<ChildExited> for Supervisor {
    type Result = ();

    fn handle(&mut self, died: ChildExited, ctx: &mut Context<Self>) {
        let child = &self.children[died.child];
        if child.incarnation != died.incarnation {
            return;
        }
        if child.retiring.is_some() {
            self.finish_termination(died.child, true, ctx);
        } else if died.panicked {
            self.fault(died.child, "panicked", ctx);
        } else {
            self.fault(died.child, "exited unexpectedly", ctx);
        }
    }
}

impl Handler<TerminateChild> for Supervisor {
    type Result = ();

    fn handle(&mut self, retire: TerminateChild, ctx: &mut Context<Self>) {
        let TerminateChild {
            child: index,
            until,
            reply,
        } = retire;
        let child = &mut self.children[index];
        child.retiring = Some((until, reply));
        let lives = child.set_retiring(&self.shared_status, index);
        if !lives {
            return self.finish_termination(index, true, ctx);
        }
        if let Some(link) = &child.link {
            link.stop.do_send(Stop);
        }
        // A factory that is still at work is stopped as soon as it has built the child.
        ctx.run_later(until - Instant::now(), move |supervisor, ctx| {
            supervisor.finish_termination(index, false, ctx);
        });
    }
}

/// Escalates if the supervisor itself goes.
struct EscalateOnDrop {
    shared_status: Arc<SharedStatus>,
}

impl Drop for EscalateOnDrop {
    fn drop(&mut self) {
        self.shared_status.escalate("Supervisor", "ended");
    }
}
