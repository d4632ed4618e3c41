//! The timeline: every phase computed from one deadline.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The shortest time for handing back and closing: two transactions and a few joins.
const MIN_CANCEL_BEFORE: Duration = Duration::from_millis(100);

/// When each phase of a shutdown ends, counted from the first signal.
///
/// ```text
/// 0        lame_duck_end               drain_end      hand_back_end   deadline
/// ├─ lame duck ─┼─ draining ───────────────┼─ handing back ─┼─ closing ───┤
///                                          ╰──── cancel_before ───────────╯
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Requests are accepted until here.
    pub lame_duck_end: Duration,
    /// Running work may finish until here.
    pub drain_end: Duration,
    /// Jobs are handed back and attempts stopped by here: half of `cancel_before`, so that an
    /// unresponsive store cannot take the time for closing it.
    pub hand_back_end: Duration,
    /// The process has exited by here.
    pub deadline: Duration,
}

/// A configuration whose phases do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?}: {rule}")]
pub struct TimelineFault {
    /// The configuration key.
    pub key: &'static str,
    /// Its value.
    pub value: Duration,
    /// The rule that it breaks.
    pub rule: String,
}

impl Timeline {
    /// Plans the phases for these settings.
    ///
    /// # Errors
    /// Every fault, if the phases do not fit in the deadline.
    pub fn plan(
        deadline: Duration,
        lame_duck: Duration,
        cancel_before: Duration,
    ) -> Result<Self, Vec<TimelineFault>> {
        let mut faults = Vec::new();
        if cancel_before < MIN_CANCEL_BEFORE {
            faults.push(TimelineFault {
                key: "shutdown.cancel_before",
                value: cancel_before,
                rule: format!("at least {MIN_CANCEL_BEFORE:?}, to hand work back"),
            });
        }
        if cancel_before > deadline {
            faults.push(TimelineFault {
                key: "shutdown.cancel_before",
                value: cancel_before,
                rule: format!("at most shutdown.deadline, which is {deadline:?}"),
            });
            if lame_duck > deadline {
                faults.push(TimelineFault {
                    key: "shutdown.lame_duck",
                    value: lame_duck,
                    rule: format!("at most shutdown.deadline, which is {deadline:?}"),
                });
            }
        } else if lame_duck > deadline - cancel_before {
            faults.push(TimelineFault {
                key: "shutdown.lame_duck",
                value: lame_duck,
                rule: format!(
                    "at most {}: shutdown.deadline ({deadline:?}) less shutdown.cancel_before ({cancel_before:?})",
                    shown(deadline - cancel_before)
                ),
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let drain_end = deadline - cancel_before;
        Ok(Self {
            lame_duck_end: lame_duck,
            drain_end,
            hand_back_end: drain_end + cancel_before / 2,
            deadline,
        })
    }

    /// The phases in order, and the planned maximum of each.
    pub fn phases(&self) -> [(&'static str, Duration); 4] {
        [
            ("lame_duck", self.lame_duck_end),
            ("draining", self.drain_end - self.lame_duck_end),
            ("handing_back", self.hand_back_end - self.drain_end),
            ("closing", self.deadline - self.hand_back_end),
        ]
    }
}

/// A line per phase, as `lastcall check` prints it.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut begin = Duration::ZERO;
        for (name, planned) in self.phases() {
            let end = begin + planned;
            writeln!(f, "{name:<13} {:>9} .. {:>9}", shown(begin), shown(end))?;
            begin = end;
        }
        Ok(())
    }
}

/// Shows zero as `0s`, whatever its unit.
fn shown(time: Duration) -> String {
    if time.is_zero() {
        "0s".to_owned()
    } else {
        format!("{time:?}")
    }
}
