//! Admission and the count of what is in flight.

use futures_util::FutureExt;
use lastcall_actors::{Gate, Refusal};

use crate::fixture::in_virtual_time;

#[test]
fn a_full_gate_lets_the_next_in_when_one_leaves() {
    in_virtual_time(async {
        let gate = Gate::new(2);
        let first = gate.try_enter().unwrap();
        let second = gate.enter().await.unwrap();
        assert_eq!(gate.try_enter().unwrap_err(), Refusal::Full);
        let mut third = Box::pin(gate.enter());
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        let third = third.await.unwrap();
        assert_eq!(gate.in_flight(), 2);
        drop((second, third));
        assert_eq!(gate.in_flight(), 0);
    });
}

#[test]
fn a_closed_gate_turns_away_those_who_wait() {
    in_virtual_time(async {
        let gate = Gate::new(1);
        let permit = gate.try_enter().unwrap();
        let mut waiting = Box::pin(gate.enter());
        assert!((&mut waiting).now_or_never().is_none());
        gate.close();
        assert!(waiting.await.is_none());
        assert_eq!(gate.try_enter().unwrap_err(), Refusal::Closed);
        drop(permit);
    });
}

#[test]
fn a_gate_is_idle_when_the_last_permit_is_dropped() {
    in_virtual_time(async {
        let gate = Gate::new(8);
        let (one, two) = (gate.try_enter().unwrap(), gate.try_enter().unwrap());
        gate.close();
        let mut idle = Box::pin(gate.idle());
        drop(one);
        assert!((&mut idle).now_or_never().is_none());
        drop(two);
        idle.await;
    });
}

#[test]
fn a_panic_returns_the_permit() {
    let gate = Gate::new(1);
    let permit = gate.try_enter().unwrap();
    let thread = std::thread::spawn(move || {
        let _held = permit;
        panic!("the work panics");
    });
    assert!(thread.join().is_err());
    assert_eq!(gate.in_flight(), 0);
}
