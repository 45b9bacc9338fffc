//! What a queue and a bridge do with a real Redis.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod bridge;
mod chat;
mod letters;
mod moody;
mod nodes;
mod outages;
mod pumps;
mod support;
