//! The vectors of all schemas so far: what writers that are already out there send.

use codec::inspect::{bytes, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A vector as the files have it. `cases.json` says in `value` as well what the bytes mean.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) envelope: String,
    pub(crate) bytes: String,
}

impl Kept {
    /// What the bytes mean, without our reader's help.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&json(&bytes(&self.bytes).unwrap()).unwrap()).unwrap()
    }
}

/// `kept` with those of `cases` behind it that have other keys than every kept one of their name. A case whose example
/// merely reads differently says nothing new about the schema.
pub(crate) fn grown(kept: &str, cases: &str) -> String {
    let mut kept: Vec<Kept> = serde_json::from_str(kept).unwrap();
    for case in serde_json::from_str::<Vec<Kept>>(cases).unwrap() {
        let keys = keys(&case.value());
        if !kept.iter().any(|old| old.name == case.name && self::keys(&old.value()) == keys) {
            kept.push(case);
        }
    }
    let lines: Vec<_> = kept.iter().map(|case| format!("  {}", serde_json::to_string(case).unwrap())).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// The keys of a value and of all maps inside it, dotted.
fn keys(value: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    match value {
        Value::Array(items) => keys.extend(items.iter().flat_map(self::keys)),
        Value::Object(map) => {
            for (key, value) in map {
                keys.push(key.clone());
                keys.extend(self::keys(value).into_iter().map(|inner| format!("{key}.{inner}")));
            }
        }
        _ => {}
    }
    keys.sort();
    keys
}
