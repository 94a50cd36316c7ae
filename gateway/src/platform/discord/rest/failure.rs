//! Why a request was not answered with what it asked for.

use std::time::Duration;

use crate::platform::{Permanent, SendError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Failure {
    /// The bot's budgets had no place for it. It was not sent.
    #[error("the bot's budgets had no place for it")]
    NoPlace(Duration),
    /// There is no connection. It was not sent.
    #[error("{0}")]
    Away(String),
    /// Discord took it, or did not.
    #[error("{0}")]
    Unknown(String),
    /// Discord did not take it, and takes none before this time is over.
    #[error("Discord takes no more for {0:?}")]
    Limited(Duration),
    /// The token is no good any more.
    #[error("Discord does not know the token (401)")]
    Unauthorized,
    /// Discord will not do it.
    #[error("{said}")]
    Refused { status: u16, code: u64, said: String },
}

/// Codes of <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>.
const UNKNOWN_CHANNEL: u64 = 10_003;
pub(in super::super) const UNKNOWN_MESSAGE: u64 = 10_008;
const UNKNOWN_WEBHOOK: u64 = 10_015;
const MISSING_ACCESS: u64 = 50_001;
const CLOSED_DM: u64 = 50_007;
const MISSING_PERMISSIONS: u64 = 50_013;
pub(super) const INVALID_WEBHOOK_TOKEN: u64 = 50_027;

impl Failure {
    /// The message that it is about is not there any more.
    pub(in super::super) fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { code: UNKNOWN_MESSAGE, .. })
    }

    /// The interaction whose token was used is over, or was not acknowledged.
    pub(in super::super) fn is_no_token(&self) -> bool {
        matches!(self, Self::Refused { code: UNKNOWN_WEBHOOK | INVALID_WEBHOOK_TOKEN, .. })
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        let said = failure.to_string();
        match failure {
            Failure::NoPlace(pause) | Failure::Limited(pause) => Self::Limited(pause),
            // A token is given anew where it was changed; what was to be sent waits for that.
            Failure::Away(_) | Failure::Unauthorized => Self::Away(said),
            Failure::Unknown(_) => Self::Unknown(said),
            Failure::Refused { code: UNKNOWN_MESSAGE, .. } => Self::Gone(said),
            Failure::Refused { status, code, .. } => Self::Refused(
                match (code, status) {
                    (UNKNOWN_CHANNEL, _) => Permanent::ChannelGone,
                    (CLOSED_DM, _) => Permanent::Blocked,
                    (MISSING_ACCESS | MISSING_PERMISSIONS, _) | (_, 403) => Permanent::Forbidden,
                    _ => Permanent::Invalid,
                },
                said,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_word() {
        for (status, code, word) in [
            (404, 10_003, "channel_gone"),
            (403, 50_007, "blocked"),
            (403, 50_001, "forbidden"),
            (403, 50_013, "forbidden"),
            (403, 0, "forbidden"),
            (400, 50_035, "invalid"),
            (413, 40_005, "invalid"),
        ] {
            let error = SendError::from(Failure::Refused { status, code, said: String::new() });
            assert!(matches!(error, SendError::Refused(why, _) if why.code() == word), "{status} {code}: {error:?}");
        }
        let gone = Failure::Refused { status: 404, code: 10_008, said: String::new() };
        assert!(gone.is_gone() && matches!(SendError::from(gone), SendError::Gone(_)));
    }
}
