use std::{
    any::TypeId,
    collections::VecDeque,
    fmt,
    num::NonZeroU64,
    sync::{Arc, Weak, atomic::Ordering},
};

use bytes::Bytes;

use crate::{
    ChannelName, Cursor, Epoch, LogConfig, Message, Place, Retention, Timestamp,
    sync::{AtomicU64, Mutex, lock},
};

/// What all entries of one log share: its epoch, its head, and the budget for encoded frames.
pub(crate) struct Home {
    pub(crate) epoch: Epoch,
    /// The last seq that readers may see.
    pub(crate) head: AtomicU64,
    frame_window: u64,
    frame_bytes: usize,
    frames: Mutex<FrameQueue>,
}

/// The entries that hold encoded frames, in the order of encoding.
#[derive(Default)]
struct FrameQueue {
    entries: VecDeque<(Weak<Entry>, usize)>,
    bytes: usize,
}

impl Home {
    pub(crate) fn new(epoch: Epoch, frame_window: u64, frame_bytes: usize) -> Self {
        let frames = Mutex::new(FrameQueue::default());
        Self { epoch, head: AtomicU64::new(0), frame_window, frame_bytes, frames }
    }

    pub(crate) fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.epoch, seq }
    }

    fn is_hot(&self, seq: u64) -> bool {
        seq.saturating_add(self.frame_window) > self.head.load(Ordering::Relaxed)
    }

    /// Counts the frame that `entry` got, and takes frames from the oldest entries until all fit.
    ///
    /// The overhead counts too: what stands in the queue keeps a shell of its entry in memory.
    fn count_frame(&self, entry: &Arc<Entry>, frame: usize) {
        let bytes = frame + Retention::OVERHEAD;
        let mut evicted = Vec::new();
        {
            let mut queue = lock(&self.frames);
            queue.bytes += bytes;
            queue.entries.push_back((Arc::downgrade(entry), bytes));
            while queue.bytes > self.frame_bytes {
                let Some((oldest, bytes)) = queue.entries.pop_front() else { break };
                queue.bytes -= bytes;
                evicted.push(oldest);
            }
        }
        for entry in evicted.iter().filter_map(Weak::upgrade) {
            lock(&entry.frames).clear();
        }
    }
}

/// A message with a place in the log. Immutable, shared by everyone who reads it.
pub(crate) struct Entry {
    home: Arc<Home>,
    seq: u64,
    time: Timestamp,
    message: Message,
    places: Places,
    frames: Mutex<Vec<Frame>>,
}

/// Nearly every message is in one channel: that one needs no allocation.
enum Places {
    One(Place),
    Several(Box<[Place]>),
}

struct Frame {
    encoding: TypeId,
    by: NonZeroU64,
    bytes: Bytes,
}

/// Frames that one message keeps at most: readers who follow it by many different sets of its channels encode for
/// themselves.
const FRAMES: usize = 64;

/// What a further channel costs a frame beside its name, in bytes: `"":,` and a number.
const ALSO_OVERHEAD: usize = 24;

impl Entry {
    pub(crate) fn new(
        home: Arc<Home>,
        seq: u64,
        time: Timestamp,
        message: Message,
        places: impl ExactSizeIterator<Item = (ChannelName, u64)>,
    ) -> Self {
        let mut places = places.map(|(channel, prev)| Place { channel, prev });
        let places = match (places.len(), places.next()) {
            (1, Some(only)) => Places::One(only),
            (_, first) => Places::Several(first.into_iter().chain(places).collect()),
        };
        Self { home, seq, time, message, places, frames: Mutex::default() }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }

    /// What it counts for in a channel's byte limit.
    pub(crate) fn size(&self) -> usize {
        self.message.len() + Retention::OVERHEAD
    }

    pub(crate) fn places(&self) -> &[Place] {
        match &self.places {
            Places::One(place) => std::slice::from_ref(place),
            Places::Several(places) => places,
        }
    }

