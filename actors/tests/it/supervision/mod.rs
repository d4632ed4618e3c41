//! Children that exit and hang, and what the supervisor does about it.

mod tester;

use std::sync::atomic::Ordering;
use std::time::Duration;

use lastcall_actors::supervisor::SupervisorHandle;
use lastcall_actors::{Placement, ServiceState, ServiceStatus, Supervision};
use tokio::time::{Instant, advance, sleep};

use self::tester::{Fate, State, supervisor};
use crate::fixture::{in_real_time, in_virtual_time};

/// Hangs are found soon, but not so soon that a busy machine looks like one.
fn quick() -> Supervision {
    Supervision {
        ping: Duration::from_millis(50),
        hang: Duration::from_secs(1),
        ..Supervision::default()
    }
}

fn child(supervisor: &SupervisorHandle) -> ServiceStatus {
    supervisor.children().remove(0)
}

async fn terminate(supervisor: &SupervisorHandle) -> bool {
    supervisor
        .terminate(0, Instant::now() + Duration::from_secs(5))
        .await
}

fn survives(fate: Fate, fault: &str) {
    in_virtual_time(async {
        let state = State::of(&[fate, fate]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::Shared);
        state.lives(3).await;
        sleep(Duration::from_secs(2)).await;
        let child = child(&supervisor);
        assert_eq!((child.state, child.restarts), (ServiceState::Running, 2));
        assert_eq!(child.last_fault.as_deref(), Some(fault));
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn a_child_that_panics_in_its_factory_is_restarted() {
    survives(Fate::PanicInFactory, "panicked");
}

#[test]
fn a_child_that_panics_in_started_is_restarted() {
    survives(Fate::PanicInStarted, "panicked");
}

#[test]
fn a_child_that_panics_in_a_handler_is_restarted() {
    survives(Fate::PanicInHandler, "panicked");
}

#[test]
fn a_child_that_panics_in_a_future_of_its_own_is_restarted() {
    survives(Fate::PanicInSpawned, "panicked");
}

#[test]
fn a_child_that_exits_unexpectedly_is_restarted() {
    survives(Fate::ExitUnexpectedly, "exited unexpectedly");
}

#[test]
fn a_child_that_does_not_respond_is_restarted() {
    in_virtual_time(async {
        let state = State::of(&[Fate::IgnorePings]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::Shared);
        state.lives(2).await;
        sleep(Duration::from_secs(60)).await;
        let child = child(&supervisor);
        assert_eq!(
            (child.state, child.restarts, child.hung),
            (ServiceState::Running, 1, 1)
        );
        assert_eq!(child.last_fault.as_deref(), Some("is unresponsive"));
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn a_pause_gives_every_child_its_whole_time_again_and_hides_no_hang() {
    in_virtual_time(async {
        let state = State::of(&[Fate::IgnorePings]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::Shared);
        sleep(Duration::from_millis(4500)).await;
        for _ in 0..10 {
            advance(Duration::from_secs(600)).await;
            sleep(Duration::from_millis(3500)).await;
            assert_eq!(child(&supervisor).restarts, 0);
        }
        let since = Instant::now();
        state.lives(2).await;
        assert!(since.elapsed() <= Duration::from_secs(5));
        assert_eq!(child(&supervisor).hung, 1);
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn no_child_hangs_before_it_was_pinged() {
    in_virtual_time(async {
        let state = State::of(&[]);
        let rules = Supervision {
            hang: Duration::ZERO,
            ..Supervision::default()
        };
        let supervisor = supervisor(&state, rules, Placement::Shared);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(child(&supervisor).restarts, 0);
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn restarts_come_slower_and_slower() {
    in_virtual_time(async {
        let state = State::of(&[Fate::PanicInStarted; 4]);
        let since = Instant::now();
        let rules = Supervision {
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(4),
            ..Supervision::default()
        };
        let _family = supervisor(&state, rules, Placement::Shared);
        state.lives(5).await;
        assert_eq!(since.elapsed().as_secs(), 1 + 2 + 4 + 4);
    });
}

#[test]
fn the_pause_between_restarts_has_a_bound_however_many_there_were() {
    in_virtual_time(async {
        let state = State::of(&[Fate::PanicInStarted; 60]);
        let rules = Supervision {
            max_restarts: 100,
            within: Duration::from_secs(3600),
            ..Supervision::default()
        };
        let supervisor = supervisor(&state, rules, Placement::Shared);
        let since = Instant::now();
        state.lives(61).await;
        assert!(since.elapsed() <= Duration::from_secs(60));
        assert_eq!(child(&supervisor).restarts, 60);
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn a_child_that_exceeds_its_restart_limit_escalates_and_is_closed() {
    in_virtual_time(async {
        let state = State::of(&[Fate::PanicInStarted; 100]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::Shared);
        let escalation = supervisor.escalated().await;
        assert_eq!(
            (escalation.service.as_str(), escalation.fault.as_str()),
            ("Child", "panicked")
        );
        assert_eq!(state.lives.load(Ordering::SeqCst), 6);
        let child = child(&supervisor);
        assert_eq!((child.state, child.restarts), (ServiceState::Failed, 5));
        assert!(*state.closed.borrow());
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn restarts_long_ago_are_not_counted() {
    in_virtual_time(async {
        let state = State::of(&[Fate::IgnorePings; 20]);
        let rules = Supervision {
            hang: Duration::from_secs(10),
            ..Supervision::default()
        };
        let supervisor = supervisor(&state, rules, Placement::Shared);
        // A hang takes 10 s to be found: never more than 3 restarts in 30 s.
        state.lives(20).await;
        assert_eq!(child(&supervisor).restarts, 19);
    });
}

#[test]
fn a_dead_arbiter_is_replaced() {
    in_real_time(async {
        let state = State::of(&[Fate::EndArbiter]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::OwnArbiters);
        state.lives(2).await;
        let status = child(&supervisor);
        assert_eq!((status.restarts, status.hung), (1, 0));
        assert!(terminate(&supervisor).await);
        assert_eq!(child(&supervisor).state, ServiceState::Stopped);
        assert!(supervisor.abandoned().is_empty());
    });
}

#[test]
fn a_blocked_thread_is_abandoned_and_joined_when_it_ends_after_all() {
    in_real_time(async {
        let state = State::of(&[Fate::BlockThread]);
        let supervisor = supervisor(&state, quick(), Placement::OwnArbiters);
        state.lives(2).await;
        let status = child(&supervisor);
        assert_eq!((status.restarts, status.hung), (1, 1));
        assert_eq!(supervisor.abandoned(), ["Child #1"]);
        state.blocked.open();
        while !supervisor.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        // What was left of the first life disturbs nobody.
        assert_eq!(child(&supervisor).restarts, 1);
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn a_child_that_blocks_its_thread_in_the_end_is_left_and_named() {
    in_real_time(async {
        let state = State::of(&[Fate::BlockThread]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::OwnArbiters);
        let until = Instant::now() + Duration::from_millis(100);
        assert!(!supervisor.terminate(0, until).await);
        while supervisor.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(supervisor.abandoned(), ["Child #1"]);
        state.blocked.open();
        while !supervisor.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        // Nor is its late end a reason to start it again.
        sleep(2 * Supervision::default().backoff).await;
        assert_eq!(child(&supervisor).restarts, 0);
        assert_eq!(state.lives.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn threads_that_hang_forever_are_bounded_however_slowly_they_accumulate() {
    in_real_time(async {
        let state = State::of(&[Fate::BlockThread; 100]);
        let rules = Supervision {
            max_restarts: 2,
            within: Duration::ZERO,
            ..quick()
        };
        let supervisor = supervisor(&state, rules, Placement::OwnArbiters);
        supervisor.escalated().await;
        assert_eq!(supervisor.abandoned().len(), 3);
        state.blocked.open();
        while !supervisor.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(terminate(&supervisor).await);
    });
}

#[test]
fn a_terminated_child_is_not_restarted() {
    in_virtual_time(async {
        let state = State::of(&[]);
        let supervisor = supervisor(&state, Supervision::default(), Placement::Shared);
        state.lives(1).await;
        assert!(terminate(&supervisor).await);
        sleep(Duration::from_secs(600)).await;
        assert_eq!(state.lives.load(Ordering::SeqCst), 1);
        assert_eq!(child(&supervisor).state, ServiceState::Stopped);
    });
}
