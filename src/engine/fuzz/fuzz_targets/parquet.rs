#![no_main]
//! `cargo +nightly fuzz run parquet`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    harness::profile(lastcall_domain::Format::Parquet, bytes);
});
