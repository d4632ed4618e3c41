//! Delays between retries.

use std::time::Duration;

/// The pause after this many failures in a row: `first`, doubled for each further failure, up to
/// `longest`.
pub(crate) fn backoff(first: Duration, longest: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    longest.min(first.saturating_mul(1 << doublings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_its_bound() {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(1));
        let pauses = [1, 2, 3, 5, 6, 32, 1000].map(|failures| backoff(first, longest, failures));
        let millis = pauses.map(|pause| pause.as_millis());
        assert_eq!(millis, [50, 100, 200, 800, 1000, 1000, 1000]);
        assert_eq!(backoff(first, longest, 0), first);
    }
}
