//! The states of a claim, and the one function that changes them.
//!
//! ```text
//!                 Start               BeginWrite
//!   ┌─────────┐ ────────▶ ┌─────────┐ ─────────▶ ┌─────────┐  Settle  ┌─────────┐
//!   │ waiting │           │ running │            │ writing │ ───────▶ │ written │
//!   └─────────┘           └─────────┘ ─┐         └─────────┘          └─────────┘
//!       ┆ BeginReturn          ┆       │ Settle       ▲  │ Finish           │ Finish
//!       ┆          BeginReturn ┆       ▼              │  └───────▶ gone ◀───┘
//!       ┆                      ▼   ┌─────────┐        │              ▲
//!       ┆              ┌──────────┐│ settled │ ───────┼── Finish ────┘
//!       ┆              │ stopping │└─────────┘        │ Adopt (its own fault)
//!       ┆              └──────────┘ ─┐   ▲  Settle    │
//!       ┆                  │ Finish  └───┘      ┌──────────┐
//!       ┆                  ▼           Orphan ─▶│ orphaned │ (from running, stopping, writing)
//!       ┆              ┌───────┐                └──────────┘
//!       └┄┄ Settle ──▶ │ ended │ ── Settle ──▶ gone ◀── Settle ┘
//!                      └───────┘
//! ```
//!
//! A claim is held until its row is written (or is no longer ours) and its attempt has ended,
//! whichever comes last. Its row has one writer at a time: the attempt's task from `BeginWrite` on,
//! or a hand-back, which may be under way (`returning`) while the claim is waiting, stopping, ended
//! or orphaned.
//!
//! The state of the job is separate: it changes only in the store, by `Lifecycle::apply`.

/// Whose fault it is that a task was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Its own: it held the thread, or panicked. This uses up an attempt.
    Own,
    /// Another task's, which held the thread, or an outage's. The claim is handed back without
    /// using up an attempt.
    Another,
    /// Unknown. This uses up an attempt, and the job becomes a suspect.
    Unknown,
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Claimed ahead, waiting for a slot.
    Waiting,
    /// An attempt runs.
    Running,
    /// An attempt runs but was cancelled, because its row is to be handed back.
    Stopping,
    /// An attempt still runs, though its row is no longer ours.
    Settled,
    /// The attempt has ended; its outcome is being written.
    Writing,
    /// The outcome is written; the task is about to end.
    Written,
    /// The attempt has ended; the row will be written by a hand-back.
    Ended,
    /// Its task was lost.
    Orphaned(Blame),
}

/// The state of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClaimState {
    stage: Stage,
    /// A hand-back of it is under way.
    returning: bool,
}

/// An event in the life of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It gets a slot.
    Start,
    /// The attempt has ended, and its task wants to write the outcome.
    BeginWrite,
    /// The attempt's task is done with it.
    Finish,
    /// The attempt's task was lost.
    Orphan(Blame),
    /// Another task takes over the write.
    Adopt,
    /// A hand-back begins.
    BeginReturn,
    /// The hand-back is over, successful or not.
    EndReturn,
    /// The row is no longer ours to write.
    Settle,
}

/// The effect of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The claim has changed and is still held.
    Changed,
    /// The claim has ended.
    Gone,
    /// None: the event does not apply in this state.
    Ignored,
}

impl ClaimState {
    pub(crate) fn new() -> Self {
        Self {
            stage: Stage::Waiting,
            returning: false,
        }
    }

    /// Changes the claim by `event`. This is the only place where its state changes.
    pub(crate) fn apply(&mut self, event: Event) -> Effect {
        let to = match (event, self.stage) {
            (Event::Start, Stage::Waiting) if !self.returning => Stage::Running,

            (Event::BeginWrite, Stage::Running) => Stage::Writing,

            (Event::Finish, Stage::Stopping) => Stage::Ended,
            (Event::Finish, Stage::Running | Stage::Settled | Stage::Writing | Stage::Written) => {
                return Effect::Gone;
            }

            (Event::Orphan(blame), Stage::Running | Stage::Stopping | Stage::Writing) => {
                Stage::Orphaned(blame)
            }
            (Event::Orphan(_), Stage::Settled | Stage::Written) => return Effect::Gone,

            // What is lost through no fault of its own is handed back, not written.
            (Event::Adopt, Stage::Orphaned(Blame::Own | Blame::Unknown)) if !self.returning => {
                Stage::Writing
            }

            (
                Event::BeginReturn,
                Stage::Waiting
                | Stage::Running
                | Stage::Stopping
                | Stage::Ended
                | Stage::Orphaned(_),
            ) if !self.returning => {
                self.returning = true;
                match self.stage {
                    Stage::Running => Stage::Stopping,
                    stage => stage,
                }
            }
            (Event::EndReturn, stage) if self.returning => {
                self.returning = false;
                stage
            }

            (Event::Settle, Stage::Running | Stage::Stopping) => Stage::Settled,
            (Event::Settle, Stage::Writing) => Stage::Written,
            (Event::Settle, Stage::Waiting | Stage::Ended | Stage::Orphaned(_)) => {
                return Effect::Gone;
            }

            _ => return Effect::Ignored,
        };
        self.stage = to;
        Effect::Changed
    }

