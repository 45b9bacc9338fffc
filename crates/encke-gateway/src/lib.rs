//! The encke gateway: every transport over one log, in one binary.
//!
//! It only assembles. [`config`] says what is served where, [`Gateway`] listens and drains, and each request goes by
//! the router to the service of its transport.

mod admission;
pub mod cli;
pub mod client;
pub mod config;
mod connection;
mod gateway;
mod listener;
mod logging;
mod metrics;
mod pages;
mod router;
mod run;
mod services;
mod stream;

pub use gateway::{Gateway, StartError};
pub use run::run;
