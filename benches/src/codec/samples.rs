//! The envelopes that are measured: what crosses the wire most, and what is largest.

use bytes::Bytes;
use codec::{ActionType, Attachment, Inbound, Outbound};

/// Text as people write it: mostly ASCII, some of it not.
const PROSE: &str = "Could you look at this again? The build fails on the second machine – die Prüfung läuft dort in \
    ein Timeout, and nobody knows why 🤔. I attached what I found so far. ";

fn prose(bytes: usize) -> String {
    let mut text = PROSE.repeat(bytes / PROSE.len() + 1);
    while text.len() > bytes {
        text.pop();
    }
    text
}

/// A short message in a server's channel, about 480 bytes.
#[must_use]
pub fn short() -> Inbound {
    Inbound {
        channel_key: "discord:1180023004500060007".into(),
        platform: "discord".into(),
        channel_id: "1180023004500060007".into(),
        user_id: "220011330044550066".into(),
        username: "mira.h".into(),
        display_name: Some("Mira".into()),
        content: "can you check why the nightly job stopped?".into(),
        message_id: "1190000111222333444".into(),
        timestamp: 1_763_700_000.123,
        room_name: Some("operations".into()),
        guild_id: Some("900080007000600050".into()),
        event_id: Some("discord:1190000111222333444".into()),
        trace_id: "019a9f6e-7c41-7d2e-8f01-3c5a7be0d912".into(),
        enqueued_at: 1_763_700_000.131,
        is_addressed: true,
        ..Inbound::default()
    }
}

/// 1 KiB of text with 3 attachments and 20 roles.
#[must_use]
pub fn lists() -> Inbound {
    let attachment = |place: u64| Attachment {
        filename: format!("screenshot-{place}.png"),
        mimetype: "image/png".into(),
        size: 184_320 + place,
        source_url: Some(format!(
            "https://cdn.example.com/attachments/1180023004500060007/11900001112223334{place}/screenshot-{place}.png?\
             ex=6748f3a1&is=6747a221&hm=5d1f0c2b9e8a7f6d5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b4a3928170615"
        )),
        media_key: Some(format!("sg:media:{{7}}:5f3c9a1e7b2d4c6f8091a2b3c4d5e6f{place}")),
        ..Attachment::default()
    };
    Inbound {
        content: prose(1 << 10),
        attachments: (0..3).map(attachment).collect(),
        member_roles: (0..20_u64).map(|role| (900_080_007_000_600_050 + role * 7_919).to_string()).collect(),
        ..short()
    }
}

/// A text of 32 KiB, such as a pasted log.
#[must_use]
pub fn long() -> Inbound {
    Inbound { content: prose(32 << 10), ..short() }
}

/// A file of 1 MiB to be shown.
#[must_use]
pub fn file() -> Outbound {
    Outbound {
        channel_key: Some("discord:1180023004500060007".into()),
        channel_id: Some("1180023004500060007".into()),
        platform: "discord".into(),
        action: ActionType::File,
        message_key: Some("discord:1190000111222333444:1".into()),
        trace_id: "019a9f6e-7c41-7d2e-8f01-3c5a7be0d912".into(),
        data: Some(Bytes::from(
            (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
        )),
        filename: Some("report.pdf".into()),
        mimetype: Some("application/pdf".into()),
        ..Outbound::default()
    }
}
