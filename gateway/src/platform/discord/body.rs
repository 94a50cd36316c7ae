//! What a part looks like in the API: <https://discord.com/developers/docs/resources/message#create-message>.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use codec::ButtonView;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::deliver::is_preview;
use crate::platform::Part;

const ROW: u8 = 1;
const BUTTON: u8 = 2;
const LINK: u8 = 5;
const CUSTOM_ID_MAX: usize = 100;
pub(super) const LABEL_MAX: usize = 80;
/// Shows nothing, where there are buttons alone: a message has to have a text.
const BLANK: &str = "\u{200b}";

/// What Discord takes repeats of a send for the same one by: 22 characters of the 25 that there may be.
pub(super) fn nonce(key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(xxh3_128(key.as_bytes()).to_be_bytes())
}

/// The text as it is sent.
pub(super) fn content<'p>(part: &'p Part<'_, '_>) -> &'p str {
    if part.text.trim().is_empty() && !part.buttons.is_empty() && part.file.is_none() { BLANK } else { &part.text }
}

/// A new message.
pub(super) fn create(part: &Part<'_, '_>) -> Value {
    let mut body = shown(part);
    body["nonce"] = json!(nonce(&part.key));
    body["enforce_nonce"] = json!(true);
    // What is answered stands above the first part, and who asked is told. Where it was taken away meanwhile, there is an answer all the same.
    if let Some(answered) = part.action.reply_to.filter(|_| part.key.ends_with(".0") || is_preview(part)) {
        body["message_reference"] = json!({ "message_id": answered, "fail_if_not_exists": false });
    }
    body
}

/// What a message is changed to: buttons that it had and the part has not go away.
pub(super) fn edit(part: &Part<'_, '_>) -> Value {
    let mut body = shown(part);
    if part.buttons.is_empty() {
        body["components"] = json!([]);
    }
    body
}

fn shown(part: &Part<'_, '_>) -> Value {
    let mut body = json!({ "content": content(part), "allowed_mentions": mentions() });
    if !part.buttons.is_empty() {
        body["components"] =
            part.buttons.iter().map(|row| json!({ "type": ROW, "components": buttons(row) })).collect();
    }
    if let Some(file) = &part.file {
        // Of an edit it takes the place of what the message had.
        body["attachments"] = json!([{ "id": 0, "filename": file.name }]);
    }
    body
}

/// A model may be talked into anything: it calls people by their names, and never everybody or a role.
pub(super) fn mentions() -> Value {
    json!({ "parse": ["users"], "replied_user": true })
}

fn buttons(row: &[ButtonView<'_>]) -> Vec<Value> {
    row.iter().map(button).collect()
}

fn button(button: &ButtonView<'_>) -> Value {
    let label = first(button.label, LABEL_MAX);
    let mut shown = json!({ "type": BUTTON, "label": label });
    match button.url {
        Some(url) => (shown["style"], shown["url"]) = (json!(LINK), json!(url)),
        None => {
            shown["style"] = json!(style(button.style));
            shown["custom_id"] = json!(first(button.custom_id.unwrap_or(button.label), CUSTOM_ID_MAX));
        }
    }
    if let Some(emoji) = button.emoji {
        shown["emoji"] = match emoji.rsplit_once(':') {
            Some((name, id)) => json!({ "name": name, "id": id }),
            None => json!({ "name": emoji }),
        };
    }
    shown
}

fn style(style: Option<&str>) -> u8 {
    match style {
        Some("primary") => 1,
        Some("success") => 3,
        Some("danger") => 4,
        _ => 2,
    }
}

/// As many characters of a text, which is what Discord counts.
pub(super) fn first(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use codec::{OutboundView, names};

    use super::*;
    use crate::platform::File;

    fn action<'a>() -> OutboundView<'a> {
        OutboundView { reply_to: Some("9"), ..OutboundView::default() }
    }

    #[test]
    fn a_nonce_is_the_same_for_the_same_part_and_fits() {
        let key = |part| names::part_key("discord:1482309033636531201:0", part);
        assert_eq!(nonce(&key(0)), nonce(&key(0)));
        assert_ne!(nonce(&key(0)), nonce(&key(1)));
        assert!(nonce(&"x".repeat(1000)).len() <= 25);
    }

    #[test]
    fn only_the_first_part_answers_and_nobody_is_called_together() {
        let action = action();
        let body = |key: &str| create(&Part::of_text(key.into(), "@everyone hi".into(), &action));
        assert_eq!(body("k.0")["message_reference"], json!({ "message_id": "9", "fail_if_not_exists": false }));
        assert!(body(&names::preview_key("k"))["message_reference"].is_object(), "it becomes the first part");
        assert!(body("k.1")["message_reference"].is_null());
        assert_eq!(body("k.1")["allowed_mentions"]["parse"], json!(["users"]));
        assert_eq!(body("k.1")["enforce_nonce"], true);
    }

    #[test]
    fn buttons_are_within_what_discord_takes() {
        let action = action();
        let own = ButtonView {
            label: "é",
            custom_id: Some("retry"),
            style: Some("danger"),
            emoji: Some("crab:40"),
            url: None,
        };
        let link = ButtonView {
            label: "CI",
            url: Some("https://ci.example.org/"),
            emoji: Some("🔁"),
            ..ButtonView::default()
        };
        let long = "é".repeat(200);
        let cut = ButtonView { label: &long, ..ButtonView::default() };
        let part =
            Part { buttons: vec![vec![own, link], vec![cut]], ..Part::of_text("k.0".into(), "".into(), &action) };
        let body = create(&part);
        assert_eq!(body["content"], BLANK);
        let rows = &body["components"];
        assert_eq!(
            rows[0]["components"][0],
            json!({
                "type": 2, "label": "é", "style": 4, "custom_id": "retry", "emoji": { "name": "crab", "id": "40" },
            })
        );
        assert_eq!(
            rows[0]["components"][1],
            json!({
                "type": 2, "label": "CI", "style": 5, "url": "https://ci.example.org/", "emoji": { "name": "🔁" },
            })
        );
        let lengths =
            ["label", "custom_id"].map(|field| rows[1]["components"][0][field].as_str().unwrap().chars().count());
        assert_eq!(lengths, [80, 100]);
    }

    #[test]
    fn a_file_is_named() {
        let action = action();
        let file = File { name: "a.md".into(), mimetype: None, bytes: b"x".as_slice().into(), leave: None };
        let part = Part { file: Some(file), ..Part::of_text("k.0".into(), "".into(), &action) };
        assert_eq!(create(&part)["attachments"], json!([{ "id": 0, "filename": "a.md" }]));
        assert_eq!(create(&part)["content"], "");
    }
}
