//! Time in which the process runs. Its tests are here because they need a clock that can be moved.

use std::future::pending;
use std::time::Duration;

use lastcall_domain::running_time::{Elapsed, sleep, timeout};
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_wait_takes_its_time_where_nothing_is_paused() {
    for span in [SECOND / 10, SECOND, 300 * SECOND] {
        let began = Instant::now();
        assert_eq!(timeout(span, pending::<()>()).await, Err(Elapsed));
        let late = began.elapsed() - span;
        assert!(late < Duration::from_millis(10), "{late:?} after {span:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_any_length_spends_a_moment_at_most() {
    for pause in [6 * SECOND, 60 * SECOND, 86_400 * SECOND] {
        let waiting = tokio::spawn(sleep(5 * SECOND));
        tokio::time::sleep(SECOND / 2).await;
        let began = Instant::now();
        advance(pause).await;
        waiting.await.expect("it does not panic");
        let ran = began.elapsed() - pause;
        assert!(ran >= 3 * SECOND && ran <= 5 * SECOND, "{ran:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_timeout_outlasts_a_pause() {
    let answer = async {
        tokio::time::sleep(SECOND / 5).await;
        advance(10 * SECOND).await;
        tokio::time::sleep(SECOND / 100).await;
    };
    assert_eq!(timeout(SECOND / 4, answer).await, Ok(()));
}
