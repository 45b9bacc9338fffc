use std::time::Duration;

/// Waits between tries: each at random, up to a bound that doubles every time ("full jitter").
#[derive(Debug)]
pub(crate) struct Backoff {
    shortest: Duration,
    bound: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        let shortest = shortest.min(longest);
        Self { shortest, bound: shortest, longest }
    }

    pub(crate) fn wait(&mut self) -> Duration {
        let micros = u64::try_from(self.bound.as_micros()).unwrap_or(u64::MAX);
        self.bound = self.bound.saturating_mul(2).min(self.longest);
        Duration::from_micros(fastrand::u64(0..=micros))
    }

    /// Begins anew, because a try has succeeded.
    pub(crate) fn reset(&mut self) {
        self.bound = self.shortest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_below_a_bound_that_grows_to_the_longest() {
        let waits = |tries: usize| {
            let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
            (0..tries).map(|_| backoff.wait()).last().unwrap_or_default()
        };
        for (tries, most) in [(1, 100), (2, 200), (4, 800), (7, 5_000), (100, 5_000)] {
            let waits: Vec<_> = (0..200).map(|_| waits(tries)).collect();
            let most = Duration::from_millis(most);
            assert!(waits.iter().all(|wait| *wait <= most), "{tries}");
            assert!(waits.iter().any(|wait| *wait > most / 2), "{tries}");
            assert!(waits.iter().any(|wait| *wait < most / 2), "{tries}");
        }
    }
}
