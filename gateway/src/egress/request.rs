//! What a turn asks of the platform, which cannot refuse one that slept through its lease: so each is asked for only while the
//! lane is known to be this turn's.

use bus::Turn;
use codec::OutboundView;

use super::Egress;
use crate::platform::{Accepted, Part, SendError};

/// Times that a message is given its text until it shows it.
const AMENDS_MAX: u32 = 3;

impl Egress {
    pub(super) async fn send_if_current(&self, turn: &Turn, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        check(turn)?;
        let accepted = self.platform.send(part).await?;
        self.hope.done();
        Ok(accepted)
    }

    pub(super) async fn apply_if_current(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<(), SendError> {
        check(turn)?;
        self.platform.apply(action).await
    }

    /// A message that somebody took away needs no other text.
    pub(super) async fn amend_if_current(&self, turn: &Turn, part: &Part<'_, '_>, id: &str) -> Result<(), SendError> {
        or_gone(self.amend_wholly(turn, part, id).await)
    }

    /// Until the message shows what was committed. What the platform shows otherwise every time it is asked is left so, and counted.
    pub(super) async fn amend_wholly(&self, turn: &Turn, part: &Part<'_, '_>, id: &str) -> Result<(), SendError> {
        for _ in 0..AMENDS_MAX {
            check(turn)?;
            let accepted = self.platform.amend(part, id).await?;
            self.hope.done();
            if accepted.is_whole(part) {
                return Ok(());
            }
        }
        let platform = self.platform.name().to_string();
        tracing::warn!(platform, id, key = part.key, "the platform shows a message otherwise than it was told to");
        metrics::counter!("stargazer_egress_altered_total", "platform" => platform).increment(1);
        Ok(())
    }

    pub(super) async fn give_way_if_current(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<(), SendError> {
        check(turn)?;
        self.platform.give_way(action).await
    }

    pub(super) async fn retract_if_current(
        &self,
        turn: &Turn,
        action: &OutboundView<'_>,
        id: &str,
    ) -> Result<(), SendError> {
        check(turn)?;
        or_gone(self.platform.retract(action, id).await)?;
        self.hope.done();
        Ok(())
    }
}

pub(super) fn check(turn: &Turn) -> Result<(), SendError> {
    if turn.is_current() { Ok(()) } else { Err(SendError::Away("the lease may have run out".into())) }
}

fn or_gone(done: Result<(), SendError>) -> Result<(), SendError> {
    match done {
        Err(SendError::Gone(_)) => Ok(()),
        other => other,
    }
}
