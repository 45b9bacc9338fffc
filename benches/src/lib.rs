//! Benchmarks of encke.
