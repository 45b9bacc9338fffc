//! The administration, without a connection between.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod any;
mod channels;
mod clients;
mod desk;
mod explain;
mod many;
mod node;
mod openapi;
mod orders;
mod publish;
mod refused;
mod schema;
