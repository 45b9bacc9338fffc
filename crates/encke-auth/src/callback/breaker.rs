use std::time::Duration;

use encke_core::Timestamp;

use super::CallbackConfig;

/// Keeps from asking who is not there: after some failures one after another nobody is asked for a while, then one is.
#[derive(Debug)]
pub(super) struct Breaker {
    limit: u32,
    first: Duration,
    longest: Duration,
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        since: Timestamp,
        until: Timestamp,
        pause: Duration,
    },
    /// One question is on its way, after a pause of this length.
    Probing {
        pause: Duration,
    },
}

/// A question that may be asked. It is [`Breaker::settle`]d when the answer is there, or will not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    probes: bool,
}

impl Breaker {
    pub(super) fn new(config: &CallbackConfig) -> Self {
        Self {
            limit: config.failures.max(1),
            first: config.pause,
            longest: config.longest_pause,
            failures: 0,
            state: State::Closed,
        }
    }

    /// Whether a question may be asked now.
    pub(super) fn pass(&mut self, now: Timestamp) -> Option<Pass> {
        match self.state {
            State::Closed => Some(Pass { probes: false }),
            // A clock that was set back does not prolong it.
            State::Open { since, until, .. } if since <= now && now < until => None,
            State::Open { pause, .. } => {
                self.state = State::Probing { pause };
                Some(Pass { probes: true })
            }
            State::Probing { .. } => None,
        }
    }

    /// Says how it went. `jitter`, from 0 to 1, spreads those that would ask again at the same time. True if nobody is
    /// asked from now on.
    pub(super) fn settle(&mut self, pass: Pass, there: bool, now: Timestamp, jitter: f64) -> bool {
        if there {
            (self.failures, self.state) = (0, State::Closed);
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = match self.state {
            State::Closed if self.failures >= self.limit => self.first.min(self.longest),
            State::Probing { pause } if pass.probes => pause.saturating_mul(2).min(self.longest),
            // Asked before the pause began: it is known already.
            _ => return false,
        };
        let until = now.after(pause.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0));
        self.state = State::Open { since: now, until, pause };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(&CallbackConfig::new("http://127.0.0.1/".parse().unwrap()))
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A breaker that has just opened, at 0.
    fn open() -> Breaker {
        let mut breaker = breaker();
        for count in 1..=5 {
            let pass = breaker.pass(at(0)).unwrap();
            assert_eq!(breaker.settle(pass, false, at(0), 1.0), count == 5);
        }
        breaker
    }

    #[test]
    fn failures_one_after_another_open_it() {
        let mut breaker = breaker();
        for there in [false, false, false, false, true, false, false, false, false] {
            let pass = breaker.pass(at(0)).unwrap();
            breaker.settle(pass, there, at(0), 1.0);
        }
        assert!(breaker.pass(at(0)).is_some());
        assert_eq!(open().pass(at(999)), None);
    }

    #[test]
    fn one_probes_and_pauses_double_up_to_the_longest() {
        let mut breaker = open();
        let (mut now, mut pauses) = (1000, Vec::new());
        for _ in 0..7 {
            let probe = breaker.pass(at(now)).unwrap();
            assert_eq!(breaker.pass(at(now)), None, "one at a time");
            breaker.settle(probe, false, at(now), 1.0);
            let pause = (0..=60).find(|s| breaker.pass(at(now + s * 1000)).is_some()).unwrap();
            breaker.state = State::Open { since: at(0), until: at(0), pause: Duration::from_secs(pause) };
            now += pause * 1000;
            pauses.push(pause);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30]);
        let probe = breaker.pass(at(now)).unwrap();
        breaker.settle(probe, true, at(now), 1.0);
        assert_eq!(breaker.state, State::Closed);
    }

    #[test]
    fn a_pause_is_spread_over_its_second_half() {
        for (jitter, millis) in [(0.0, 500), (0.5, 750), (1.0, 1000)] {
            let mut breaker = breaker();
            for _ in 0..5 {
                let pass = breaker.pass(at(0)).unwrap();
                breaker.settle(pass, false, at(0), jitter);
            }
            assert_eq!(breaker.pass(at(millis - 1)), None);
            assert!(breaker.pass(at(millis)).is_some());
        }
    }

    #[test]
    fn what_was_asked_before_does_not_prolong_the_pause() {
        let mut breaker = breaker();
        let passes: Vec<_> = (0..20).map(|_| breaker.pass(at(0)).unwrap()).collect();
        let opened: Vec<_> = passes.into_iter().map(|pass| breaker.settle(pass, false, at(0), 1.0)).collect();
        assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
        assert!(breaker.pass(at(1000)).is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_prolong_the_pause() {
        let mut breaker = breaker();
        for _ in 0..5 {
            let pass = breaker.pass(at(10_000)).unwrap();
            breaker.settle(pass, false, at(10_000), 1.0);
        }
        assert!(breaker.pass(at(9_999)).is_some());
    }
}
