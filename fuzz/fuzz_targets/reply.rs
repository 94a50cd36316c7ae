//! Any bytes as what Redis answers to a command about streams.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check::reply(bytes));
