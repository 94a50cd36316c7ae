//! The vectors in `codec/vectors`: what we write is in the files, and what other languages' libraries wrote of it is
//! read as the same envelope.

use std::collections::BTreeMap;
use std::path::Path;

use codec::inspect::{bytes, hex};
use codec::{
    ActionType, Error, HistoryMessageView, InboundView, Kind, MediaRecordView, OutboundView, PreviewFrameView, Rule,
};
use rmpv::Value;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cases::{self, Case};

pub(crate) const REDO: &str = "`./dev vectors` brings the files of codec/vectors up to date";

pub(crate) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; {REDO}", path.display()))
}

/// Reads an envelope with our decoder and writes it with our encoder.
pub(crate) fn rewritten(envelope: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let again = match envelope {
        "inbound" => InboundView::decode(bytes)?.into_owned().to_bytes(),
        "outbound" => OutboundView::decode(bytes)?.into_owned().to_bytes(),
        "preview" => PreviewFrameView::decode(bytes)?.into_owned().to_bytes(),
        "history" => HistoryMessageView::decode(bytes)?.into_owned().to_bytes(),
        "media" => MediaRecordView::decode(bytes)?.into_owned().to_bytes(),
        other => panic!("no envelope is called {other}"),
    };
    Ok(again.into())
}

/// The pairs of an envelope that we wrote, as a foreign reader sees them.
pub(crate) fn pairs(bytes: &[u8]) -> Vec<(Value, Value)> {
    let Value::Map(pairs) = rmpv::decode::read_value(&mut &bytes[..]).unwrap() else { panic!("not a map") };
    pairs
}

#[test]
fn the_file_holds_what_we_write() {
    let cases = cases::cases();
    assert!(file("cases.json") == cases::file(&cases), "cases.json is not what the code makes; {REDO}");
    for case in &cases {
        assert_eq!(rewritten(case.envelope, &case.bytes).as_ref(), Ok(&case.bytes), "{}", case.name);
    }
    let names = |needle: &str| cases.iter().filter(|case| case.name.contains(needle)).count();
    assert_eq!(names("/minimal"), names("/full"));
    assert_eq!(names("/full"), Kind::ALL.len() + ActionType::ALL.len() + 3, "kinds, types, preview, history, media");
}

/// A file that another language's script wrote.
#[derive(Deserialize)]
struct Foreign {
    /// Name and version.
    library: String,
    /// SHA-256 of the `cases.json` that it was made from.
    cases: String,
    written: BTreeMap<String, Vec<Entry>>,
}

/// One case in one or more ways that came to the same bytes.
#[derive(Deserialize)]
struct Entry {
    how: Vec<String>,
    bytes: String,
    /// What was done to the floats: `single` rounds them to 32 bits, `whole` cuts them.
    floats: Option<String>,
    /// The field that our reader refuses to read.
    refused: Option<String>,
}

fn foreign(name: &str) -> Foreign {
    serde_json::from_str(&file(name)).unwrap()
}

/// Each case as the library wrote it, in at least `ways` different forms where the case has something of each type.
fn check(name: &str, ways: usize) {
    let (foreign, cases) = (foreign(name), cases::cases());
    let digest = hex(&Sha256::digest(file("cases.json")));
    assert_eq!(foreign.cases, digest, "{name} was made from other cases; {REDO}");
    assert_eq!(foreign.written.len(), cases.len(), "{name}; {REDO}");
    for case in &cases {
        let entries = foreign.written.get(&case.name).unwrap_or_else(|| panic!("{name} lacks {}; {REDO}", case.name));
        for entry in entries {
            is_read(name, case, entry);
        }
    }
    let forms = foreign.written["inbound/message/full"].len();
    assert!(forms >= ways, "{name}: only {forms} forms of a full message");
}

