//! The engine over real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod folder;
mod kept;
mod model;
mod publishing;
mod reopen;
