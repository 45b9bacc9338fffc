//! The encke gateway: every transport over one log, in one binary.

pub mod cli;
pub mod config;
