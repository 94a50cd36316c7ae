//! Fields of an event, which may be missing or anything: what cannot be used is not there.

use codec::limits;
use serde_json::Value;

/// 2015-01-01, which ids count from: <https://discord.com/developers/docs/reference#snowflakes>.
const EPOCH_MS: u64 = 1_420_070_400_000;

/// An id: digits as text, or a number.
pub(in super::super) fn id(value: &Value) -> Option<u64> {
    let id = match value {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Value::Number(number) => number.as_u64(),
        _ => None,
    };
    id.filter(|id| *id != 0)
}

/// When what has this id came to be, in ms since the Unix epoch.
pub(in super::super) fn time_of(id: u64) -> u64 {
    (id >> 22) + EPOCH_MS
}

/// The first id that can be given out at this time.
pub(in super::super) fn first_id_at(ms: u64) -> u64 {
    ms.saturating_sub(EPOCH_MS).min(u64::MAX >> 22) << 22
}

/// A list, empty where there is none.
pub(in super::super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// As much of a text as fits, cut between characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A name that can be shown in one line and reads as it is: without control characters, and without those that nobody sees or
/// that turn the direction of what stands around it. None where nothing is left.
pub(in super::super) fn name(value: &Value) -> Option<String> {
    let shown: String =
        text(value).chars().filter(|&c| !c.is_control() && !is_unseen(c)).take(limits::NAME_BYTES).collect();
    let shown = cut(shown.trim(), limits::NAME_BYTES);
    (!shown.is_empty()).then(|| shown.to_owned())
}

fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_digits_or_a_number() {
        let max = u64::MAX.to_string();
        for (value, is) in [
            (json!("1482309033636531201"), Some(1_482_309_033_636_531_201)),
            (json!(7), Some(7)),
            (json!(max), Some(u64::MAX)),
            (json!(max + "0"), None),
            (json!("0"), None),
            (json!("+5"), None),
            (json!("５"), None),
            (json!(""), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(null), None),
            (json!({ "id": "1" }), None),
        ] {
            assert_eq!(id(&value), is, "{value}");
        }
    }

    #[test]
    fn an_id_tells_its_time() {
        // The example of Discord's own page.
        assert_eq!(time_of(175_928_847_299_117_063), 1_462_015_105_796);
        assert_eq!(time_of(first_id_at(1_462_015_105_796)), 1_462_015_105_796);
        assert_eq!((first_id_at(0), time_of(u64::MAX) > 0), (0, true));
    }

    #[test]
    fn a_name_hides_nothing() {
        for (raw, shown) in [
            ("Mira", Some("Mira")),
            ("  a\tb\r\nc\u{0} ", Some("abc")),
            // `moderator\u{202e}...` would show what follows from right to left.
            ("mod\u{202e}gnp.exe", Some("modgnp.exe")),
            ("\u{2066}x\u{2069}\u{200f}", Some("x")),
            // Letters from right to left stay, as do the joiners that emoji and some scripts need.
            ("שלום", Some("שלום")),
            ("👩\u{200d}💻", Some("👩\u{200d}💻")),
            ("\u{200b}\u{3164}\u{feff}", None),
            ("", None),
        ] {
            assert_eq!(name(&json!(raw)).as_deref(), shown, "{raw:?}");
        }
        assert_eq!(name(&json!("é".repeat(10_000))).map(|name| name.len()), Some(limits::NAME_BYTES));
        assert_eq!(name(&json!(5)), None);
    }
}
