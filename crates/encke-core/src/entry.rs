use std::{
    any::TypeId,
    collections::VecDeque,
    fmt,
    sync::{Arc, Weak, atomic::Ordering},
};

use bytes::Bytes;

use crate::{
    ChannelName, Cursor, Epoch, Message, Retention, Timestamp,
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

/// An entry's seat in one of its channels.
#[derive(Debug)]
struct Place {
    channel: ChannelName,
    prev: u64,
}

/// Nearly every message is in one channel: that one needs no allocation.
enum Places {
    One(Place),
    Several(Box<[Place]>),
}

struct Frame {
    encoding: TypeId,
    place: usize,
    bytes: Bytes,
}

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

    fn places(&self) -> &[Place] {
        match &self.places {
            Places::One(place) => std::slice::from_ref(place),
            Places::Several(places) => places,
        }
    }

    fn place_of(&self, follows: impl Fn(&ChannelName) -> bool) -> usize {
        match self.places() {
            [_] => 0,
            several => several.iter().position(|place| follows(&place.channel)).unwrap_or(0),
        }
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

/// An entry as it reaches one reader: by one of its channels.
///
/// A message in several channels of the reader reaches it once, by the first of them in the order in which
/// they were published to.
#[derive(Clone)]
pub struct Delivery {
    entry: Arc<Entry>,
    place: usize,
}

impl Delivery {
    /// `entry` by the first of its channels that `follows` accepts.
    pub(crate) fn new(entry: &Arc<Entry>, follows: impl Fn(&ChannelName) -> bool) -> Self {
        Self { entry: Arc::clone(entry), place: entry.place_of(follows) }
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// The channel that it came by.
    #[must_use]
    pub fn channel(&self) -> &ChannelName {
        &self.entry.places()[self.place].channel
    }

    /// The seq of the message before it in that channel, 0 if the log knows of none.
    #[must_use]
    pub fn prev(&self) -> u64 {
        self.entry.places()[self.place].prev
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
    }

    /// The frame of this delivery in the encoding `E`: made once, then shared by all readers while the message
    /// is young.
    #[must_use]
    pub fn encoded<E: Encode>(&self) -> Bytes {
        let encoding = TypeId::of::<E>();
        let bytes = {
            // Held while encoding, so that a thousand readers who come at once do the work once.
            let mut frames = lock(&self.entry.frames);
            let known = |frame: &&Frame| frame.encoding == encoding && frame.place == self.place;
            if let Some(frame) = frames.iter().find(known) {
                return frame.bytes.clone();
            }
            let mut out = Vec::with_capacity(self.entry.message.len() + 192);
            E::encode(self, &mut out);
            let bytes = Bytes::from(out);
            if !self.entry.home.is_hot(self.entry.seq) {
                return bytes;
            }
            frames.push(Frame { encoding, place: self.place, bytes: bytes.clone() });
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
            .field("message", self.message())
            .finish()
    }
}
