//! The tables of `docs/wire.md`, rendered from what the code runs on.
//!
//! The page keeps each between `<!-- table: NAME -->` and `<!-- end -->`. A test compares; `cargo run -p codec
//! --example wire_tables` prints the page as it should be.

use std::fmt::Write as _;

use crate::answer::{Answer, Refusal};
use crate::examples;
use crate::history::HistoryMessage;
use crate::inbound::{Attachment, Inbound};
use crate::limits;
use crate::needs::Needs;
use crate::outbound::{Button, Outbound};
use crate::preview::PreviewFrame;
use crate::schema::{Bound, Field, Presence, Type};

const BEGIN: &str = "<!-- table: ";
const END: &str = "<!-- end -->";

/// `page` with every table between markers as it should be. A marker with an unknown name keeps what it holds.
#[must_use]
pub fn fill(page: &str) -> String {
    let mut filled = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let parts = after.split_once(" -->").and_then(|(name, held)| {
            let (_, next) = held.split_once(END)?;
            Some((name, table(name)?, next))
        });
        filled.push_str(before);
        filled.push_str(BEGIN);
        rest = after;
        if let Some((name, table, next)) = parts {
            filled.push_str(name);
            filled.push_str(" -->\n");
            filled.push_str(&table);
            filled.push_str(END);
            rest = next;
        }
    }
    filled.push_str(rest);
    filled
}

/// The table of this name, in Markdown: a map (`inbound`, `attachment`, `outbound`, `button`, `preview`, `history`,
/// `answer`, `refusal`),
/// its examples (the name with `-example` behind), one envelope byte by byte (`message-bytes`), what kinds need
/// (`kinds`, `types`), or the bounds (`limits`).
#[must_use]
pub fn table(name: &str) -> Option<String> {
    Some(match name {
        "inbound" => fields(Inbound::FIELDS),
        "attachment" => fields(Attachment::FIELDS),
        "outbound" => fields(Outbound::FIELDS),
        "button" => fields(Button::FIELDS),
        "preview" => fields(PreviewFrame::FIELDS),
        "history" => fields(HistoryMessage::FIELDS),
        "answer" => fields(Answer::FIELDS),
        "refusal" => fields(Refusal::FIELDS),
        "inbound-example" => examples::table(Inbound::FIELDS, &Inbound::example().to_bytes())?,
        "attachment-example" => examples::table(Attachment::FIELDS, &Attachment::example().to_bytes())?,
        "outbound-example" => examples::table(Outbound::FIELDS, &Outbound::example().to_bytes())?,
        "button-example" => examples::table(Button::FIELDS, &Button::example().to_bytes())?,
        "preview-example" => examples::table(PreviewFrame::FIELDS, &PreviewFrame::example().to_bytes())?,
        "history-example" => examples::table(HistoryMessage::FIELDS, &HistoryMessage::example().to_bytes())?,
        "answer-example" => examples::table(Answer::FIELDS, &Answer::example().to_bytes())?,
        "refusal-example" => examples::table(Refusal::FIELDS, &Refusal::example().to_bytes())?,
        "message-bytes" => examples::message()?,
        "kinds" => needs("kind", Inbound::NEEDS),
        "types" => needs("type", Outbound::NEEDS),
        "limits" => bounds(),
        _ => return None,
    })
}

fn fields(fields: &[Field]) -> String {
    let mut table = String::from("| field | type | presence | bound | meaning |\n|---|---|---|---|---|\n");
    for field in fields {
        let Field { name, ty, .. } = field;
        let (presence, bound, doc) = (presence(field), bound(field), sentence(field.doc));
        _ = writeln!(table, "| `{name}` | {ty} | {presence} | {bound} | {doc} |");
    }
    table
}

fn presence(field: &Field) -> String {
    match (field.presence, field.default) {
        (Presence::Required, _) => "required".to_owned(),
        (Presence::Written, default) => format!("written, default `{default}`"),
        (Presence::Optional, "") => "optional".to_owned(),
        (Presence::Optional, default) => format!("optional, default `{default}`"),
    }
}

fn bound(field: &Field) -> String {
    let Bound { bytes_min, bytes_max, items_max, pattern } = field.bound;
    let mut parts = Vec::new();
    if let Type::Choice(words) = field.ty {
        parts.push(list(words, "`, `"));
    }
    if let Some(pattern) = pattern {
        parts.push(format!("`{}`", pattern.as_str()));
    }
    if items_max < usize::MAX {
        parts.push(format!("{items_max} items"));
    }
    if bytes_max < usize::MAX {
        let each = if items_max < usize::MAX { " each" } else { "" };
        parts.push(format!("{}{each}", bytes(bytes_max)));
    }
    if bytes_min > 0 {
        parts.push("not empty".to_owned());
    }
    parts.join(", ")
}

fn needs(by: &str, rows: &[Needs]) -> String {
    let mut table = format!("| {by} | needs | also uses |\n|---|---|---|\n");
    for row in rows {
        let needed: Vec<_> = row.needed.iter().map(|need| list(need.one_of, "` or `")).collect();
        _ = writeln!(table, "| `{}` | {} | {} |", row.by, needed.join(", "), list(row.used, "`, `"));
    }
    table
}

fn bounds() -> String {
    let mut table = String::from("| bound | value | what and why |\n|---|---|---|\n");
    for limit in limits::ALL {
        let value = if limit.name.ends_with("BYTES") { bytes(limit.value) } else { limit.value.to_string() };
        _ = writeln!(table, "| `{}` | {value} | {} |", limit.name, sentence(limit.doc));
    }
    table
}

fn list(words: &[&str], between: &str) -> String {
    if words.is_empty() { String::new() } else { format!("`{}`", words.join(between)) }
}

fn bytes(count: usize) -> String {
    match count {
        0 => "0 bytes".to_owned(),
        _ if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        _ if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        _ => format!("{count} bytes"),
    }
}

/// A doc comment as one line of a table: without the space that stands in front of each of its lines.
fn sentence(doc: &str) -> &str {
    doc.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_all_but_its_tables() {
        let page = "a\n<!-- table: types -->\nold\n<!-- end -->\nb\n<!-- table: other -->\nc\n<!-- end -->\n";
        let filled = fill(page);
        assert!(filled.starts_with("a\n<!-- table: types -->\n| type | needs |"), "{filled}");
        assert!(filled.ends_with("<!-- end -->\nb\n<!-- table: other -->\nc\n<!-- end -->\n"), "{filled}");
        assert_eq!(fill(&filled), filled);
    }

    #[test]
    fn bounds_are_told_in_the_largest_whole_unit() {
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(1 << 10), "1 KiB");
        assert_eq!(bytes(10 << 20), "10 MiB");
    }

    #[test]
    fn a_type_is_told_with_what_it_needs() {
        let types = table("types").unwrap();
        assert!(
            types.contains("| `edit` | `channel_id`, `text`, `target` or `target_key` | `thread_id`, `buttons` |"),
            "{types}"
        );
    }
}
