//! Why a client did or did not get a message.

use encke_core::{ChannelName, Cursor, Gap, Selector};
use encke_hub::{Action, Refusal, SubscriptionInfo};
use encke_wire::time_text;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clients::GapShown;

/// Which message, and what the log knows of it.
pub(crate) struct Question {
    pub(crate) place: Cursor,
    pub(crate) head: Cursor,
    /// The channels that retain it.
    pub(crate) channels: Vec<ChannelName>,
    /// How many messages wait for the client.
    pub(crate) waiting: usize,
}

/// What became of a message for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It was handed to the transport of the client.
    Delivered,
    /// It is in no channel that the client follows.
    NotFollowed,
    /// The client was told that it may be missing.
    Gap,
    /// It waits: the client has not read that far.
    NotReadYet,
    /// The client follows its channel from a later place on.
    BeforeItsStart,
    /// The client asked for its channel, and was refused.
    NotAuthorised,
    /// There is no message of this number.
    NoSuchMessage,
    /// The log has let it go, and with it in which channels it was.
    Trimmed,
}

/// Why a client did or did not get a message.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Explanation {
    pub(crate) outcome: Outcome,
    /// The same in words.
    pub(crate) why: String,
    /// The place of the message.
    message: String,
    /// The channels that it is in and that retain it.
    channels: Vec<String>,
    /// What the client follows.
    follows: Vec<String>,
    /// The place of the client.
    cursor: String,
    /// How many messages wait for it.
    lag: usize,
    /// The gap of which it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gap: Option<GapShown>,
}

pub(crate) fn explain(client: &SubscriptionInfo, question: Question, refusals: &[Refusal]) -> Explanation {
    let Question { place, head, channels, waiting } = question;
    let gap = client.gaps.iter().rev().find(|gap| covers(gap, place, &channels));
    let of = |selector: &Selector| channels.iter().any(|channel| selector.matches(channel));
    let begins = || client.selectors.iter().zip(&client.begins);
    let followed = begins().filter(|(selector, _)| of(selector)).map(|(_, begin)| *begin).min();
    let seq = place.seq;

    let (outcome, why) = if place.epoch != head.epoch {
        (
            Outcome::NoSuchMessage,
            format!("{place} is in another life of the log, which is now {}", head.epoch),
        )
    } else if seq == 0 || seq > head.seq {
        (Outcome::NoSuchMessage, format!("the last message of the log is {}", head.seq))
    } else if let Some(gap) = gap {
        let (channel, reason) = (gap.channel.as_str(), gap.reason);
        let told = format!("everything of {channel} after {} up to {} may be missing", gap.from, gap.to);
        (Outcome::Gap, format!("the client was told that {told}: {reason}"))
    } else if channels.is_empty() {
        trimmed(client, seq)
    } else if let Some(begin) = followed {
        if seq <= begin {
            let why = format!(
                "the client follows its channel from what comes after {begin}; this is message {seq}"
            );
            (Outcome::BeforeItsStart, why)
        } else if seq > client.cursor.seq {
            let why = format!(
                "it waits: the client has read up to {}, and {waiting} messages wait for it. It does not read, or too slowly",
                client.cursor.seq
            );
            (Outcome::NotReadYet, why)
        } else {
            let why = format!(
                "it was handed to the client by {}, which has read up to {}",
                client.label, client.cursor.seq
            );
            (Outcome::Delivered, why)
        }
    } else if let Some(refusal) = refusals.iter().find(|refusal| concerns(refusal, client, &channels)) {
        let on = refusal.on.as_ref().map_or("all", Selector::as_str);
        let why = format!("the client was refused {on} at {}: {}", time_text(refusal.at), refusal.why);
        (Outcome::NotAuthorised, why)
    } else {
        let why = format!("it is in {}; the client follows {}", all(&channels), all(&client.selectors));
        (Outcome::NotFollowed, why)
    };
    Explanation {
        outcome,
        why,
        message: place.to_string(),
        channels: channels.iter().map(|channel| channel.as_str().to_owned()).collect(),
        follows: client.selectors.iter().map(|selector| selector.as_str().to_owned()).collect(),
        cursor: client.cursor.to_string(),
        lag: waiting,
        gap: gap.filter(|_| outcome == Outcome::Gap).map(GapShown::from),
    }
}

/// What can be said of a message that nobody retains any more.
fn trimmed(client: &SubscriptionInfo, seq: u64) -> (Outcome, String) {
    let gone = "the log has let it go, and with it in which channels it was";
    match client.begins.iter().min() {
        Some(begin) if seq <= *begin => {
            let why = format!("the client follows what comes after {begin}; this was message {seq}");
            (Outcome::BeforeItsStart, why)
        }
        _ if seq > client.cursor.seq => {
            let why =
                format!("{gone}. If the client follows one of them, it is told of a gap when it reads on");
            (Outcome::Trimmed, why)
        }
        _ => {
            let why =
                format!("{gone}. If the client followed one of them, it got it: it was told of no gap there");
            (Outcome::Trimmed, why)
        }
    }
}

/// Whether the gap is about this place, and about one of the channels if they are known.
fn covers(gap: &Gap, place: Cursor, channels: &[ChannelName]) -> bool {
    // A place in another life of the log is before everything in this one.
    let after = gap.from.epoch != place.epoch || gap.from.seq < place.seq;
    let within = after && gap.to.epoch == place.epoch && place.seq <= gap.to.seq;
    within && (channels.is_empty() || channels.iter().any(|channel| gap.channel.matches(channel)))
}

/// Whether somebody who is this client, as far as one can tell, was refused one of the channels.
fn concerns(refusal: &Refusal, client: &SubscriptionInfo, channels: &[ChannelName]) -> bool {
    let who = &refusal.who;
    let same = if client.subject.is_some() && who.subject.is_some() {
        who.subject == client.subject
    } else if client.client.is_some() && who.client.is_some() {
        who.client == client.client
    } else {
        client.address.is_some() && who.address == client.address
    };
    let on = refusal.on.as_ref();
    let about = on.is_some_and(|on| channels.iter().any(|channel| on.matches(channel)));
    same && about && refusal.action == Action::Subscribe
}

fn all<T: std::fmt::Display>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
