//! Lastcall.
fn main() {}