    /// Whether the row is ours to write.
    pub(crate) fn is_ours(self) -> bool {
        !matches!(self.stage, Stage::Settled | Stage::Written)
    }

    /// Whether its lease is worth renewing.
    pub(crate) fn needs_lease(self) -> bool {
        self.is_ours() && self.stage != Stage::Ended
    }

    /// Whether an attempt runs for it.
    pub(crate) fn runs(self) -> bool {
        matches!(
            self.stage,
            Stage::Running | Stage::Stopping | Stage::Settled
        )
    }

    /// Whether its outcome is being written.
    pub(crate) fn is_being_written(self) -> bool {
        matches!(self.stage, Stage::Writing | Stage::Written)
    }

    /// Whether it waits for a slot.
    pub(crate) fn waits(self) -> bool {
        self.stage == Stage::Waiting
    }

    /// If its task was lost: whose fault that is, and whether nobody has taken over.
    pub(crate) fn orphaned(self) -> Option<(Blame, bool)> {
        match self.stage {
            Stage::Orphaned(blame) => Some((blame, !self.returning)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 10] = [
        Stage::Waiting,
        Stage::Running,
        Stage::Stopping,
        Stage::Settled,
        Stage::Writing,
        Stage::Written,
        Stage::Ended,
        Stage::Orphaned(Blame::Own),
        Stage::Orphaned(Blame::Another),
        Stage::Orphaned(Blame::Unknown),
    ];
    const EVENTS: [Event; 8] = [
        Event::Start,
        Event::BeginWrite,
        Event::Finish,
        Event::Orphan(Blame::Unknown),
        Event::Adopt,
        Event::BeginReturn,
        Event::EndReturn,
        Event::Settle,
    ];

    /// The effect on a claim that is not being handed back, by stage (row) and event (column): `-`
    /// ignored, `x` gone, `r` unchanged but returning, else the first letters of the new stage.
    const TABLE: [(&str, [&str; 8]); 10] = [
        //            Start  BeginW Finish Orphan Adopt  BeginR EndRet Settle
        ("waiting", ["run", "-", "-", "-", "-", "r", "-", "x"]),
        (
            "running",
            ["-", "wri", "x", "orp", "-", "sto r", "-", "set"],
        ),
        ("stopping", ["-", "-", "end", "orp", "-", "r", "-", "set"]),
        ("settled", ["-", "-", "x", "x", "-", "-", "-", "-"]),
        ("writing", ["-", "-", "x", "orp", "-", "-", "-", "wrn"]),
        ("written", ["-", "-", "x", "x", "-", "-", "-", "-"]),
        ("ended", ["-", "-", "-", "-", "-", "r", "-", "x"]),
        ("own", ["-", "-", "-", "-", "wri", "r", "-", "x"]),
        ("another", ["-", "-", "-", "-", "-", "r", "-", "x"]),
        ("unknown", ["-", "-", "-", "-", "wri", "r", "-", "x"]),
    ];

    fn effect_of(from: ClaimState, event: Event) -> String {
        let mut state = from;
        let stage = match state.apply(event) {
            Effect::Ignored => {
                assert_eq!(state, from, "{event:?}");
                return "-".to_owned();
            }
            Effect::Gone => return "x".to_owned(),
            Effect::Changed if state.stage == from.stage => "",
            Effect::Changed => match state.stage {
                Stage::Waiting => "wai",
                Stage::Running => "run",
                Stage::Stopping => "sto",
                Stage::Settled => "set",
                Stage::Writing => "wri",
                Stage::Written => "wrn",
                Stage::Ended => "end",
                Stage::Orphaned(_) => "orp",
            },
        };
        let returning = if state.returning { "r" } else { "" };
        format!("{stage} {returning}").trim().to_owned()
    }

    #[test]
    fn every_event_does_to_every_claim_what_the_table_says() {
        for ((name, row), stage) in TABLE.iter().zip(STAGES) {
            for (wanted, event) in row.iter().zip(EVENTS) {
                let from = ClaimState {
                    stage,
                    returning: false,
                };
                assert_eq!(effect_of(from, event), *wanted, "{name} {event:?}");
            }
        }
    }

    #[test]
    fn a_row_has_one_writer_at_a_time() {
        for stage in STAGES {
            let from = ClaimState {
                stage,
                returning: true,
            };
            for event in [Event::Adopt, Event::BeginReturn, Event::Start] {
                let mut state = from;
                assert_eq!(state.apply(event), Effect::Ignored, "{stage:?} {event:?}");
            }
            let mut state = from;
            assert_eq!(state.apply(Event::EndReturn), Effect::Changed);
            assert!(!state.returning);
        }
        let mut state = ClaimState::new();
        for event in [Event::Start, Event::BeginReturn] {
            assert_eq!(state.apply(event), Effect::Changed);
        }
        assert_eq!(state.apply(Event::BeginWrite), Effect::Ignored);
    }

    #[test]
    fn every_claim_comes_to_an_end_once_its_row_is_no_longer_ours_and_its_task_has_ended() {
        for stage in STAGES {
            let mut state = ClaimState {
                stage,
                returning: false,
            };
            let gone = [Event::Settle, Event::Finish]
                .into_iter()
                .any(|event| state.apply(event) == Effect::Gone);
            assert!(gone, "{stage:?}");
        }
    }
}
