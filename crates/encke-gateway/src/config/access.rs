//! Who may use a route, by address.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::{
    scalar::{Scalar, quoted},
    section::Section,
};

/// Which addresses may use a route.
///
/// The most specific range that contains the peer's address decides, whichever list it is in; if the same range is in
/// both, it is refused. An address that is in no range is refused. So `allow = ["127.0.0.1"], deny = ["all"]` means what
/// it means to nginx, and the order of the entries has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who is let in.
    pub allow: Vec<AddressRange>,
    /// Who is refused.
    pub deny: Vec<AddressRange>,
}

impl Access {
    /// Everybody.
    #[must_use]
    pub fn all() -> Self {
        Self { allow: vec![AddressRange::All], deny: Vec::new() }
    }

    /// Programs on this machine only.
    #[must_use]
    pub fn loopback() -> Self {
        Self { allow: vec![AddressRange::Loopback], deny: Vec::new() }
    }

    /// Whether `peer` is let in. An IPv4 address within IPv6 (`::ffff:127.0.0.1`) counts as the IPv4 address.
    #[must_use]
    pub fn admits(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let closest = |ranges: &[AddressRange]| ranges.iter().filter_map(|range| range.prefix_of(peer)).max();
        // `None` is below every `Some`.
        closest(&self.allow) > closest(&self.deny)
    }

    /// Whether it lets in some address whatever it is.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        self.allow.contains(&AddressRange::All) && !self.deny.contains(&AddressRange::All)
    }

    /// Whether it lets in nobody but programs on this machine.
    #[must_use]
    pub fn is_loopback_only(&self) -> bool {
        self.allow.iter().all(|range| match range {
            AddressRange::All => false,
            AddressRange::Loopback => true,
            AddressRange::Net(net) => net.network().is_loopback() && net.broadcast().is_loopback(),
        })
    }

    /// Reads `allow` and `deny`; without them it is `default`.
    pub(super) fn read(section: &mut Section<'_>, default: Self) -> Self {
        Self { allow: section.list("allow", default.allow), deny: section.list("deny", default.deny) }
    }
}

/// Some addresses: `"all"`, `"loopback"`, an address, or a network such as `"10.0.0.0/8"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRange {
    /// Every address.
    All,
    /// `127.0.0.0/8` and `::1`.
    Loopback,
    /// A network; one address is a network of one.
    Net(IpNet),
}

impl AddressRange {
    /// The length of the prefix by which `ip` is in the range, in bits.
    fn prefix_of(self, ip: IpAddr) -> Option<u8> {
        match self {
            Self::All => Some(0),
            Self::Loopback if ip == IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(128),
            Self::Loopback => ip.is_loopback().then_some(8),
            Self::Net(net) => net.contains(&ip).then(|| net.prefix_len()),
        }
    }
}

impl Scalar for AddressRange {
    fn right() -> String {
        "an address, a network such as \"10.0.0.0/8\", \"loopback\" or \"all\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        match text {
            "all" => return Ok(Self::All),
            "loopback" => return Ok(Self::Loopback),
            _ => {}
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Net(address.to_canonical().into()));
        }
        let net: IpNet = text.parse().map_err(|_| None)?;
        if net.trunc() == net {
            return Ok(Self::Net(net));
        }
        Err(Some(format!(
            "the address has bits beyond the prefix; the network is {}",
            quoted(&net.trunc().to_string())
        )))
    }

    fn show(&self) -> String {
        match self {
            Self::All => quoted("all"),
            Self::Loopback => quoted("loopback"),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => quoted(&net.addr().to_string()),
            Self::Net(net) => quoted(&net.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        let access = |allow: &[&str], deny: &[&str]| {
            let ranges = |list: &[&str]| list.iter().map(|text| AddressRange::parse(text).unwrap()).collect();
            Access { allow: ranges(allow), deny: ranges(deny) }
        };
        let cases = [
            (access(&["all"], &[]), "192.0.2.1", true),
            (access(&[], &[]), "127.0.0.1", false),
            (access(&["127.0.0.1"], &["all"]), "127.0.0.1", true),
            (access(&["127.0.0.1"], &["all"]), "127.0.0.2", false),
            (access(&["127.0.0.1"], &["all"]), "::ffff:127.0.0.1", true),
            (access(&["::ffff:10.0.0.1"], &[]), "10.0.0.1", true),
            (access(&["loopback"], &[]), "127.9.9.9", true),
            (access(&["loopback"], &[]), "::1", true),
            (access(&["loopback"], &[]), "::2", false),
            (access(&["loopback"], &["127.0.0.1"]), "127.0.0.1", false),
            (access(&["all"], &["10.0.0.0/8"]), "10.1.2.3", false),
            (access(&["all", "10.1.0.0/16"], &["10.0.0.0/8"]), "10.1.2.3", true),
            (access(&["all"], &["all"]), "192.0.2.1", false),
            (access(&["all"], &["2001:db8::/32"]), "2001:db8::1", false),
            (access(&["10.0.0.0/8"], &[]), "::a00:1", false),
        ];
        for (access, peer, expected) in cases {
            assert_eq!(access.admits(peer.parse().unwrap()), expected, "{peer} {access:?}");
        }
    }
}
