//! Trimming of finished entries by the owner of a shard. Never drops unfinished work: the low water is read in the script.

use std::sync::LazyLock;

use redis::Script;

use crate::{Bus, Error, Role, lease::Tenure};

static TRIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("trim.lua")));

/// Settled entries after which a shard is trimmed.
pub(crate) const TRIM_EVERY: u32 = 1000;

/// Trims the shard's stream of `role`.
pub(crate) async fn trim(bus: &Bus, role: &Role, tenure: &Tenure) -> Result<(), Error> {
    let names = bus.names();
    let mut script = TRIM.key(names.fence(role, tenure.shard()));
    script.key(names.stream(role, tenure.shard())).arg(tenure.token()).arg(names.group(role));
    match script.invoke_async::<i64>(&mut bus.shared()).await? {
        -1 => Err(tenure.fenced()),
        removed => {
            tracing::debug!(%role, shard = %tenure.shard(), removed, "trimmed");
            Ok(())
        }
    }
}
