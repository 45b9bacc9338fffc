//! A WebSocket echo server.
fn main() {}
