//! What the hot path costs, beside a naive rival and a peer library, in one run.
//!
//! The work itself is here, so that criterion, the instruction counts, the tables of goals and the tests all run the
//! same functions. Machines are noisy and shared, so every figure stands beside that of a rival on the same bytes in
//! the same run, and goals are ratios.
#![forbid(unsafe_code)]

pub mod codec;
pub mod stopwatch;
