//! Any bytes as an outbound envelope.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check::outbound(bytes));
