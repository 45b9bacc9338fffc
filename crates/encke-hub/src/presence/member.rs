use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use bytes::Bytes;
use encke_core::Timestamp;

use crate::{Grant, SubscriptionId};

/// As whom somebody is counted. As text: `subject:42`, `client:tab-1`, `subscription:7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MemberKey {
    /// A verified subject.
    Subject(Arc<str>),
    /// A client without a subject, by the name that it calls itself.
    Client(Arc<str>),
    /// A subscription that is held by somebody without a name.
    Subscription(SubscriptionId),
}

impl MemberKey {
    /// Of whoever holds `grant`, if he has a name.
    pub(crate) fn of(grant: &Grant) -> Option<Self> {
        let subject = grant.subject_arc().cloned().map(Self::Subject);
        subject.or_else(|| grant.asker().client.clone().map(Self::Client))
    }

    /// The verified subject.
    #[must_use]
    pub fn subject(&self) -> Option<&Arc<str>> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::Client(_) | Self::Subscription(_) => None,
        }
    }

    /// Bytes of the name.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Subject(name) | Self::Client(name) => name.len(),
            Self::Subscription(_) => 0,
        }
    }
}

impl fmt::Display for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(subject) => write!(f, "subject:{subject}"),
            Self::Client(client) => write!(f, "client:{client}"),
            Self::Subscription(id) => write!(f, "subscription:{id}"),
        }
    }
}

impl FromStr for MemberKey {
    type Err = MemberKeyError;

    fn from_str(text: &str) -> Result<Self, MemberKeyError> {
        match text.split_once(':') {
            Some(("subject", subject)) => Ok(Self::Subject(subject.into())),
            Some(("client", client)) => Ok(Self::Client(client.into())),
            Some(("subscription", id)) => {
                id.parse().map(|id| Self::Subscription(SubscriptionId(id))).map_err(|_| MemberKeyError)
            }
            _ => Err(MemberKeyError),
        }
    }
}

/// The text is no member's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberKeyError;

impl fmt::Display for MemberKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's key begins with subject:, client: or subscription:")
    }
}

impl std::error::Error for MemberKeyError {}

/// One who is on a channel, with however many connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// As whom he is counted.
    pub key: MemberKey,
    /// What his clients call themselves, which proves nothing.
    pub clients: Vec<Arc<str>>,
    /// What the application tells of him: one JSON value.
    pub info: Option<Bytes>,
    /// Since when he is there.
    pub since: Timestamp,
    /// His connections by transport. One that is away and may come back counts as one.
    pub transports: Vec<(&'static str, usize)>,
    /// From where, if members may see that.
    pub addresses: Vec<IpAddr>,
}

impl Member {
    /// His connections in all.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.transports.iter().map(|(_, count)| count).sum()
    }
}

/// Some of a channel's members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Members {
    /// How many there are in all.
    pub count: usize,
    /// These, by key.
    pub members: Vec<Member>,
    /// What to ask after for the next page, if there is one.
    pub next: Option<MemberKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_was_written() {
        let keys = [
            MemberKey::Subject("a:b".into()),
            MemberKey::Client("".into()),
            MemberKey::Subscription(SubscriptionId(u64::MAX)),
        ];
        for key in keys {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for text in [
            "",
            "subject",
            "subscription:",
            "subscription:-1",
            "Subject:a",
            "subscription:99999999999999999999",
        ] {
            assert_eq!(text.parse::<MemberKey>(), Err(MemberKeyError), "{text}");
        }
    }
}
