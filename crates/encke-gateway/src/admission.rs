//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::config::Limits;

/// Counts the open connections.
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

    pub(crate) fn admit(&self, address: IpAddr) -> Result<Admitted, Refusal> {
        let network = network(address);
        let mut counts = self.lock();
        if counts.total >= self.total {
            return Err(Refusal::Total);
        }
        let from_address = counts.by_address.entry(network).or_default();
        if *from_address >= self.per_address {
            return Err(Refusal::Address);
        }
        *from_address += 1;
        counts.total += 1;
        Ok(Admitted { admission: self.clone(), network })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        counts.total -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.network);
            }
        }
    }
}

/// What counts as one address: for IPv6 the /64 that a customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
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
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = admission.admit(one).ok().unwrap();
        let _second = admission.admit(one).ok().unwrap();
        assert_eq!(admission.admit(one).err(), Some(Refusal::Address));
        let _third = admission.admit(two).ok().unwrap();
        assert_eq!(admission.admit(two).err(), Some(Refusal::Total));
        drop(first);
        assert!(admission.admit(one).is_ok());
        assert_eq!(admission.len(), 2);
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let admission = admission(10, 1);
        let _held = admission.admit("2001:db8::1".parse().unwrap()).ok().unwrap();
        assert!(admission.admit("2001:db8::ffff:1".parse().unwrap()).is_err());
        assert!(admission.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());
        let _mapped = admission.admit("::ffff:192.0.2.1".parse().unwrap()).ok().unwrap();
        assert!(admission.admit("192.0.2.1".parse().unwrap()).is_err());
    }
}
