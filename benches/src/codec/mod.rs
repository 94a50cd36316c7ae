//! Envelopes to bytes and back, beside the peers' ways on the same bytes.

pub mod contenders;
pub mod goals;
pub mod mirror;
pub mod peers;
mod read_all;
pub mod samples;
