//! Whether what stood in a stream at some moment is settled: for work beside the turns that must not overtake it.

use std::sync::LazyLock;

use redis::Script;

use super::Ledger;
use crate::{EntryId, Error};

static EARLIER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("earlier.lua")));

/// How far everything is settled that stood in a shard's stream at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// All of it is.
    Settled,
    /// Something up to this entry, the last one at that moment, is not.
    Unsettled(EntryId),
}

impl Ledger {
    /// Looks at what stands in the shard's stream up to an entry, or now. It is of all lanes, since a payload tells its lane to
    /// nobody but its handler.
    pub(crate) async fn earlier(&self, up_to: Option<EntryId>) -> Result<Earlier, Error> {
        let mut script = EARLIER.key(self.stream());
        script.arg(self.group()).arg(up_to.map_or_else(String::new, |id| id.to_string()));
        let (last, is_settled): (String, bool) = script.invoke_async(&mut self.bus.shared()).await?;
        if is_settled {
            return Ok(Earlier::Settled);
        }
        last.parse().map(Earlier::Unsettled).map_err(|_| Error::Reply { step: "a look at what is unfinished" })
    }
}
