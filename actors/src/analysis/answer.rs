//! Computes a profile requested by message.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use lastcall_domain::profile::Profile;
use lastcall_domain::{Cancel, JobError, running_time};
use log::error;
use tokio::sync::oneshot;

use super::profile_client::cancelled;
use crate::panic::{outage_of, panic_message};

/// Computes a profile while somebody waits for it, and sends it.
pub(super) async fn answer(
    compute: impl Future<Output = Result<Profile, JobError>>,
    cancel: Cancel,
    grace: Duration,
    mut reply: oneshot::Sender<Result<Profile, JobError>>,
) {
    if reply.is_closed() {
        return;
    }
    let mut compute = pin!(AssertUnwindSafe(compute).catch_unwind());
    let computed = tokio::select! {
        biased;
        computed = &mut compute => Some(computed),
        () = reply.closed() => None,
        () = cancel.cancelled() => None,
    };
    let computed = match computed {
        Some(computed) => Ok(computed),
        None => {
            cancel.cancel();
            running_time::timeout(grace, compute).await
        }
    };
    let answer = match computed {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => Err(outage_of(&*panic).unwrap_or_else(|| {
            error!("a profile panicked: {}", panic_message(&*panic));
            JobError::transient("panicked", "internal error; see the operator's log")
        })),
        Err(_) => Err(cancelled()),
    };
    // The report may have stopped waiting.
    let _ = reply.send(answer);
}
