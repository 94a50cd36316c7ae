//! Any bytes as an inbound envelope.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check::inbound(bytes));
