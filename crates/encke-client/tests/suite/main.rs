//! The client against a server that says what it is told to say.

#![cfg(test)]

mod publishing;
mod receiving;
mod refusals;
mod resuming;
mod script;
