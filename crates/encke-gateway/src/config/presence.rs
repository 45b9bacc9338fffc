//! `[presence]`: where it is kept who is there.

use std::time::Duration;

use encke_core::Pattern;

use super::{
    limits::{COUNTS, TIMES},
    section::Section,
};

/// Where members are kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// On the channels of these patterns, and always on personal ones.
    pub channels: Vec<Pattern>,
    /// How long a member stays whose connection has ended.
    pub linger: Duration,
    /// How long a member stays who polls, from one poll to the next.
    pub lease: Duration,
    /// Members of all channels together.
    pub members: usize,
    /// Whether members see each other's addresses.
    pub addresses: bool,
}

impl Presence {
    pub(super) fn read(s: &mut Section<'_>) -> Self {
        Self {
            channels: s.list("channels", Vec::new()),
            linger: s.get_in("linger", Duration::from_secs(5), TIMES),
            lease: s.get_in("lease", Duration::from_secs(60), TIMES),
            members: s.get_in("members", 100_000, COUNTS),
            addresses: s.get("addresses", false),
        }
    }
}
