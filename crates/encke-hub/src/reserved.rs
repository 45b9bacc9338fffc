//! Channels that are not for everybody: `@subject` is a subject's own, and what begins with `$` is the system's.

use encke_core::{ChannelName, Selector};

const PRESENCE: &str = "$presence.";

/// What a name or pattern is, if it is reserved.
pub(crate) enum Reserved<'a> {
    /// The own channel of this subject.
    Own(&'a str),
    /// The channel that tells who comes to this one and goes.
    Presence(ChannelName),
    /// Another channel of the system, or a pattern over reserved ones.
    System,
}

pub(crate) fn kind(selector: &Selector) -> Option<Reserved<'_>> {
    let text = selector.as_str();
    let Selector::Channel(_) = selector else {
        return text.starts_with(['@', '$']).then_some(Reserved::System);
    };
    if let Some(owner) = text.strip_prefix('@') {
        Some(Reserved::Own(owner))
    } else if let Some(of) = text.strip_prefix(PRESENCE) {
        Some(ChannelName::new(of).map_or(Reserved::System, Reserved::Presence))
    } else {
        text.starts_with('$').then_some(Reserved::System)
    }
}

/// The channel that tells who comes to `channel` and goes; none if its name would be too long.
#[must_use]
pub fn presence_channel(channel: &ChannelName) -> Option<ChannelName> {
    ChannelName::new(&format!("{PRESENCE}{channel}")).ok()
}

/// The own channel of a subject; none if he cannot name one.
pub(crate) fn own_channel(subject: &str) -> Option<ChannelName> {
    ChannelName::new(&format!("@{subject}")).ok()
}
