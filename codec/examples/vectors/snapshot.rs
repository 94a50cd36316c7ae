//! The schema as a file: what readers and writers that are already out there count on. It only grows.

use codec::limits;
use codec::{Attachment, Button, Field, HistoryMessage, Inbound, MediaRecord, Needs, Outbound, PreviewFrame, Type};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All maps of the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schema {
    /// Bounds of whole envelopes, and of what no field's own says.
    #[serde(default)]
    pub(crate) limits: BTreeMap<String, usize>,
    pub(crate) maps: Vec<MapEntry>,
}

/// One map: an envelope by its name, or a map inside one by its type's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MapEntry {
    pub(crate) name: String,
    pub(crate) fields: Vec<FieldEntry>,
    pub(crate) needs: Vec<NeedsEntry>,
}

/// One field. A bound that is absent is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldEntry {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) presence: String,
    pub(crate) default: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_min: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_max: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) items_max: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) words: Vec<String>,
}

/// What one kind needs: of each list one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NeedsEntry {
    pub(crate) by: String,
    pub(crate) needed: Vec<Vec<String>>,
    pub(crate) used: Vec<String>,
}

impl Schema {
    /// The schema of the code.
    pub(crate) fn today() -> Self {
        let map = |name: &str, fields: &[Field], needs: &[Needs]| MapEntry {
            name: name.to_owned(),
            fields: fields.iter().map(FieldEntry::new).collect(),
            needs: needs.iter().map(NeedsEntry::new).collect(),
        };
        Self {
            limits: limits::ALL.iter().map(|limit| (limit.name.to_owned(), limit.value)).collect(),
            maps: vec![
                map("inbound", Inbound::FIELDS, Inbound::NEEDS),
                map("Attachment", Attachment::FIELDS, &[]),
                map("outbound", Outbound::FIELDS, Outbound::NEEDS),
                map("Button", Button::FIELDS, &[]),
                map("preview", PreviewFrame::FIELDS, &[]),
                map("history", HistoryMessage::FIELDS, &[]),
                map("media", MediaRecord::FIELDS, &[]),
            ],
        }
    }

    /// `schema.json`, a line for each field, so that what was added shows as lines added.
    pub(crate) fn file(&self) -> String {
        fn lines<T: Serialize>(items: &[T]) -> String {
            let line = |item| format!("\n        {}", serde_json::to_string(item).unwrap());
            items.iter().map(line).collect::<Vec<_>>().join(",")
        }
        let map = |map: &MapEntry| {
            format!(
                "    {{\n      \"name\": \"{}\",\n      \"fields\": [{}\n      ],\n      \"needs\": [{}{}]\n    }}",
                map.name,
                lines(&map.fields),
                lines(&map.needs),
                if map.needs.is_empty() { "" } else { "\n      " },
            )
        };
        let limits: Vec<_> = self.limits.iter().map(|(name, value)| format!("    \"{name}\": {value}")).collect();
        let maps: Vec<_> = self.maps.iter().map(map).collect();
        format!("{{\n  \"limits\": {{\n{}\n  }},\n  \"maps\": [\n{}\n  ]\n}}\n", limits.join(",\n"), maps.join(",\n"))
    }

    pub(crate) fn map(&self, name: &str) -> Option<&MapEntry> {
        self.maps.iter().find(|map| map.name == name)
    }
}

impl MapEntry {
    pub(crate) fn field(&self, name: &str) -> Option<&FieldEntry> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl FieldEntry {
    fn new(field: &Field) -> Self {
        let bound = |value: usize, none: usize| (value != none).then_some(value);
        Self {
            name: field.name.to_owned(),
            ty: field.ty.to_string(),
            presence: format!("{:?}", field.presence).to_lowercase(),
            default: field.default.to_owned(),
            bytes_min: bound(field.bound.bytes_min, 0),
            bytes_max: bound(field.bound.bytes_max, usize::MAX),
            items_max: bound(field.bound.items_max, usize::MAX),
            pattern: field.bound.pattern.map(|pattern| pattern.as_str().to_owned()),
            words: match field.ty {
                Type::Choice(words) => owned(words),
                _ => Vec::new(),
            },
        }
    }
}

impl NeedsEntry {
    fn new(row: &Needs) -> Self {
        let needed = row.needed.iter().map(|need| owned(need.one_of)).collect();
        Self { by: row.by.to_owned(), needed, used: owned(row.used) }
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
