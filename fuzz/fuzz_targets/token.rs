#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| encke_testkit::fuzz::token(data));
