//! `wire.dict`: the words that a mutation would not hit by chance, as libFuzzer reads them.

use std::{collections::BTreeSet, fmt::Write as _};

use codec::{Attachment, Button, HistoryMessage, Inbound, Outbound, PreviewFrame, Type};

/// Heads of msgpack that change how much a reader believes is coming, and numbers at the edges of their types.
const HEADS: [&[u8]; 12] = [
    b"\xde\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    b"\xcb\x43\x40\x00\x00\x00\x00\x00\x00",
    b"\xca\x3f\x80\x00\x00",
];

/// What replies of Redis are made of.
const REPLIES: [&[u8]; 14] = [
    b"\r\n",
    b"*-1\r\n",
    b"$-1\r\n",
    b"_\r\n",
    b"*2\r\n",
    b"%1\r\n",
    b"|1\r\n",
    b">2\r\n",
    b"=8\r\ntxt:",
    b"$3\r\n0-0\r\n",
    b"$4\r\ndata\r\n",
    b"$2\r\nts\r\n",
    b"$8\r\ntrace_id\r\n",
    b"18446744073709551615-18446744073709551615",
];

/// The dictionary.
pub(super) fn text() -> String {
    let fields = [
        Inbound::FIELDS,
        Attachment::FIELDS,
        Outbound::FIELDS,
        Button::FIELDS,
        PreviewFrame::FIELDS,
        HistoryMessage::FIELDS,
    ];
    let mut words = BTreeSet::new();
    for field in fields.into_iter().flatten() {
        words.insert(field.name);
        if let Type::Choice(choices) = field.ty {
            words.extend(choices);
        }
    }
    let mut text = String::from("# Made from the code: cargo run --bin seeds\n");
    for word in words {
        // With its head, as it stands in an envelope; all are shorter than 32 bytes.
        _ = writeln!(text, "\"\\x{:02x}{word}\"", 0xa0 | word.len());
    }
    for bytes in HEADS.into_iter().chain(REPLIES) {
        let escaped: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        _ = writeln!(text, "\"{escaped}\"");
    }
    text
}
