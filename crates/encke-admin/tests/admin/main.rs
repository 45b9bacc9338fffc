//! The administration, without a connection between.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod any;
mod channels;
mod clients;
mod desk;
mod explain;
#[expect(dead_code, reason = "here nothing is lost")]
#[path = "../../../encke-hub/tests/peers/local.rs"]
mod local;
mod many;
mod node;
mod nodes;
mod openapi;
mod orders;
mod publish;
mod refused;
mod schema;
