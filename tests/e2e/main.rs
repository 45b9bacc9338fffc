//! End-to-end tests over real TCP, against a gateway on loopback.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of it is tests and their helpers"
)]

mod access;
mod basics;
mod conformance;
mod drain;
mod encoders;
mod eventtube;
mod guide;
mod limits;
mod malformed;
mod methods;
mod origins;
mod page;
mod sdk;
mod seeds;
mod slow;
mod spec;
mod switches;
mod ws;
