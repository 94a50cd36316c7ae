//! Health of a process: `/healthz` (it lives), `/readyz` (it does its work), `/metrics`.
//!
//! Served from a thread of its own, so that a saturated runtime still answers. Readiness is a list of named checks, and all
//! of them have to be good; a check that nobody has spoken for yet is not.

mod checks;
mod server;

pub use checks::{Check, Health};
pub(crate) use server::HealthServer;
