//! Whether a message is of whom a rule is about.

use codec::InboundView;
use service::{Subject, SubjectKind};

/// Whether a list names who asks, or where.
pub(crate) fn is_in(list: &[Subject], inbound: &InboundView<'_>) -> bool {
    list.iter().any(|subject| is_about(subject, inbound))
}

fn is_about(subject: &Subject, inbound: &InboundView<'_>) -> bool {
    if subject.platform != inbound.platform {
        return false;
    }
    let id = subject.id.as_str();
    match subject.kind {
        SubjectKind::Platform => true,
        SubjectKind::User => inbound.user_id == id,
        SubjectKind::Role => inbound.member_roles.iter().any(|role| role == id),
        SubjectKind::Channel => inbound.channel_id == id || inbound.thread_id == Some(id),
        SubjectKind::Server => inbound.guild_id == Some(id),
    }
}
