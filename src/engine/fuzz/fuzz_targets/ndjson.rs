#![no_main]
//! `cargo +nightly fuzz run ndjson`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    harness::profile(lastcall_domain::Format::Ndjson, bytes);
});
