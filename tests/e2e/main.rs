//! End-to-end tests over real TCP, against a gateway on loopback.

mod basics;
mod limits;
mod malformed;
mod methods;
mod origins;
mod conformance;
mod switches;
mod slow;
mod spec;
mod seeds;
