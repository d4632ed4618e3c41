//! Children that die and hang, and what the supervisor does about it.

mod tester;

use std::sync::atomic::Ordering;
use std::time::Duration;

use lastcall_actors::supervisor::SupervisorHandle;
use lastcall_actors::{Placement, ServiceState, ServiceStatus, Supervision};
use tokio::time::{Instant, advance, sleep};

use self::tester::{Fate, State, family};
use crate::fixture::{in_real_time, in_virtual_time};

/// Hangs are found soon, but not so soon that a busy machine looks like one.
fn quick() -> Supervision {
    Supervision {
        ping: Duration::from_millis(50),
        hang: Duration::from_secs(1),
        ..Supervision::default()
    }
}

fn child(family: &SupervisorHandle) -> ServiceStatus {
    family.children().remove(0)
}

async fn retire(family: &SupervisorHandle) -> bool {
    family
        .retire(0, Instant::now() + Duration::from_secs(5))
        .await
}

fn survives(fate: Fate, fault: &str) {
    in_virtual_time(async {
        let state = State::of(&[fate, fate]);
        let family = family(&state, Supervision::default(), Placement::Shared);
        state.lives(3).await;
        sleep(Duration::from_secs(2)).await;
        let child = child(&family);
        assert_eq!((child.state, child.restarts), (ServiceState::Running, 2));
        assert_eq!(child.last_fault.as_deref(), Some(fault));
        assert!(retire(&family).await);
    });
}

#[test]
fn a_child_that_panics_in_its_factory_is_started_again() {
    survives(Fate::PanicInFactory, "panicked");
}

#[test]
fn a_child_that_panics_in_started_is_started_again() {
    survives(Fate::PanicInStarted, "panicked");
}

#[test]
fn a_child_that_panics_in_a_handler_is_started_again() {
    survives(Fate::PanicInHandler, "panicked");
}

#[test]
fn a_child_that_panics_in_a_future_of_its_own_is_started_again() {
    survives(Fate::PanicInSpawned, "panicked");
}

#[test]
fn a_child_that_ends_unasked_is_started_again() {
    survives(Fate::EndUnasked, "exited unexpectedly");
}

#[test]
fn a_child_that_does_not_answer_is_started_again() {
    in_virtual_time(async {
        let state = State::of(&[Fate::NotAnswer]);
        let family = family(&state, Supervision::default(), Placement::Shared);
        state.lives(2).await;
        sleep(Duration::from_secs(60)).await;
        let child = child(&family);
        assert_eq!(
            (child.state, child.restarts, child.hung),
            (ServiceState::Running, 1, 1)
        );
        assert_eq!(child.last_fault.as_deref(), Some("is unresponsive"));
        assert!(retire(&family).await);
    });
}

#[test]
fn a_pause_gives_every_child_its_whole_time_again_and_hides_no_hang() {
    in_virtual_time(async {
        let state = State::of(&[Fate::NotAnswer]);
        let family = family(&state, Supervision::default(), Placement::Shared);
        sleep(Duration::from_millis(4500)).await;
        for _ in 0..10 {
            advance(Duration::from_secs(600)).await;
            sleep(Duration::from_millis(3500)).await;
            assert_eq!(child(&family).restarts, 0);
        }
        let since = Instant::now();
        state.lives(2).await;
        assert!(since.elapsed() <= Duration::from_secs(5));
        assert_eq!(child(&family).hung, 1);
        assert!(retire(&family).await);
    });
}

#[test]
fn no_child_hangs_before_it_was_asked() {
    in_virtual_time(async {
        let state = State::of(&[]);
        let rules = Supervision {
            hang: Duration::ZERO,
            ..Supervision::default()
        };
        let family = family(&state, rules, Placement::Shared);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(child(&family).restarts, 0);
        assert!(retire(&family).await);
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
        let _family = family(&state, rules, Placement::Shared);
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
        let family = family(&state, rules, Placement::Shared);
        let since = Instant::now();
        state.lives(61).await;
        assert!(since.elapsed() <= Duration::from_secs(60));
        assert_eq!(child(&family).restarts, 60);
        assert!(retire(&family).await);
    });
}

