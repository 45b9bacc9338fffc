use bytes::Bytes;
use encke_core::{Cursor, Delivery, Gap, Kind};
use encke_http::Payload;
use encke_hub::{Change, Subscription};
use encke_wire::{Envelope, Problem, Reply, eventtube, write_change, write_checkpoint, write_gap};

use crate::{Dialect, Frame, PROTOCOL};

impl Dialect {
    /// The subprotocols by which a client can ask for it. Who asks for another must not think that it is spoken.
    pub(crate) fn protocols(&self) -> &'static [&'static str] {
        match self {
            Self::Native { .. } => &[PROTOCOL],
            Self::EventTube { .. } => &[],
        }
    }

    /// The first frame of a connection, if there is one: it tells the place, or who the client is.
    pub(crate) fn greeting(&self, subscription: &Subscription) -> Result<Option<Frame>, Problem> {
        match self {
            Self::Native { payload: Payload::Envelope, .. } if !subscription.is_empty() => {
                let cursor = subscription.cursor().to_string();
                let cursor = Some(cursor);
                Ok(Some(reply(&Reply::Subscribed { id: None, cursor, streams: None })))
            }
            Self::Native { .. } => Ok(None),
            Self::EventTube { .. } => {
                let client = getrandom::u64().map_err(|_| Problem::internal("there are no random bits"))?;
                Ok(Some(text(eventtube::greeting(&format!("{client:016x}")))))
            }
        }
    }

    /// The frames of a message, which all connections share; nearly always there is only the first.
    pub(crate) fn message(&self, delivery: &Delivery, nth: usize) -> Option<Frame> {
        let payload = match self {
            Self::Native { payload, .. } => *payload,
            Self::EventTube { broadcast, .. } => {
                return eventtube::message(delivery, nth, broadcast).map(Frame::Text);
            }
        };
        let message = delivery.message();
        let frame = || match (payload, message.kind()) {
            (Payload::Envelope, _) => Frame::Text(delivery.encoded::<Envelope>()),
            // The log takes the caller's word that JSON is JSON; a frame of text must be text whoever said so.
            (Payload::Data, Kind::Json | Kind::Text) if message.as_text().is_some() => {
                Frame::Text(message.data().clone())
            }
            (Payload::Data, _) => Frame::Binary(message.data().clone()),
        };
        (nth == 0).then(frame)
    }

    /// A gap as one frame.
    pub(crate) fn gap(&self, gap: &Gap) -> Frame {
        match self {
            Self::Native { .. } => {
                let mut json = Vec::new();
                write_gap(gap, &mut json);
                Frame::Text(Bytes::from(json))
            }
            Self::EventTube { .. } => text(eventtube::gap(gap)),
        }
    }

    /// What somebody else has ordered, where the dialect has a place for it.
    pub(crate) fn change(&self, change: &Change) -> Option<Frame> {
        let Self::Native { payload: Payload::Envelope, .. } = self else { return None };
        let (selector, from) = change.parts();
        let mut json = Vec::new();
        write_change(selector, from, &mut json);
        Some(Frame::Text(Bytes::from(json)))
    }

    /// A place without a message as one frame, where the dialect tells places.
    pub(crate) fn checkpoint(&self, cursor: Cursor) -> Option<Frame> {
        let Self::Native { payload: Payload::Envelope, .. } = self else { return None };
        let mut json = Vec::new();
        write_checkpoint(cursor, &mut json);
        Some(Frame::Text(Bytes::from(json)))
    }

    /// A problem that is not the answer to a command with an id.
    pub(crate) fn problem(&self, problem: Problem) -> Frame {
        match self {
            Self::Native { .. } => reply(&Reply::Error { id: None, problem: Box::new(problem) }),
            Self::EventTube { .. } => text(eventtube::error(&problem.detail)),
        }
    }

    /// How a client comes back: with what it has of a place.
    pub(crate) fn come_back(&self) -> &'static str {
        match self {
            Self::Native { .. } => "come back with the cursor",
            Self::EventTube { .. } => "come back",
        }
    }
}

/// The answer to a command as one frame.
pub(crate) fn reply(reply: &Reply) -> Frame {
    text(reply.to_json())
}

fn text(json: String) -> Frame {
    Frame::Text(Bytes::from(json))
}
