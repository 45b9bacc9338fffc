use std::time::Duration;

use crate::limits::MAX_RETRY;

/// The most that is waited after a first failure. Each further one doubles it, up to [`CAP`].
const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_secs(30);

/// How long to wait before coming back: at random up to a bound that doubles (full jitter), so that clients which
/// were cut together do not come back together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How often in a row it has failed.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Something has come: what failed before is over.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after a failure. Who said when to come back is not asked earlier.
    pub(crate) fn failed(&mut self, hint: Option<Duration>) -> Duration {
        let bound = BASE.saturating_mul(1 << self.failures.min(16)).min(CAP);
        self.failures = self.failures.saturating_add(1);
        hint.unwrap_or_default().min(MAX_RETRY) + bound.mul_f64(fastrand::f64())
    }

    /// The wait after an end that was meant. Where a hint came with it, the gateway has spread its clients already.
    pub(crate) fn ended(&mut self, hint: Option<Duration>) -> Duration {
        match hint {
            Some(hint) if self.failures == 0 => hint.min(MAX_RETRY),
            hint => self.failed(hint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_its_cap() {
        let mut backoff = Backoff::default();
        for round in 0..100 {
            let bound = BASE.saturating_mul(1 << round.min(16)).min(CAP);
            assert_eq!(backoff.failures(), round);
            assert!(backoff.failed(None) <= bound, "round {round}");
        }
        backoff.reset();
        assert!(backoff.failed(None) <= BASE);
    }

    #[test]
    fn a_hint_is_obeyed_within_reason() {
        let mut backoff = Backoff::default();
        let hint = Duration::from_secs(7);
        assert_eq!(backoff.ended(Some(hint)), hint);
        assert!(backoff.ended(None) <= BASE);
        let wait = backoff.failed(Some(hint));
        assert!(wait >= hint && wait <= hint + 2 * BASE, "{wait:?}");
        assert!(backoff.ended(Some(Duration::MAX)) <= MAX_RETRY + 4 * BASE);
    }
}
