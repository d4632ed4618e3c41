#![no_main]
//! `cargo +nightly fuzz run csv`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    harness::profile(lastcall_domain::Format::Csv, bytes);
});
