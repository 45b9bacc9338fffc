use std::time::Duration;

/// Waits between tries: each at random, up to a bound that doubles every time ("full jitter").
#[derive(Debug)]
pub(crate) struct Backoff {
    bound: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        Self { bound: shortest.min(longest), longest }
    }

    pub(crate) fn wait(&mut self) -> Duration {
        let micros = u64::try_from(self.bound.as_micros()).unwrap_or(u64::MAX);
        self.bound = self.bound.saturating_mul(2).min(self.longest);
        Duration::from_micros(fastrand::u64(0..=micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_no_further() {
        let bounds = |tries: usize| {
            let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
            (0..tries).map(|_| backoff.wait()).last().unwrap_or_default()
        };
        for (tries, most) in [(1, 500), (2, 1_000), (4, 4_000), (8, 60_000), (100, 60_000)] {
            let waits: Vec<_> = (0..200).map(|_| bounds(tries)).collect();
            let most = Duration::from_millis(most);
            assert!(waits.iter().all(|wait| *wait <= most), "{tries}");
            assert!(waits.iter().any(|wait| *wait > most / 2), "{tries}");
            assert!(waits.iter().any(|wait| *wait < most / 2), "{tries}");
        }
    }
}
