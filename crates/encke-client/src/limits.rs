//! Every bound of the client, in one place.

use std::time::Duration;

/// The longest item: what a line of an event stream, a script of a frame or a WebSocket message may hold, in bytes.
pub const ITEM_BYTES: usize = 8 << 20;

/// The longest answer to a poll, long poll or publish, in bytes.
pub const ANSWER_BYTES: usize = 16 << 20;

/// The longest answer that tells of a problem, in bytes.
pub const PROBLEM_BYTES: usize = 64 << 10;

/// The time to connect.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The time from a request to the head of its answer, beside what a long poll is held.
pub const HEAD_TIME: Duration = Duration::from_secs(10);

/// The time for the body of an answer that ends.
pub const BODY_TIME: Duration = Duration::from_secs(30);

/// Connections that are kept for the next request.
pub const IDLE_CONNECTIONS: usize = 4;

/// The longest wait before coming back that is obeyed, whoever asks for it.
pub const MAX_RETRY: Duration = Duration::from_secs(600);

/// Channels of which a subscription remembers the last message, to find what was lost.
pub const REMEMBERED_CHANNELS: usize = 1_024;
