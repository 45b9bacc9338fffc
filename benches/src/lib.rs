//! Benchmarks of encke: `cargo bench -p encke-benches`. What takes a machine's memory is an example, so that it
//! runs only when it is called: `cargo run --release -p encke-benches --example core_volume`.
