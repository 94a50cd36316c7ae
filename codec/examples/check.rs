//! Holds the bytes of another writer against our reader.
//!
//! ```text
//! cargo run -q -p codec --example check -- inbound < envelope
//! ```
//!
//! `inbound`, `outbound`, `preview` (of which there may be several, one after another), `history` or `media`; standard input is the
//! bytes, or their hex digits. Prints the map as JSON and names keys that readers skip, or says which field breaks which
//! rule where, and ends with 1.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a program")]

use std::io::{Read as _, stdin};
use std::process::ExitCode;

use codec::{
    Error, Field, HistoryMessageView, InboundView, MediaRecordView, OutboundView, PreviewFrameView, frames, inspect,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what] = arguments.as_slice() else { return refuse("expected: inbound, outbound, preview, history or media") };
    let mut input = Vec::new();
    if let Err(error) = stdin().read_to_end(&mut input) {
        return refuse(&format!("cannot read standard input: {error}"));
    }
    let bytes = digits(&input).unwrap_or(input);
    let read: Result<&[Field], Error> = match what.as_str() {
        "inbound" => InboundView::decode(&bytes).map(|_| InboundView::FIELDS),
        "outbound" => OutboundView::decode(&bytes).map(|_| OutboundView::FIELDS),
        "history" => HistoryMessageView::decode(&bytes).map(|_| HistoryMessageView::FIELDS),
        "media" => MediaRecordView::decode(&bytes).map(|_| MediaRecordView::FIELDS),
        "preview" => return previews(&bytes),
        other => {
            return refuse(&format!("no such map: {other}; there are inbound, outbound, preview, history and media"));
        }
    };
    match read {
        Ok(fields) => {
            tell(&bytes, fields);
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error.to_string()),
    }
}

/// Each frame of a publish.
fn previews(bytes: &[u8]) -> ExitCode {
    for frame in frames(bytes) {
        match frame {
            Ok(frame) => tell(&frame.into_owned().to_bytes(), PreviewFrameView::FIELDS),
            Err(error) => return refuse(&error.to_string()),
        }
    }
    ExitCode::SUCCESS
}

/// The map, and which of its keys say nothing to a reader of today. That is no fault on the wire, but may be a slip.
fn tell(map: &[u8], fields: &[Field]) {
    println!("{}", inspect::json(map).unwrap_or_else(|| "a map with texts that are not UTF-8".into()));
    for (key, _) in inspect::pairs(map).unwrap_or_default() {
        let name = inspect::json(key).unwrap_or_default();
        if !fields.iter().any(|field| inspect::quoted(field.name) == name) {
            eprintln!("skipped by readers: {name}, which is no field of this map");
        }
    }
}

/// The bytes, if the input is hex. No envelope is: it begins with a map.
fn digits(input: &[u8]) -> Option<Vec<u8>> {
    let text: String = std::str::from_utf8(input).ok()?.split_whitespace().collect();
    inspect::bytes(&text)
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("{reason}");
    ExitCode::FAILURE
}
