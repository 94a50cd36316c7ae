//! Names of files, as they may stand on a page, in a message, or in a folder.

use std::borrow::Cow;

/// A file whose name says nothing.
const NAMELESS: &str = "file";

/// A name without folders, and without what would do something to a terminal or turn its end around.
#[must_use]
pub fn file_name(given: &str) -> Cow<'_, str> {
    let given = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: Cow<'_, str> = match given.contains(is_odd) {
        true => given.chars().filter(|c| !is_odd(*c)).collect(),
        false => given.into(),
    };
    if matches!(name.trim(), "" | "." | "..") { NAMELESS.into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_nothing_else() {
        for (given, expected) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\b.txt", "b.txt"),
            ("..", "file"),
            ("", "file"),
            ("evil\u{202e}gpj.exe", "evilgpj.exe"),
            ("a\u{7}b", "ab"),
        ] {
            assert_eq!(file_name(given), expected, "{given:?}");
        }
    }
}