    /// The places whose channels `follows` accepts, a bit for each. There is one.
    fn places_by(&self, follows: impl Fn(&ChannelName) -> bool) -> NonZeroU64 {
        let bits = match self.places() {
            [_] => 1,
            several => {
                let bit = |place: &Place| u64::from(follows(&place.channel));
                several.iter().rev().fold(0, |bits, place| bits << 1 | bit(place))
            }
        };
        NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN)
    }

    /// Whether it is in a channel that `follows` accepts.
    pub(crate) fn is_in(&self, follows: impl Fn(&ChannelName) -> bool) -> bool {
        self.places().iter().any(|place| follows(&place.channel))
    }
}

/// Turns a delivery into the bytes of one framing. The type is the key of the cache: one type, one result.
///
/// The bytes may depend on the delivery alone, never on who reads it.
pub trait Encode: 'static {
    /// Appends the frame of `delivery` to `out`.
    fn encode(delivery: &Delivery, out: &mut Vec<u8>);
}

/// An entry as it reaches one reader: by those of its channels that the reader follows.
///
/// A message in several channels of the reader reaches it once, by all that it follows at that moment, in the order
/// in which they were published to. A channel that has let the message go is not among them, nor one of which the
/// reader has passed this place: each channel by itself is in order, and has no hole that no gap tells of.
#[derive(Clone)]
pub struct Delivery {
    entry: Arc<Entry>,
    /// The places by which it comes, a bit for each.
    by: NonZeroU64,
}

const _: () = assert!(LogConfig::MAX_PLACES <= u64::BITS as usize, "a bit for each place");

impl Delivery {
    /// `entry` by those of its channels that `follows` accepts.
    pub(crate) fn new(entry: &Arc<Entry>, follows: impl Fn(&ChannelName) -> bool) -> Self {
        Self { entry: Arc::clone(entry), by: entry.places_by(follows) }
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The same entry comes by the channels of `other` too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.by |= other.by;
    }

    fn first(&self) -> usize {
        self.by.trailing_zeros() as usize
    }

    /// The channel that it comes by, the first if there are several.
    #[must_use]
    pub fn channel(&self) -> &ChannelName {
        &self.entry.places()[self.first()].channel
    }

    /// The seq of the message before it in that channel, 0 if the log knows of none.
    #[must_use]
    pub fn prev(&self) -> u64 {
        self.entry.places()[self.first()].prev
    }

    /// The other channels that it comes by, each with the seq of the message before it there.
    pub fn also(&self) -> impl Iterator<Item = (&ChannelName, u64)> {
        let places = self.entry.places().iter().enumerate().skip(self.first() + 1);
        places.filter(|(at, _)| self.by.get() >> at & 1 == 1).map(|(_, place)| (&place.channel, place.prev))
    }

    /// Its number in the log.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.entry.seq
    }

    /// The place of one who has seen it.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.entry.home.cursor(self.entry.seq)
    }

    /// When it was appended.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.entry.time
    }

    /// What was published.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.entry.message
    }

    /// Bytes of its data and names, with [`Retention::OVERHEAD`]: a guess at what its frame will take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entry.size()
            + self.also().map(|(channel, _)| channel.as_str().len() + ALSO_OVERHEAD).sum::<usize>()
    }

    /// The frame of this delivery in the encoding `E`: made once, then shared by all readers while the message
    /// is young.
    #[must_use]
    pub fn encoded<E: Encode>(&self) -> Bytes {
        let encoding = TypeId::of::<E>();
        let bytes = {
            // Held while encoding, so that a thousand readers who come at once do the work once.
            let mut frames = lock(&self.entry.frames);
            let known = |frame: &&Frame| frame.encoding == encoding && frame.by == self.by;
            if let Some(frame) = frames.iter().find(known) {
                return frame.bytes.clone();
            }
            let mut out = Vec::with_capacity(self.entry.message.len() + 192);
            E::encode(self, &mut out);
            let bytes = Bytes::from(out);
            if frames.len() >= FRAMES || !self.entry.home.is_hot(self.entry.seq) {
                return bytes;
            }
            frames.push(Frame { encoding, by: self.by, bytes: bytes.clone() });
            bytes
        };
        self.entry.home.count_frame(&self.entry, bytes.len());
        bytes
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("cursor", &self.cursor())
            .field("channel", self.channel())
            .field("prev", &self.prev())
            .field("also", &self.also().collect::<Vec<_>>())
            .field("message", self.message())
            .finish()
    }
}
