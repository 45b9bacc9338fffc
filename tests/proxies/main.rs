//! The configurations of docs/proxies.md, run by the programs that they are for.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of it is tests and their helpers"
)]

mod addresses;
mod cache;
mod program;
mod transports;
