//! Fuzz targets: for every parser that faces outside, and every encoder, a function that takes any bytes and panics
//! where a promise is broken.
//!
//! They run as ordinary tests over the corpus of `fuzz/corpus` and its mutations, and under cargo-fuzz for as long
//! as one likes.

mod admin;
mod auth;
mod client;
mod config;
mod encoders;
mod http;
mod mutate;
mod names;
mod socket;
mod wire;

pub use mutate::Mutator;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its program and of its corpus.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($module:ident::$name:ident)*) => {
        $(pub use $module::$name;)*

        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $name }),*];
    };
}

targets! {
    admin::admin
    auth::signed_query
    auth::token
    client::client_event_stream
    client::client_frame
    client::received
    config::configuration
    encoders::encode_frame
    encoders::encode_json
    encoders::encode_stream
    http::accept
    http::callback
    http::cookie
    http::origin
    http::query
    names::channels
    names::since
    socket::frames
    socket::handshake
    wire::batch_line
    wire::command
    wire::content
    wire::eventtube
}

/// Takes the first line off an input; the rest is empty if there is no line end.
fn split_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}

/// Cuts bytes into pieces, whose sizes are the bytes of `sizes`, over and over.
fn pieces<'a>(sizes: &'a [u8], mut bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let sizes: &[u8] = if sizes.is_empty() { &[1] } else { sizes };
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = sizes.next().map_or(1, |size| usize::from(*size).max(1)).min(bytes.len());
        let (piece, rest) = bytes.split_at(size);
        bytes = rest;
        (size > 0).then_some(piece)
    })
}
