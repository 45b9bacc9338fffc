//! Test helpers of encke: a loopback gateway, clients, conformance lists.
