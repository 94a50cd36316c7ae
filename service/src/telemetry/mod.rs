//! Logs and metrics of a process.

mod describe;
mod logs;
mod recorder;

pub(crate) use logs::{filter_fault, start_logs};
pub(crate) use recorder::{Recorder, keep_up, start_metrics};
