//! Holds the bytes of another writer against our reader.
//!
//! ```text
//! cargo run -q -p codec --example check -- inbound < envelope
//! ```
//!
//! `inbound`, `outbound`, `preview` or `history`; standard input is the bytes, or their hex digits. Prints the map as JSON,
//! or says which field breaks which rule where, and ends with 1.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a program")]

use std::io::{Read as _, stdin};
use std::process::ExitCode;

use codec::{Error, HistoryMessageView, InboundView, OutboundView, PreviewFrameView, inspect};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what] = arguments.as_slice() else { return refuse("expected: inbound, outbound, preview or history") };
    let mut input = Vec::new();
    if let Err(error) = stdin().read_to_end(&mut input) {
        return refuse(&format!("cannot read standard input: {error}"));
    }
    let bytes = digits(&input).unwrap_or(input);
    let read: Result<(), Error> = match what.as_str() {
        "inbound" => InboundView::decode(&bytes).map(|_| ()),
        "outbound" => OutboundView::decode(&bytes).map(|_| ()),
        "preview" => PreviewFrameView::decode(&bytes).map(|_| ()),
        "history" => HistoryMessageView::decode(&bytes).map(|_| ()),
        other => return refuse(&format!("no such map: {other}; there are inbound, outbound, preview and history")),
    };
    match read {
        Ok(()) => {
            println!("{}", inspect::json(&bytes).unwrap_or_else(|| "a map with texts that are not UTF-8".into()));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error.to_string()),
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