#[test]
fn a_child_that_dies_too_often_escalates_and_is_closed() {
    in_virtual_time(async {
        let state = State::of(&[Fate::PanicInStarted; 100]);
        let family = family(&state, Supervision::default(), Placement::Shared);
        let escalation = family.escalated().await;
        assert_eq!(
            (escalation.service.as_str(), escalation.fault.as_str()),
            ("Child", "panicked")
        );
        assert_eq!(state.lives.load(Ordering::SeqCst), 6);
        let child = child(&family);
        assert_eq!((child.state, child.restarts), (ServiceState::Failed, 5));
        assert!(*state.closed.borrow());
        assert!(retire(&family).await);
    });
}

#[test]
fn restarts_long_ago_are_not_counted() {
    in_virtual_time(async {
        let state = State::of(&[Fate::NotAnswer; 20]);
        let rules = Supervision {
            hang: Duration::from_secs(10),
            ..Supervision::default()
        };
        let family = family(&state, rules, Placement::Shared);
        // A hang takes 10 s to be found: never more than 3 restarts in 30 s.
        state.lives(20).await;
        assert_eq!(child(&family).restarts, 19);
    });
}

#[test]
fn a_dead_arbiter_is_replaced() {
    in_real_time(async {
        let state = State::of(&[Fate::EndArbiter]);
        let family = family(&state, Supervision::default(), Placement::OwnArbiters);
        state.lives(2).await;
        let status = child(&family);
        assert_eq!((status.restarts, status.hung), (1, 0));
        assert!(retire(&family).await);
        assert_eq!(child(&family).state, ServiceState::Stopped);
        assert!(family.abandoned().is_empty());
    });
}

#[test]
fn a_blocked_thread_is_given_up_and_joined_when_it_ends_after_all() {
    in_real_time(async {
        let state = State::of(&[Fate::BlockThread]);
        let family = family(&state, quick(), Placement::OwnArbiters);
        state.lives(2).await;
        let status = child(&family);
        assert_eq!((status.restarts, status.hung), (1, 1));
        assert_eq!(family.abandoned(), ["Child #1"]);
        state.blocked.open();
        while !family.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        // What was left of the first life disturbs nobody.
        assert_eq!(child(&family).restarts, 1);
        assert!(retire(&family).await);
    });
}

#[test]
fn a_child_that_blocks_its_thread_in_the_end_is_left_and_named() {
    in_real_time(async {
        let state = State::of(&[Fate::BlockThread]);
        let family = family(&state, Supervision::default(), Placement::OwnArbiters);
        let until = Instant::now() + Duration::from_millis(100);
        assert!(!family.retire(0, until).await);
        while family.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(family.abandoned(), ["Child #1"]);
        state.blocked.open();
        while !family.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        // Nor is its late end a reason to start it again.
        sleep(2 * Supervision::default().backoff).await;
        assert_eq!(child(&family).restarts, 0);
        assert_eq!(state.lives.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn threads_that_hang_for_ever_are_bounded_however_slowly_they_come() {
    in_real_time(async {
        let state = State::of(&[Fate::BlockThread; 100]);
        let rules = Supervision {
            max_restarts: 2,
            within: Duration::ZERO,
            ..quick()
        };
        let family = family(&state, rules, Placement::OwnArbiters);
        family.escalated().await;
        assert_eq!(family.abandoned().len(), 3);
        state.blocked.open();
        while !family.abandoned().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(retire(&family).await);
    });
}

#[test]
fn a_retired_child_is_not_started_again() {
    in_virtual_time(async {
        let state = State::of(&[]);
        let family = family(&state, Supervision::default(), Placement::Shared);
        state.lives(1).await;
        assert!(retire(&family).await);
        sleep(Duration::from_secs(600)).await;
        assert_eq!(state.lives.load(Ordering::SeqCst), 1);
        assert_eq!(child(&family).state, ServiceState::Stopped);
    });
}
