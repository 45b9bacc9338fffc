//! What a log that is fed admits, asks its engine for, and takes from it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod fed {
    mod admit;
    mod seek;
    mod store;
    mod threads;
}
