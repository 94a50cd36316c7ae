//! The examples of `docs/wire.md`: each field's own, and one envelope byte by byte.

use std::fmt::Write as _;

use crate::choice::ActionType;
use crate::inspect::{hex, json, pairs};
use crate::outbound::Outbound;
use crate::schema::{Field, Type};

/// Bytes of a value between two spaces, so that a page can break the line there.
const GROUP: usize = 16;

/// Each field of a map with its example, and the bytes of key and value. `example` is the encoded map with every field
/// filled. A map inside stands by its name, since it has a table of its own.
pub(crate) fn table(fields: &[Field], example: &[u8]) -> Option<String> {
    let pairs = pairs(example)?;
    let mut table = String::from("| field | example | bytes |\n|---|---|---|\n");
    for (field, (key, value)) in fields.iter().zip(pairs) {
        let (shown, bytes) = match inner(&field.ty) {
            Some((map, lists)) => (field.ty.to_string(), format!("{} {map}", hex(value.get(..lists)?))),
            None => (json(value)?, groups(value)),
        };
        _ = writeln!(table, "| `{}` | `{shown}` | `{}` `{bytes}` |", field.name, hex(key));
    }
    Some(table)
}

/// The name of the map that a list holds, and the number of lists around it, each of one item in an example.
fn inner(ty: &Type) -> Option<(&'static str, usize)> {
    match ty {
        Type::Map(name) => Some((name, 0)),
        Type::List(item) => inner(item).map(|(name, lists)| (name, lists + 1)),
        _ => None,
    }
}

fn groups(bytes: &[u8]) -> String {
    bytes.chunks(GROUP).map(hex).collect::<Vec<_>>().join(" ")
}

/// The smallest `message` action that we write, each key and value on a line with its offset and meaning.
pub(crate) fn message() -> Option<String> {
    let Outbound { channel_id, platform, text, .. } = Outbound::example();
    let action = Outbound { channel_id, platform, text, action: ActionType::Message, ..Outbound::default() };
    let bytes = action.to_bytes();
    let pairs = pairs(&bytes)?;
    let values = pairs.iter().flat_map(|(key, value)| [*key, *value]);
    let head = bytes.get(..bytes.len() - values.clone().map(<[u8]>::len).sum::<usize>())?;
    let width = 2 * values.clone().map(<[u8]>::len).max()?;

    let mut page = String::from("```text\n");
    _ = writeln!(page, "{:>4}  {:width$}  a map of {} pairs", 0, hex(head), pairs.len());
    let mut at = head.len();
    for (place, value) in values.enumerate() {
        let indent = if place % 2 == 0 { "" } else { "  " };
        _ = writeln!(page, "{at:>4}  {:width$}  {indent}{}", hex(value), json(value)?);
        at += value.len();
    }
    page.push_str("```\n");
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_inside_stands_by_its_name() {
        let table = table(Outbound::FIELDS, &Outbound::example().to_bytes()).unwrap();
        assert!(table.contains("| `buttons` | `[[Button]]` | `a7627574746f6e73` `9191 Button` |\n"), "{table}");
        assert!(table.contains("| `removed` | `true` | `a772656d6f766564` `c3` |\n"), "{table}");
        assert!(table.contains(r#"| `args` | `{"limit": 50}` | `a461726773` `81a56c696d697432` |"#), "{table}");
    }
}
