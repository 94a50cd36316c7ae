//! Takes a safeguard out of what a daemon sends to Redis, so that it can be seen to be missed. The daemons stay as they are.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::Sabotage;

/// Longer than any entry of a test is pending.
const IDLE_NEVER_REACHED: &[u8] = b"999999999999";

/// What is taken out, and how often it was met. Clones are the same.
#[derive(Debug, Clone)]
pub struct Saboteur {
    sabotage: Sabotage,
    /// The names under which clients call their scripts, and those under which the changed ones are called.
    scripts: Arc<Mutex<HashMap<String, String>>>,
    met: Arc<AtomicU64>,
}

impl Saboteur {
    /// Takes this safeguard out.
    #[must_use]
    pub fn new(sabotage: Sabotage) -> Self {
        Self { sabotage, scripts: Arc::default(), met: Arc::default() }
    }

    /// How often it was taken out. Where it never was, nothing has been tried.
    #[must_use]
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }

    /// Other parts for a command, where it is one that is changed: their index and their bytes.
    fn change(&self, parts: &[&[u8]]) -> Option<(usize, Vec<u8>)> {
        let is =
            |index: usize, word: &str| parts.get(index).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        let changed = match self.sabotage {
            // Answered, and nothing is watched. Who asks does not look at the answer.
            Sabotage::Watch if is(0, "WATCH") => Some((0, b"EXISTS".to_vec())),
            Sabotage::Claim if is(0, "XAUTOCLAIM") => Some((4, IDLE_NEVER_REACHED.to_vec())),
            Sabotage::Script(text, other) if is(0, "SCRIPT") && is(1, "LOAD") => {
                let code = String::from_utf8_lossy(parts.get(2)?);
                if !code.contains(text) {
                    return None;
                }
                let changed = code.replace(text, other);
                let mut scripts = self.scripts.lock().expect("nobody panics with it");
                scripts.insert(name(code.as_bytes()), name(changed.as_bytes()));
                Some((2, changed.into_bytes()))
            }
            Sabotage::Script(..) if is(0, "EVALSHA") => {
                let scripts = self.scripts.lock().expect("nobody panics with it");
                Some((1, scripts.get(std::str::from_utf8(parts.get(1)?).ok()?)?.clone().into_bytes()))
            }
            _ => None,
        };
        self.met.fetch_add(u64::from(changed.is_some()), Ordering::Relaxed);
        changed
    }
}

fn name(code: &[u8]) -> String {
    sha1_smol::Sha1::from(code).digest().to_string()
}

/// The requests of one connection, cut into commands.
pub(super) struct Rewriter {
    saboteur: Saboteur,
    buffer: Vec<u8>,
}

impl Rewriter {
    pub(super) fn new(saboteur: Saboteur) -> Self {
        Self { saboteur, buffer: Vec::new() }
    }

    /// Takes bytes in; what may be passed on, which is whole commands.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.buffer.extend_from_slice(bytes);
        let (mut out, mut from) = (Vec::new(), 0);
        while let Some((parts, end)) = command(&self.buffer, from) {
            let parts: Vec<&[u8]> = parts.into_iter().map(|part| &self.buffer[part]).collect();
            match self.saboteur.change(&parts) {
                None => out.extend_from_slice(&self.buffer[from..end]),
                Some((index, other)) => {
                    out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
                    for (at, part) in parts.iter().enumerate() {
                        let part = if at == index { &other } else { *part };
                        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
                        out.extend_from_slice(part);
                        out.extend_from_slice(b"\r\n");
                    }
                }
            }
            from = end;
        }
        self.buffer.drain(..from);
        out
    }
}

/// Where the parts of the command are that begins at `from`, and where it ends; nothing while it is not whole.
fn command(buffer: &[u8], from: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let (count, mut at) = header(buffer, from, b'*')?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, begin) = header(buffer, at, b'$')?;
        at = begin + length + 2;
        if at > buffer.len() {
            return None;
        }
        parts.push(begin..begin + length);
    }
    Some((parts, at))
}

/// The number of a line like `*3` or `$10`, and where the next one begins.
fn header(buffer: &[u8], from: usize, kind: u8) -> Option<(usize, usize)> {
    let line = &buffer[from..];
    let end = line.iter().position(|byte| *byte == b'\n')?;
    assert_eq!(line[0], kind, "clients send commands as arrays of strings");
    let number = std::str::from_utf8(&line[1..end]).ok().and_then(|text| text.trim_end().parse().ok());
    Some((number.expect("a length"), from + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: &[u8] = b"*2\r\n$5\r\nWATCH\r\n$1\r\nf\r\n*6\r\n$10\r\nXAUTOCLAIM\r\n$1\r\ns\r\n$1\r\ng\r\n$1\r\nc\r\n$1\r\n0\r\n$3\r\n0-0\r\n";

    fn bytewise(sabotage: Sabotage) -> (String, u64) {
        let saboteur = Saboteur::new(sabotage);
        let mut rewriter = Rewriter::new(saboteur.clone());
        let passed: Vec<u8> = REQUESTS.chunks(1).flat_map(|byte| rewriter.pass(byte)).collect();
        (String::from_utf8(passed).unwrap(), saboteur.met())
    }

    #[test]
    fn only_the_safeguard_is_changed_wherever_the_bytes_are_cut() {
        let text = std::str::from_utf8(REQUESTS).unwrap();
        assert_eq!(bytewise(Sabotage::Script("a", "b")), (text.to_owned(), 0));
        assert_eq!(bytewise(Sabotage::Watch), (text.replace("$5\r\nWATCH", "$6\r\nEXISTS"), 1));
        assert_eq!(bytewise(Sabotage::Claim), (text.replace("$1\r\n0\r\n", "$12\r\n999999999999\r\n"), 1));
    }

    #[test]
    fn a_changed_script_is_called_by_its_own_name() {
        let saboteur = Saboteur::new(Sabotage::Script("return 1", "return 2"));
        assert_eq!(saboteur.change(&[b"EVALSHA", name(b"return 1").as_bytes()]), None, "not loaded yet");
        assert_eq!(saboteur.change(&[b"SCRIPT", b"LOAD", b"return 1"]), Some((2, b"return 2".to_vec())));
        let called = saboteur.change(&[b"EVALSHA", name(b"return 1").as_bytes(), b"0"]);
        assert_eq!(called, Some((1, name(b"return 2").into_bytes())));
    }
}
