//! Engines over a real Redis.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it must")]

mod keep;
mod lives;
mod order;
mod outage;
mod read;
mod sites;
mod support;
