//! Who asks, when a proxy stands between.

use std::net::IpAddr;

use encke_http::Scheme;
use encke_wire::Problem;
use http::HeaderMap;
use ipnet::IpNet;

use crate::{
    config::{Access, AddressRange},
    forwarded::{Garbage, Hop, client, forwarded, is_forwarded, x_forwarded_for, x_forwarded_proto},
};

/// Which peers are proxies, and how they say for whom they ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    /// The proxies' addresses. Nobody else is believed.
    pub trusted: Vec<IpNet>,
    /// How all of them say it. Only what they always set themselves may be believed: other headers may be their clients'.
    pub protocol: ProxyProtocol,
}

/// How a proxy says for whom it asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// `X-Forwarded-For`, to which it appends, and `X-Forwarded-Proto`, which it sets.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239), to which it appends.
    Forwarded,
    /// The PROXY protocol, version 1 or 2, before everything else on each connection.
    ProxyProtocol,
}

/// Whom a connection is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The peer, who is not listed.
    Peer(IpAddr),
    /// A listed proxy, each of whose requests says for whom it is.
    Requests,
    /// Whom a listed proxy has named, if it has.
    Named(Option<IpAddr>),
}

/// Whom a request is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: Address,
    /// By which scheme he asks, where that is known.
    pub(crate) scheme: Option<Scheme>,
}

/// An address, and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// The client's.
    Known(IpAddr),
    /// That of a proxy which is not listed: it is good enough to refuse, and not to allow.
    Between(IpAddr),
    /// A listed proxy did not say it.
    Unknown,
}

impl ProxyConfig {
    /// Whether `address` is a listed proxy.
    pub(crate) fn lists(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// Whom the requests of `source` are from, by what they say. `scheme` is that of the connection, where it is known.
    ///
    /// # Errors
    /// [`Problem`] (400), if a listed proxy says what cannot be.
    pub(crate) fn client(
        &self,
        source: Source,
        scheme: Option<Scheme>,
        headers: &HeaderMap,
    ) -> Result<Client, Problem> {
        let address = match source {
            Source::Requests => return self.named(scheme, headers).map_err(|Garbage| garbage()),
            Source::Peer(peer) if is_forwarded(headers) => Address::Between(peer),
            Source::Peer(peer) | Source::Named(Some(peer)) => Address::Known(peer),
            Source::Named(None) => Address::Unknown,
        };
        Ok(Client { address, scheme })
    }

    fn named(&self, scheme: Option<Scheme>, headers: &HeaderMap) -> Result<Client, Garbage> {
        let is_listed = |address| self.lists(address);
        let hop = match self.protocol {
            ProxyProtocol::Forwarded => client(forwarded(headers), is_listed)?,
            _ => {
                let proto = x_forwarded_proto(headers)?;
                client(x_forwarded_for(headers), is_listed)?.map(|hop| Hop { scheme: proto, ..hop })
            }
        };
        let Hop { address, scheme: told } = hop.unwrap_or_default();
        let address = address.map_or(Address::Unknown, Address::Known);
        // Who speaks TLS to a proxy may find us without it, or the other way round: the browser's side counts.
        Ok(Client { address, scheme: told.or(scheme) })
    }
}

fn garbage() -> Problem {
    Problem::bad_request("the proxy before this gateway does not say in the right form for whom it asks")
}

impl Address {
    /// The client's address, if there is no doubt.
    pub(crate) fn known(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => Some(address),
            Self::Between(_) | Self::Unknown => None,
        }
    }

