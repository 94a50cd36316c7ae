//! The commands, in the groups in which Redis documents them. Each answers as RESP2 does.

mod collections;
mod groups;
mod keys;
mod streams;

use bus::reply::Value;

use super::store::{Refused, Store};

/// What a command came to.
type Done = Result<Value, Refused>;

/// Runs one command.
pub(super) fn run(store: &mut Store, parts: &[Vec<u8>]) -> Done {
    let arguments = Arguments(parts);
    let word = arguments.text(0).to_ascii_uppercase();
    let families = [keys::run, collections::run, streams::run, groups::run];
    let done = families.into_iter().find_map(|family| family(store, &word, arguments));
    done.unwrap_or_else(|| Err(format!("ERR unknown command '{word}'")))
}

/// A command with its arguments.
#[derive(Debug, Clone, Copy)]
struct Arguments<'a>(&'a [Vec<u8>]);

impl<'a> Arguments<'a> {
    fn bytes(self, at: usize) -> &'a [u8] {
        self.0.get(at).map(Vec::as_slice).unwrap_or_default()
    }

    fn text(self, at: usize) -> String {
        String::from_utf8_lossy(self.bytes(at)).into_owned()
    }

    fn number<T: std::str::FromStr>(self, at: usize) -> Result<T, Refused> {
        self.text(at).parse().map_err(|_| "ERR value is not an integer or out of range".to_owned())
    }

    fn is(self, at: usize, word: &str) -> bool {
        self.bytes(at).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Where an option stands, from `from` on.
    fn find(self, from: usize, word: &str) -> Option<usize> {
        (from..self.0.len()).find(|at| self.is(*at, word))
    }

    fn from(self, at: usize) -> &'a [Vec<u8>] {
        self.0.get(at..).unwrap_or_default()
    }
}

fn bulk(bytes: impl AsRef<[u8]>) -> Value {
    Value::BulkString(bytes.as_ref().to_vec())
}

fn int(number: usize) -> Done {
    Ok(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn maybe(bytes: Option<&Vec<u8>>) -> Done {
    Ok(bytes.map_or(Value::Nil, bulk))
}

/// The items from `start` to `stop`, both included, counted from the end where they are negative.
fn slice(length: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let place = |at: i64| if at < 0 { length as i64 + at } else { at };
    let (start, stop) = (place(start).max(0), place(stop).min(length as i64 - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}
