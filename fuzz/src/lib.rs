//! What the fuzz targets and the programs beside them share.
//!
//! A target under `fuzz_targets/` is one line. What has to hold for its bytes is in [`check`], what a daemon does with
//! them in [`read`], which is what [`speed`] times. [`seeds`] are where a run begins.

pub mod check;
pub mod read;
pub mod seeds;
pub mod speed;
// By its file, since it needs nothing else of the gateway: that would be most of the other workspace.
#[path = "../../gateway/src/egress/split/mod.rs"]
pub mod split;

/// The names of the targets.
pub const TARGETS: [&str; 5] = ["inbound", "outbound", "preview", "reply", "split"];