    /// Whose places are taken.
    pub(crate) fn counted(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) | Self::Between(address) => Some(address),
            Self::Unknown => None,
        }
    }

    /// Whether `access` lets it in. What is not certain is let in only where everybody is.
    pub(crate) fn is_admitted(self, access: &Access) -> bool {
        let everybody = access.allow.contains(&AddressRange::All);
        match self {
            Self::Known(address) => access.admits(address),
            Self::Between(address) => {
                everybody
                    && Access { allow: vec![AddressRange::All], deny: access.deny.clone() }.admits(address)
            }
            Self::Unknown => everybody && access.deny.is_empty(),
        }
    }

    /// Why it is not let in, and what would help.
    pub(crate) fn refusal(self) -> Problem {
        Problem::forbidden(match self {
            Self::Known(_) => "this route is not open to your address",
            Self::Between(_) => {
                "this route is not open to everybody, and a proxy has passed the request on: list the proxy's address \
                 as trusted in the gateway's configuration"
            }
            Self::Unknown => {
                "this route is not open to everybody, and the proxy does not say for whom it asks: it must send what \
                 the gateway's configuration expects of it"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn config(protocol: ProxyProtocol) -> ProxyConfig {
        ProxyConfig { trusted: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], protocol }
    }

    #[test]
    fn only_listed_peers_are_proxies() {
        let config = config(ProxyProtocol::XForwardedFor);
        for (peer, listed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::1", true),
            ("127.0.0.1", false),
            ("11.0.0.1", false),
            ("::a01:203", false),
        ] {
            assert_eq!(config.lists(peer.parse().unwrap()), listed, "{peer}");
        }
        assert!(!ProxyConfig::default().lists("127.0.0.1".parse().unwrap()), "nobody by default");
    }

    #[test]
    fn s1_what_is_not_certain_passes_only_where_everybody_does() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let net = |text: &str| AddressRange::Net(text.parse().unwrap());
        let rules = [
            Access::all(),
            Access::loopback(),
            Access { allow: vec![AddressRange::All], deny: vec![net("192.0.2.0/24")] },
            Access { allow: vec![AddressRange::All], deny: vec![net("127.0.0.0/8")] },
            Access { allow: vec![AddressRange::All, net("127.0.0.0/8")], deny: vec![net("127.0.0.0/8")] },
            Access { allow: vec![AddressRange::All, AddressRange::Loopback], deny: vec![AddressRange::All] },
        ];
        for (address, expected) in [
            (Address::Known(local), [true, true, true, false, false, true]),
            (Address::Between(local), [true, false, true, false, false, false]),
            (Address::Unknown, [true, false, false, false, false, false]),
        ] {
            for (access, expected) in rules.iter().zip(expected) {
                assert_eq!(address.is_admitted(access), expected, "{address:?} {access:?}");
            }
        }
    }

    #[test]
    fn each_protocol_has_its_header_and_believes_no_other() {
        let both = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=192.0.2.2;proto=http"),
            ("x-real-ip", "192.0.2.3"),
        ];
        let known = |last| Address::Known(IpAddr::from([192, 0, 2, last]));
        let ask = |protocol, source, lines: &[_]| config(protocol).client(source, None, &headers(lines));
        let requests = Source::Requests;
        let peer = IpAddr::from([127, 0, 0, 1]);
        for (protocol, source, lines, address, scheme) in [
            (ProxyProtocol::XForwardedFor, requests, &both[..], known(1), Some(Scheme::Https)),
            (ProxyProtocol::Forwarded, requests, &both, known(2), Some(Scheme::Http)),
            (ProxyProtocol::XForwardedFor, requests, &both[2..], Address::Unknown, None),
            (ProxyProtocol::Forwarded, requests, &both[..2], Address::Unknown, None),
            (ProxyProtocol::ProxyProtocol, Source::Named(None), &both, Address::Unknown, None),
            (ProxyProtocol::ProxyProtocol, Source::Named(Some(peer)), &both, Address::Known(peer), None),
            (ProxyProtocol::XForwardedFor, Source::Peer(peer), &[], Address::Known(peer), None),
            (ProxyProtocol::XForwardedFor, Source::Peer(peer), &both[3..], Address::Between(peer), None),
        ] {
            let client = ask(protocol, source, lines).unwrap();
            assert_eq!(client, Client { address, scheme }, "{protocol:?} {source:?} {lines:?}");
        }
        for lines in [&[("x-forwarded-for", "here")][..], &[("x-forwarded-proto", "x"), both[0]]] {
            assert_eq!(ask(ProxyProtocol::XForwardedFor, requests, lines).unwrap_err().status, 400);
        }
    }
}