fn is_read(name: &str, case: &Case, entry: &Entry) {
    let what = format!("{name}, {}, {}", case.name, entry.how.join(" / "));
    let read = rewritten(case.envelope, &bytes(&entry.bytes).unwrap());
    match (&entry.refused, read) {
        (Some(field), Err(error)) => {
            assert_eq!(error.field, field, "{what}: {error}");
            assert!(matches!(error.rule, Rule::Range(_) | Rule::Type("binary")), "{what}: {error}");
        }
        (Some(field), Ok(_)) => panic!("{what}: `{field}` was not refused, and is not what was meant"),
        (None, Err(error)) => panic!("{what}: {error}"),
        (None, Ok(again)) => {
            let expected = meaning(case, &case.bytes, entry.floats.as_deref());
            assert_eq!(meaning(case, &again, None), expected, "{what}");
            if entry.floats.is_none() && !expected.iter().any(|(key, _)| is_raw(key)) {
                assert_eq!(hex(&again), hex(&case.bytes), "{what}");
            }
        }
    }
}

/// Fields that are kept as they came, so that the foreign form of their numbers and the order of their keys stays.
fn is_raw(key: &Value) -> bool {
    matches!(key.as_str(), Some("embeds" | "args"))
}

/// The pairs that we wrote, in their order, with raw fields and floats in a form that can be compared.
fn meaning(case: &Case, bytes: &[u8], floats: Option<&str>) -> Vec<(Value, Value)> {
    let form = |(key, value): (Value, Value)| match value {
        value if is_raw(&key) => (key, plain(value)),
        Value::F64(seconds) => {
            let seconds = match floats {
                None => seconds,
                Some("single") => f64::from(seconds as f32),
                Some("whole") => seconds.trunc(),
                Some(other) => panic!("{}: no such thing is done to floats: {other}", case.name),
            };
            (key, Value::F64(seconds))
        }
        value => (key, value),
    };
    pairs(bytes).into_iter().map(form).collect()
}

/// Numbers as floats, keys sorted.
fn plain(value: Value) -> Value {
    match value {
        Value::Integer(number) => Value::F64(number.as_f64().unwrap()),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Map(mut pairs) => {
            pairs.sort_by_key(|(key, _)| key.to_string());
            Value::Map(pairs.into_iter().map(|(key, value)| (key, plain(value))).collect())
        }
        other => other,
    }
}

#[test]
fn what_python_wrote_is_read() {
    check("python.json", 8);
}

#[test]
fn what_javascript_wrote_is_read() {
    check("javascript.json", 8);
}

#[test]
fn the_files_were_made_by_the_pinned_libraries() {
    let python = foreign("python.json").library.replace(' ', "==");
    assert!(file("requirements.txt").contains(&format!("{python} ")), "{python} is not pinned; {REDO}");
    let library = foreign("javascript.json").library;
    let (name, version) = library.split_once(' ').unwrap();
    let pinned: serde_json::Value = serde_json::from_str(&file("package.json")).unwrap();
    assert_eq!(pinned["dependencies"][name], version, "{REDO}");
    let locked: serde_json::Value = serde_json::from_str(&file("package-lock.json")).unwrap();
    assert_eq!(locked["packages"][&format!("node_modules/{name}")]["version"], version, "{REDO}");
}

/// Both libraries lose digits of large numbers in some of their ways; those are the only entries that are refused, but
/// for the old form of msgpack, which has no binary.
#[test]
fn what_is_refused_is_never_a_plain_envelope() {
    for name in ["python.json", "javascript.json"] {
        for (case, entries) in foreign(name).written {
            let read = entries.iter().filter(|entry| entry.refused.is_none()).count();
            assert!(read >= 4, "{name}, {case}: only {read} ways are read");
            for entry in entries.iter().filter(|entry| entry.refused.is_some()) {
                let is_known = case.ends_with("beyond-53-bits") || entry.how == ["use_bin_type=False"];
                assert!(is_known, "{name}, {case}: {:?}", entry.how);
            }
        }
    }
}
