//! Any bytes as a batch of preview frames, as one frame, and as a record of history.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check::preview(bytes));
