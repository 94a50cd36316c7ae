//! Texts as models write them, and some that nobody should.

use super::Inputs;

/// Limits and the place of a prefix (see [`crate::check::split`]), then a text.
fn input(head: [u8; 6], text: &str) -> Vec<u8> {
    [head.as_slice(), text.as_bytes()].concat()
}

/// Each is longer than the shortest limit, so that it is cut.
pub(super) fn all() -> Inputs {
    const SHORT: [u8; 6] = [0, 200, 0, 0, 144, 1];
    let code = "    call(\"something\");\n".repeat(30);
    let texts = [
        ("prose", "Some words. And more of them! Are they?\n\nA paragraph, then.\n".repeat(12)),
        ("fence", format!("Try:\n\n```rust\n{code}```\n\nThat is all.")),
        ("fence-in-quote", format!("> ~~~\n{}> ~~~\nDone.", "> code of it\n".repeat(40))),
        ("fence-never-closed", format!("````\n{code}")),
        ("list", "- one item of a list\n  - and one below it\n1. a number\n".repeat(10)),
        ("quote", format!("> {}\n> > {}", "said ".repeat(60), "again ".repeat(60))),
        ("emphasis", format!("**{} *{}* ~~{}~~** __a_b__", "bold ".repeat(50), "both ".repeat(60), "gone ".repeat(60))),
        ("inline-code", format!("``{}`` and `{}", "a ` b ".repeat(60), "open ".repeat(80))),
        ("links", "[the page](https://example.org/a/b) and <https://example.org> ".repeat(10)),
        ("long-word", "a".repeat(1500)),
        ("graphemes", "👩‍👩‍👧‍👦🇩🇪e\u{301}".repeat(60)),
        ("one-grapheme", format!("a{}", "\u{301}".repeat(700))),
        ("blank", " \n\t\n".repeat(200)),
        ("lines", "\n".repeat(900)),
        ("marks", "*_~|`[>(\\)]#".repeat(80)),
        ("fences", "```\n".repeat(200)),
        ("crlf", "a line\r\n\r\n```\r\ncode\r\n```\r\n".repeat(30)),
    ];
    let mut inputs: Inputs = texts.iter().map(|(name, text)| ((*name).to_owned(), input(SHORT, text))).collect();
    let (_, fence) = &texts[1];
    inputs.push(("limits-utf16-two-parts".into(), input([1, 1, 20, 0, 0, 1], fence)));
    inputs.push(("limits-bytes-one-part".into(), input([2, 0, 44, 1, 80, 0], fence)));
    inputs
}
