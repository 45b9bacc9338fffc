//! The native JSON of encke on the wire.
//!
//! What a message, a gap and a checkpoint look like ([`Envelope`], [`write_gap`], [`write_checkpoint`]), which
//! commands there are ([`Command`], [`Reply`]), who is there ([`MemberList`]), what `since` means ([`parse_since`]), what published bytes are
//! ([`message_of`]), what a log looks like as a file ([`write_record`]), and what goes wrong ([`Problem`]); and the other dialect that a WebSocket may speak
//! ([`eventtube`]). The types of the core are never serialised themselves: this crate is where their shape on the wire
//! is decided.

mod archive;
mod command;
mod content;
mod envelope;
pub mod eventtube;
mod info;
mod presence;
mod problem;
mod publish;
mod received;
mod reply;
mod time;

pub use archive::{RecordError, parse_record, write_record};
pub use command::{
    AuthenticateCommand, Command, CommandAction, CommandError, CommandId, PresenceCommand, PublishCommand,
    SubscribeCommand, UnsubscribeCommand,
};
pub use content::{ContentError, JSON_DEPTH, json_of, message_of};
pub use envelope::{
    Data, Envelope, write_change, write_checkpoint, write_for_script, write_gap, write_string,
};
pub use info::{ChannelList, ChannelState};
pub use presence::{Member, MemberList};
pub use problem::{Problem, Remedy};
pub use publish::{channel_name, own_channel, publish, selectors};
pub use received::{Json, MalformedItem, Received, ReceivedBatch, ReceivedGap, ReceivedMessage};
pub use reply::{Receipt, Reply};
pub use time::{SinceError, parse_since, time_text, write_time};
