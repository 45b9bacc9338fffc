//! The application is asked over real connections, and does everything it should not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod application;
mod asking;
mod breaking;
mod lying;
mod remembering;
