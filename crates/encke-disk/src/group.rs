//! What is stored by one commit, and who waits for it.

use std::{collections::HashMap, mem, sync::Arc};

use encke_core::{Appended, ChannelName, Fingerprint, Keep, Kept, Key, Publish, Record, Timestamp, Wakes};
use encke_hub::EngineError;
use foldhash::fast::RandomState;
use tokio::sync::oneshot;

use crate::{index::Seen, store::Batch};

pub(crate) type Reply<T> = oneshot::Sender<Result<T, EngineError>>;

/// What the writer is asked for.
pub(crate) enum Order {
    Publish {
        publish: Publish,
        now: Timestamp,
        reply: Reply<(Appended, Wakes)>,
    },
    Trim {
        channel: ChannelName,
        keep: Keep,
        reply: Reply<Option<usize>>,
    },
    Expire {
        now: Timestamp,
        reply: Reply<bool>,
    },
    /// Nothing is asked for any more.
    Stop,
}

/// Answers. Whoever does not wait any more is not told.
pub(crate) fn tell<T>(reply: oneshot::Sender<T>, answer: T) {
    let _ = reply.send(answer);
}

impl Order {
    pub(crate) fn refuse(self, error: EngineError) {
        match self {
            Self::Publish { reply, .. } => tell(reply, Err(error)),
            Self::Trim { reply, .. } => tell(reply, Err(error)),
            Self::Expire { reply, .. } => tell(reply, Err(error)),
            Self::Stop => {}
        }
    }
}

/// What becomes true by the commit, in the order in which the log is told.
pub(crate) enum Outcome {
    /// A message is stored, and this is kept of its channels.
    Stored {
        record: Record,
        kept: Vec<Kept>,
        key: Option<(Key, Fingerprint)>,
        reply: Reply<(Appended, Wakes)>,
    },
    /// The same publish is stored by this very commit.
    Repeated { seq: u64, reply: Reply<(Appended, Wakes)> },
    /// Channels have let go of messages.
    Settled { channels: Vec<(ChannelName, Kept)>, reply: Settled },
}

/// Who waits for channels to let go.
pub(crate) enum Settled {
    Trim(Reply<Option<usize>>, usize),
    Expire(Reply<bool>, bool),
}

impl Outcome {
    /// Answers before it is known what becomes true.
    pub(crate) fn refuse(&mut self, error: EngineError) {
        fn refuse<T>(reply: &mut Reply<T>, error: EngineError) {
            let nobody = oneshot::channel().0;
            tell(mem::replace(reply, nobody), Err(error));
        }
        match self {
            Self::Stored { reply, .. } | Self::Repeated { reply, .. } => refuse(reply, error),
            Self::Settled { reply: Settled::Trim(reply, _), .. } => refuse(reply, error),
            Self::Settled { reply: Settled::Expire(reply, _), .. } => refuse(reply, error),
        }
    }
}

/// One commit to be.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) batch: Batch,
    pub(crate) outcomes: Vec<Outcome>,
    /// Channels whose rows change.
    pub(crate) touched: Vec<ChannelName>,
    /// Channels that readers do not know yet, and those that are forgotten.
    pub(crate) new: Vec<Arc<Seen>>,
    pub(crate) forgotten: Vec<ChannelName>,
    /// Keys that the log does not know yet.
    pub(crate) keys: HashMap<Key, (Fingerprint, u64), RandomState>,
}

impl Group {
    /// Whether there is anything to store.
    pub(crate) fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.outcomes.is_empty() && self.batch.keys_upto.is_none()
    }
}
