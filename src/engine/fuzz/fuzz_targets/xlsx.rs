#![no_main]
//! `cargo +nightly fuzz run xlsx`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    harness::profile(lastcall_domain::Format::Xlsx, bytes);
});
