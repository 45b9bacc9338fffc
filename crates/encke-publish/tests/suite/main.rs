//! Commands by POST, and messages to one subject, over real connections.

#![cfg(test)]

mod batches;
mod commands;
mod personal;
mod presence;
mod served;
mod streams;
