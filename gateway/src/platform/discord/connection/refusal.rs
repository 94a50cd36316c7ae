//! What it means that a socket has ended, by Discord's code:
//! <https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes>.

use super::super::start::bad_token;

/// How a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its session can be gone on with.
    Resume,
    /// It needs a new session.
    Anew,
    /// Discord wants another number of shards.
    Resharded(u16),
    /// For good, until somebody changes something.
    Refused(u16),
}

impl End {
    pub(super) fn of(code: Option<u16>) -> Self {
        match code {
            Some(code @ (4010 | 4011)) => Self::Resharded(code),
            Some(code @ (4004 | 4012..=4014)) => Self::Refused(code),
            // Nothing was identified, or what was is over; 1000 and 1001 end a session as well.
            Some(1000 | 1001 | 4003 | 4007 | 4009) => Self::Anew,
            _ => Self::Resume,
        }
    }
}

/// What a person has to do about a refusal.
pub(super) fn refused(code: u16, place: &str) -> String {
    match code {
        4004 => bad_token(place),
        4014 => format!(
            "Discord does not give this bot the intent `Message Content` (4014): turn it on at discord.com/developers/applications, \
             page Bot of its application, or set {place}.message_content = false"
        ),
        4013 => "Discord does not know the intents that this version asks for (4013): is there a newer one?".into(),
        other => format!("Discord's gateway refused the connection ({other}): is there a newer version of this one?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_how_it_goes_on() {
        for (code, end) in [
            (None, End::Resume),
            (Some(1006), End::Resume),
            (Some(4000), End::Resume),
            (Some(4008), End::Resume),
            (Some(4007), End::Anew),
            (Some(4009), End::Anew),
            (Some(4010), End::Resharded(4010)),
            (Some(4011), End::Resharded(4011)),
            (Some(4004), End::Refused(4004)),
            (Some(4014), End::Refused(4014)),
        ] {
            assert_eq!(End::of(code), end, "{code:?}");
        }
        assert!(refused(4014, "platform.x").contains("platform.x.message_content = false"));
    }
}
