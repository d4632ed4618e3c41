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
use crate::panic::panic_message;

/// Makes a profile as long as somebody wants it, and gives it away.
pub(super) async fn answer(
    make: impl Future<Output = Result<Profile, JobError>>,
    cancel: Cancel,
    grace: Duration,
    mut reply: oneshot::Sender<Result<Profile, JobError>>,
) {
    if reply.is_closed() {
        return;
    }
    let mut make = pin!(AssertUnwindSafe(make).catch_unwind());
    let made = tokio::select! {
        biased;
        made = &mut make => Some(made),
        () = reply.closed() => None,
        () = cancel.cancelled() => None,
    };
    let made = match made {
        Some(made) => Ok(made),
        None => {
            cancel.cancel();
            running_time::timeout(grace, make).await
        }
    };
    let answer = match made {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => {
            error!("a profile panicked: {}", panic_message(&*panic));
            Err(JobError::transient(
                "panicked",
                "internal error; see the operator's log",
            ))
        }
        Err(_) => Err(cancelled()),
    };
    // Whoever asked may no longer want it.
    let _ = reply.send(answer);
}
