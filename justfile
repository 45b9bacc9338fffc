# Start encke on 127.0.0.1:8000.
run *args:
    cargo run -- serve {{ args }}

# Run all tests.
test *args:
    cargo test --workspace --all-targets {{ args }}

# Check the format and run clippy.
lint:
    cargo fmt --all -- --check && cargo clippy --workspace --all-targets -- -D warnings

# Run the benches.
bench *args:
    cargo bench --package encke-benches {{ args }}

# Measure what the disk engine does in a folder, beside the store and the disk alone; with a number also how long a log of
# so many messages takes to open.
bench-disk folder messages="":
    cargo run --release --package encke-disk --example rates -- {{ folder }} {{ messages }}

# Measure two nodes over one Redis, beside Redis alone.
bench-redis:
    cargo bench --package encke-redis --bench nodes

# Measure the stores that could carry the log, in a folder.
bench-stores folder:
    cargo run --release --manifest-path benches/stores/Cargo.toml -- all {{ folder }}

# Build the documentation of all crates, and open it.
doc:
    cargo doc --workspace --lib --no-deps --open

# Fuzz one parser or encoder until stopped; needs nightly and cargo-fuzz.
fuzz target *args:
    mkdir -p fuzz/grown/{{ target }} && cargo +nightly fuzz run --sanitizer none {{ target }} fuzz/grown/{{ target }} fuzz/corpus/{{ target }} -- -max_len=1024 -timeout=10 {{ args }}

# Fuzz all of them, each with so many inputs; needs nightly and cargo-fuzz.
fuzz-all inputs="10000000":
    for target in $(cargo +nightly fuzz list); do just fuzz $target -runs={{ inputs }} || exit 1; done

# Explore the races of the log and of the hub.
loom:
    cargo xtask loom

# Test in Chromium and Firefox: all, or these files of tests/browser.
browser *files:
    cargo xtask browser {{ files }}

# Kill a gateway that keeps its log on disk so many times, and compare what was answered with what is there.
kill-disk cycles="1000":
    KILL_CYCLES={{ cycles }} cargo test --package encke-disk --test kill

# Check the architecture invariants.
tidy:
    cargo xtask tidy

# Check licences, bans, sources and advisories; needs cargo-deny.
deny:
    cargo deny check

# All that must pass before a change is taken.
ci:
    cargo xtask ci
