//! Notices as messages, and webhooks to a receiver on loopback.
#![expect(clippy::unwrap_used, reason = "what cannot be is a test that fails")]

mod messages;
mod support;
mod webhooks;
