//! Any limits, and any text as one that is cut into messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check::split(bytes));
