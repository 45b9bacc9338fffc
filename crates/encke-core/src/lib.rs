//! The message store of encke: one append-only log, and the channels that are views of it.
//!
//! A publish appends one message to the [`Log`] and names one or more channels. The message gets the next
//! *seq*; a [`Cursor`] is a place in that order, whatever one reads. A reader is a [`Tail`]: a cursor and a
//! waker, nothing else. It has no queue: when it is woken it reads on from its cursor, and where retention has
//! been faster it gets a [`Gap`] instead of silence.
//!
//! The crate is synchronous and deterministic. It touches no runtime, no clock and no network, and time is an
//! argument; what happens is a function of the calls. (Its hash maps are seeded, against colliding names;
//! nothing depends on their order.)
//!
//! # Reading without losing
//!
//! One lock orders appends. An append puts the message into its channels, marks the readers that wait for
//! them, and only then moves the head, and it wakes after it let go of the lock ([`Wakes`]). A reader leaves
//! its waker *before* it loads the head, and then takes all messages of its marked channels up to that head.
//! So a reader never passes a message by, and never waits while there is one. Catching up and following live
//! are the same code.
//!
//! # Limits
//!
//! [`LogConfig`] lists them: each bounds memory and has a refusal or a rule of forgetting. What a reader costs
//! does not depend on what is published.

mod ages;
mod batch;
mod begin;
mod channel;
mod channel_name;
mod config;
mod cursor;
mod entry;
mod error;
mod fed;
mod followers;
mod gap;
mod info;
mod log;
mod memory;
mod message;
mod names;
mod older;
mod pattern;
mod pattern_view;
mod publish;
mod record;
mod since;
mod slot;
mod sync;
mod tail;
mod time;
mod window;

pub use batch::{Batch, Limit, Stop, TailEnd};
pub use channel_name::{ChannelName, NameError};
pub use config::{Keep, LogConfig, Resident, Retention};
pub use cursor::{Cursor, CursorError, Epoch};
pub use entry::{Delivery, Encode};
pub use error::{AppendError, OpenError};
pub use fed::{Admission, Fed};
pub use followers::Wakes;
pub use gap::{Gap, GapReason};
pub use info::{ChannelHandle, ChannelInfo, LogInfo};
pub use log::Log;
pub use memory::Fingerprint;
pub use message::{Key, Kind, Message};
pub use older::{Older, Opening, Page, Seek, Sought};
pub use pattern::{Pattern, Selector};
pub use publish::{Appended, Publish};
pub use record::{Kept, Mark, Place, Record};
pub use since::Since;
pub use tail::Tail;
pub use time::Timestamp;
