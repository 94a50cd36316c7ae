//! What a message may be: discord.com/developers/docs/resources/message#create-message.

use serde_json::Value;

use super::{
    body::Body,
    error::{Errors, Failure},
};

/// "Message contents (up to 2000 characters)"; as Unicode has them.
const CONTENT_MAX: usize = 2000;
/// "Can be used to verify a message was sent (up to 25 characters)".
const NONCE_MAX: usize = 25;
/// "Up to 10 rich embeds (up to 6000 characters)".
const EMBEDS_MAX: usize = 10;
const EMBEDS_LENGTH_MAX: usize = 6000;
/// discord.com/developers/docs/reference#uploading-files.
const FILES_MAX: usize = 10;
/// discord.com/developers/docs/components/reference: legacy behavior, "up to 5 action rows"; #action-row, "up to 5 buttons"; #button.
const ROWS_MAX: usize = 5;
const BUTTONS_MAX: usize = 5;
const CUSTOM_ID_MAX: usize = 100;
const LABEL_MAX: usize = 80;
/// discord.com/developers/docs/components/reference#component-object-component-types.
const ROW: u64 = 1;
const BUTTON: u64 = 2;
const SELECTS: [u64; 5] = [3, 5, 6, 7, 8];
/// #button-button-styles.
const LINK: u64 = 5;

/// The fields of a message that is sent or edited.
pub(crate) fn message(body: &Body) -> Result<(), Failure> {
    let (json, mut errors) = (&body.json, Errors::default());
    if let Some(content) = json["content"].as_str() {
        errors.length("content", content, CONTENT_MAX);
    } else if !json["content"].is_null() {
        errors.add("content", "BASE_TYPE_BAD_TYPE", "Could not interpret value as string.");
    }
    match &json["nonce"] {
        Value::String(nonce) => errors.length("nonce", nonce, NONCE_MAX),
        Value::Null | Value::Number(_) => {}
        _ => errors.add("nonce", "NONCE_TYPE_INVALID_TYPE", "Nonce must be either an int or string"),
    }
    embeds(&list(json, "embeds"), &mut errors);
    components(&list(json, "components"), &mut errors);
    attachments(body, &mut errors);
    errors.result()
}

/// Whether there is anything to show; 50006 otherwise.
pub(crate) fn is_empty(body: &Body) -> bool {
    let json = &body.json;
    let has = |field| !list(json, field).is_empty();
    json["content"].as_str().unwrap_or_default().trim().is_empty()
        && body.files.is_empty()
        && !has("embeds")
        && !has("sticker_ids")
        && json["poll"].is_null()
}

/// A list of the body, empty where there is none.
pub(crate) fn list(json: &Value, field: &str) -> Vec<Value> {
    json[field].as_array().cloned().unwrap_or_default()
}

fn embeds(embeds: &[Value], errors: &mut Errors) {
    if embeds.len() > EMBEDS_MAX {
        errors.add("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
    }
    let length = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
    let fields = |embed: &Value| -> usize {
        list(embed, "fields").iter().map(|field| length(&field["name"]) + length(&field["value"])).sum()
    };
    let all: usize = (embeds.iter())
        .map(|embed| {
            length(&embed["title"])
                + length(&embed["description"])
                + length(&embed["footer"]["text"])
                + length(&embed["author"]["name"])
                + fields(embed)
        })
        .sum();
    if all > EMBEDS_LENGTH_MAX {
        errors.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
}

fn components(rows: &[Value], errors: &mut Errors) {
    if rows.len() > ROWS_MAX {
        errors.add("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
    }
    let mut known = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let place = format!("components.{at}");
        if row["type"] != ROW {
            errors.add(&format!("{place}.type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
            continue;
        }
        let parts = list(row, "components");
        let place = format!("{place}.components");
        if parts.is_empty() || parts.len() > BUTTONS_MAX {
            errors.add(&place, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
        }
        for (at, part) in parts.iter().enumerate() {
            component(part, &format!("{place}.{at}"), parts.len(), &mut known, errors);
        }
    }
}

fn component(part: &Value, place: &str, beside: usize, known: &mut Vec<String>, errors: &mut Errors) {
    let kind = part["type"].as_u64().unwrap_or_default();
    let is_select = SELECTS.contains(&kind);
    if kind != BUTTON && !is_select {
        errors.add(
            &format!("{place}.type"),
            "UNION_TYPE_CHOICES",
            "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
        );
    }
    // "A single select component": #action-row.
    if is_select && beside > 1 {
        errors.add(place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width");
    }
    errors.length(&format!("{place}.label"), part["label"].as_str().unwrap_or_default(), LABEL_MAX);
    // "Link buttons must have a url, and cannot have a custom_id"; the others the other way round.
    if kind == BUTTON && part["style"] == LINK {
        if part["url"].as_str().is_none() {
            errors.add(&format!("{place}.url"), "BASE_TYPE_REQUIRED", "This field is required");
        }
        return;
    }
    let id = part["custom_id"].as_str().unwrap_or_default();
    let place = format!("{place}.custom_id");
    errors.length(&place, id, CUSTOM_ID_MAX);
    if id.is_empty() {
        errors.add(&place, "BASE_TYPE_REQUIRED", "This field is required");
    } else if known.iter().any(|known| known == id) {
        errors.add(&place, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
    }
    known.push(id.to_owned());
}

/// Each `attachments` entry of a new file names a `files[n]`: discord.com/developers/docs/reference#editing-message-attachments.
fn attachments(body: &Body, errors: &mut Errors) {
    if body.files.len() > FILES_MAX {
        errors.add("files", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
    }
    // What is longer than an index is the id of a file that is there already.
    for (at, told) in list(&body.json, "attachments").iter().enumerate() {
        let index = told["id"].as_u64().or_else(|| told["id"].as_str()?.parse().ok());
        let is_new = index.is_some_and(|index| index < 1_000);
        if is_new && !body.files.iter().any(|file| Some(file.index) == index) {
            let place = format!("attachments.{at}.id");
            errors.add(&place, "ATTACHMENT_NOT_FOUND", "Attachment data for attachment with ID not found");
        }
    }
}
