//! What a WebSocket peer can rely on, and what it cannot do to us.

#![cfg(test)]

mod authenticate;
mod closing;
mod conformance;
mod handshake;
mod heartbeat;
mod limits;
mod meter;
mod raw;
mod sending;
mod served;
mod watch;
