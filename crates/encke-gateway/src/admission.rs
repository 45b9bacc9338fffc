//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use encke_hub::network;

use crate::config::Limits;

/// Counts the open connections.
///
/// An address has as many places as it may have connections. A connection takes one, unless its peer is a listed proxy;
/// a held request takes one where many share a connection: through a listed proxy, and over HTTP/2.
#[derive(Clone)]
pub(crate) struct Admission {
    counts: Arc<Mutex<Counts>>,
    total: usize,
    per_address: usize,
}

#[derive(Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There are as many connections as there may be.
    Total,
    /// There are as many from this address as there may be.
    Address,
}

/// A connection that counts until it is dropped.
pub(crate) struct Admitted {
    admission: Admission,
}

/// One place of an address, until it is dropped.
pub(crate) struct Counted {
    admission: Admission,
    network: IpAddr,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let per_address = limits.connections_per_address.map_or(usize::MAX, std::num::NonZeroUsize::get);
        Self { counts: Arc::default(), total: limits.connections, per_address }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().total
    }

    /// One more connection, from wherever.
    pub(crate) fn admit(&self) -> Result<Admitted, Refusal> {
        let mut counts = self.lock();
        if counts.total >= self.total {
            return Err(Refusal::Total);
        }
        counts.total += 1;
        Ok(Admitted { admission: self.clone() })
    }

    /// One more place for `address`.
    pub(crate) fn count(&self, address: IpAddr) -> Result<Counted, Refusal> {
        let network = network(address);
        let mut counts = self.lock();
        let count = counts.by_address.entry(network).or_default();
        if *count >= self.per_address {
            return Err(Refusal::Address);
        }
        *count += 1;
        Ok(Counted { admission: self.clone(), network })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().total -= 1;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        if let Some(count) = counts.by_address.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(total: usize, per_address: usize) -> Admission {
        Admission { counts: Arc::default(), total, per_address }
    }

    #[test]
    fn each_limit_has_its_refusal_and_frees_again() {
        let admission = admission(3, 2);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let first = admission.count(one).ok().unwrap();
        let _second = admission.count(one).ok().unwrap();
        assert_eq!(admission.count(one).err(), Some(Refusal::Address));
        assert!(admission.count("192.0.2.2".parse().unwrap()).is_ok());
        drop(first);
        assert!(admission.count(one).is_ok());
        let mut admitted: Vec<_> = (0..3).map(|_| admission.admit().ok().unwrap()).collect();
        assert_eq!(admission.admit().err(), Some(Refusal::Total));
        admitted.pop();
        assert_eq!(admission.len(), 2);
        assert!(admission.admit().is_ok());
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let admission = admission(10, 1);
        let _held = admission.count("2001:db8::1".parse().unwrap()).ok().unwrap();
        assert!(admission.count("2001:db8::ffff:1".parse().unwrap()).is_err());
        assert!(admission.count("2001:db8:0:1::1".parse().unwrap()).is_ok());
        let _mapped = admission.count("::ffff:192.0.2.1".parse().unwrap()).ok().unwrap();
        assert!(admission.count("192.0.2.1".parse().unwrap()).is_err());
    }
}
