use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::Grant;

/// So many in the long run, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// For each second.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// How often each subject may do something; where it is not known, each address.
#[derive(Debug)]
pub(crate) struct Quotas {
    limiter: Option<DefaultKeyedRateLimiter<Key>>,
    clock: DefaultClock,
    refused: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Subject(Arc<str>),
    Network(IpAddr),
}

impl Quotas {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let quota = |rate: Rate| Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let limiter = rate.map(quota).map(RateLimiter::keyed);
        Self { limiter, clock: DefaultClock::default(), refused: AtomicU64::new(0) }
    }

    /// Takes one, or says when there will be one. Whoever runs the node, and who has no name at all, takes as many as he
    /// likes.
    pub(crate) fn take(&self, grant: &Grant) -> Result<(), Duration> {
        let Some(limiter) = self.limiter.as_ref().filter(|_| !grant.is_trusted()) else { return Ok(()) };
        let subject = grant.subject_arc().cloned().map(Key::Subject);
        let key = subject.or_else(|| grant.asker().address.map(network).map(Key::Network));
        let Some(key) = key else { return Ok(()) };
        limiter.check_key(&key).map_err(|not_until| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            not_until.wait_time_from(self.clock.now())
        })
    }

    /// How often there was none.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Forgets who has all of his quota again.
    pub(crate) fn forget(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }
}

/// What counts as one address: for IPv6 the /64 that a customer has.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}
