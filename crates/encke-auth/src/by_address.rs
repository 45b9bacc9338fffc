use std::{fmt, net::IpAddr};

use encke_hub::{Access, Answer, Ask, Authorizer, Denied};
use ipnet::IpNet;

/// Decides by the address that somebody comes from: the first network that it is in says what he may.
///
/// An address proves only as much as whoever stands before the listener lets through.
///
/// ```
/// use encke_auth::ByAddress;
/// use encke_hub::Access;
///
/// let inside = ByAddress::new().with("10.1.0.0/16", Access::everything())?.with("10.0.0.0/8", Access::open())?;
/// # Ok::<(), encke_auth::NetworkError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ByAddress {
    networks: Vec<(IpNet, Access)>,
}

impl ByAddress {
    /// No networks: whoever asks is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and one more: `10.0.0.0/8`, `fd00::/8`, or a single address.
    ///
    /// # Errors
    /// [`NetworkError`] if it is none of these.
    pub fn with(mut self, network: &str, access: Access) -> Result<Self, NetworkError> {
        let single = || network.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network = network.parse().or_else(|_| single()).map_err(|_| NetworkError)?;
        self.networks.push((network, access));
        Ok(self)
    }
}

impl Authorizer for ByAddress {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        // An IPv4 address that came in IPv6's clothes is in its own network.
        let address = ask.asker.address.map(|address| address.to_canonical());
        let is_in = |network: &IpNet| address.is_some_and(|address| network.contains(&address));
        let found = self.networks.iter().find(|(network, _)| is_in(network));
        Answer::now(found.map(|(_, access)| access.clone()).ok_or(Denied::Unauthenticated))
    }
}

/// The text is neither a network nor an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkError;

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network is an address, and the number of its bits: 10.0.0.0/8")
    }
}

impl std::error::Error for NetworkError {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use encke_hub::{Action, Asker};

    use super::*;

    #[tokio::test]
    async fn the_first_network_decides() {
        let networks = [("127.0.0.1", Access::everything()), ("10.0.0.0/8", Access::open())];
        let networks = networks
            .into_iter()
            .try_fold(ByAddress::new(), |known, (network, access)| known.with(network, access));
        let networks =
            networks.unwrap().with("::1", Access::only([])).unwrap().with("0.0.0.0/0", Access::only([]));
        let networks = networks.unwrap();
        let cases = [
            ("127.0.0.1", Ok((true, true))),
            ("::ffff:127.0.0.1", Ok((true, true))),
            ("10.255.0.1", Ok((false, true))),
            ("192.0.2.1", Ok((false, false))),
            ("::1", Ok((false, false))),
            ("2001:db8::1", Err(Denied::Unauthenticated)),
        ];
        let news = encke_core::Selector::new("news").unwrap();
        for (address, expected) in cases {
            let mut asker = Asker::default();
            asker.address = Some(address.parse().unwrap());
            let ask = Ask::from_asker(Arc::new(asker), Action::Publish, vec![news.clone()]);
            let access = networks.authorize(&ask).await;
            let access = access.map(|access| (access.is_trusted(), access.allows(Action::Publish, &news)));
            assert_eq!(access, expected, "{address}");
        }
        let nobody = networks.authorize(&Ask::new(Action::Publish, vec![])).await;
        assert_eq!(nobody.map(drop), Err(Denied::Unauthenticated), "no address");
        for text in ["", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0/-1"] {
            assert_eq!(ByAddress::new().with(text, Access::open()).map(drop), Err(NetworkError), "{text}");
        }
    }
}
