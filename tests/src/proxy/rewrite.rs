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
    /// The changed scripts, by the names under which clients call them.
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

    /// Other parts for a command, where it is one that is changed.
    fn change(&self, parts: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
        let is =
            |index: usize, word: &str| parts.get(index).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        let mut changed: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        match self.sabotage {
            // Answered, and nothing is watched. Who asks does not look at the answer.
            Sabotage::Watch if is(0, "WATCH") => changed[0] = b"EXISTS".to_vec(),
            Sabotage::Claim if is(0, "XAUTOCLAIM") => changed[4] = IDLE_NEVER_REACHED.to_vec(),
            // Loaded as it is, since clients compare the answer with the name that they know; but called in its other form.
            Sabotage::Script(text, other) if is(0, "SCRIPT") && is(1, "LOAD") => {
                let code = String::from_utf8_lossy(parts[2]);
                if code.contains(text) {
                    let name = sha1_smol::Sha1::from(parts[2]).digest().to_string();
                    self.scripts.lock().expect("nobody panics with it").insert(name, code.replace(text, other));
                }
                return None;
            }
            Sabotage::Script(..) if is(0, "EVALSHA") => {
                let scripts = self.scripts.lock().expect("nobody panics with it");
                let code = scripts.get(std::str::from_utf8(parts[1]).ok()?)?;
                (changed[0], changed[1]) = (b"EVAL".to_vec(), code.clone().into_bytes());
            }
            _ => return None,
        }
        self.met.fetch_add(1, Ordering::Relaxed);
        Some(changed)
    }
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
                Some(changed) => {
                    out.extend_from_slice(format!("*{}\r\n", changed.len()).as_bytes());
                    for part in changed {
                        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
                        out.extend_from_slice(&part);
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
    fn a_script_is_called_in_its_other_form() {
        let saboteur = Saboteur::new(Sabotage::Script("return 1", "return 2"));
        let name = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
        let call: [&[u8]; 3] = [b"EVALSHA", name.as_bytes(), b"0"];
        assert_eq!(saboteur.change(&call), None, "nothing is known of it yet");
        assert_eq!(saboteur.change(&[b"SCRIPT", b"LOAD", b"return 1"]), None);
        let changed: [&[u8]; 3] = [b"EVAL", b"return 2", b"0"];
        assert_eq!(saboteur.change(&call), Some(changed.map(<[u8]>::to_vec).to_vec()));
        assert_eq!(saboteur.met(), 1);
    }
}
