//! What the fuzz targets and the programs beside them share.
//!
//! A target under `fuzz_targets/` is one line. What has to hold for its bytes is in [`check`], what a daemon does with
//! them in [`read`], which is what [`speed`] times. [`seeds`] are where a run begins.

pub mod check;
pub mod read;
pub mod seeds;
pub mod speed;

/// The names of the targets.
pub const TARGETS: [&str; 4] = ["inbound", "outbound", "preview", "reply"];
