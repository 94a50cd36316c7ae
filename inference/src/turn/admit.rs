//! Who is answered: by the lists and limits of the settings.

use std::time::Duration;

use bus::{Budget, Bus, Turn};
use codec::InboundView;
use service::Access;

use crate::subject::is_in;

/// What becomes of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is answered.
    Answered,
    /// The lists say that it is not.
    Denied,
    /// There were too many; one more is answered after this time.
    Limited(Duration),
}

/// Takes a place of each limit that a question counts against. Without an answer of Redis there is no limit: the turn needs it
/// as well, and waits for it.
async fn take(access: &Access, bus: &Bus, inbound: &InboundView<'_>) -> Option<Duration> {
    let Access { user_per_minute, server_per_minute, .. } = *access;
    let user = (user_per_minute, "user", Some(inbound.user_id));
    for (per_minute, what, id) in [user, (server_per_minute, "server", inbound.guild_id)] {
        let Some(id) = id.filter(|_| per_minute > 0) else { continue };
        let name = format!("{what}:{}:{id}", inbound.platform);
        let budget = Budget::new(bus.clone(), &name, per_minute, f64::from(per_minute) / 60.0);
        match budget.take(1).await {
            Ok((0, pause)) => return Some(pause),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, name, "a limit could not be asked"),
        }
    }
    None
}

/// Whether an earlier run of the turn was admitted. From here on it was.
async fn was_admitted(turn: &Turn) -> bool {
    // Without an answer of Redis the turn gets no further.
    turn.note_once(&[("admitted", b"1")]).await.is_ok_and(|notes| notes.get("admitted").is_some())
}

/// Whether and when a question is answered.
pub(super) async fn admit(access: &Access, bus: &Bus, turn: &Turn, inbound: &InboundView<'_>) -> Admission {
    let has_limits = access.user_per_minute > 0 || access.server_per_minute > 0;
    let (admission, reason) = match (allows(access, inbound), has_limits) {
        (false, _) => (Admission::Denied, "denied"),
        (true, false) => return Admission::Answered,
        // Whatever runs again, counts once.
        (true, true) if was_admitted(turn).await => return Admission::Answered,
        (true, true) => match take(access, bus, inbound).await {
            None => return Admission::Answered,
            Some(pause) => (Admission::Limited(pause), "limited"),
        },
    };
    metrics::counter!("stargazer_questions_refused_total", "reason" => reason).increment(1);
    admission
}

/// Whether the lists let a question be answered. What is denied is so whatever is allowed.
pub(super) fn allows(access: &Access, inbound: &InboundView<'_>) -> bool {
    let Access { allow, deny, default_deny, .. } = access;
    !is_in(deny, inbound) && (!default_deny || is_in(allow, inbound))
}

#[cfg(test)]
mod tests {
    use codec::Inbound;

    use super::*;

    fn question() -> Inbound {
        Inbound {
            platform: "discord".into(),
            channel_id: "5".into(),
            thread_id: Some("6".into()),
            guild_id: Some("3".into()),
            user_id: "7".into(),
            member_roles: vec!["8".into(), "9".into()],
            ..Inbound::example()
        }
    }

    /// With these lists, parted by commas.
    fn is_allowed(default_deny: bool, allow: &str, deny: &str) -> bool {
        let list = |text: &str| text.split(',').filter_map(|subject| subject.parse().ok()).collect();
        let access =
            Access { default_deny, allow: list(allow), deny: list(deny), user_per_minute: 0, server_per_minute: 0 };
        let bytes = question().to_bytes();
        allows(&access, &InboundView::decode(&bytes).unwrap())
    }

    #[test]
    fn lists_name_users_roles_channels_servers_and_platforms() {
        assert!(is_allowed(false, "", "") && !is_allowed(true, "", ""));
        for subject in [
            "user:discord:7",
            "role:discord:9",
            "channel:discord:5",
            "channel:discord:6",
            "server:discord:3",
            "platform:discord",
        ] {
            assert!(is_allowed(true, subject, ""), "{subject}");
            assert!(!is_allowed(false, "", subject), "{subject}");
            assert!(!is_allowed(true, subject, "user:discord:7"), "what is denied is so");
        }
        for other in [
            "user:discord:8",
            "user:other:7",
            "role:discord:7",
            "channel:discord:7",
            "server:discord:5",
            "platform:webchat",
        ] {
            assert!(!is_allowed(true, other, "") && is_allowed(false, "", other), "{other}");
        }
    }
}
