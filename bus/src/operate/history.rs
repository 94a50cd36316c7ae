//! What is remembered of a conversation, for who looks at it by hand.

use bytes::Bytes;

use crate::{Bus, Error, Role};

impl Bus {
    /// The records of a lane, oldest first.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn history(&self, lane: &str) -> Result<Vec<Bytes>, Error> {
        let names = self.names();
        let key = names.history(&Role::Inbound, names.shards.of(lane), lane);
        Ok(redis::cmd("LRANGE").arg(key).arg(0).arg(-1).query_async(&mut self.shared()).await?)
    }
}
