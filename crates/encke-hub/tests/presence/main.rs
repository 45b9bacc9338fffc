//! Who is there: members, leases, what is told of them, and bounds (S1, S2, D1, D8).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod leases;
mod members;
mod node;
