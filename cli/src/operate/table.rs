//! Columns for people: plain text, so that `grep` and `awk` get on with them.

use comfy_table::{Table, presets};

/// `rows` under `head`, without a frame.
pub(super) fn table<R: IntoIterator<Item = String>>(head: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row.into_iter().map(|cell| one_line(&cell)));
    }
    // Cells are padded to the right, the last one too.
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// What was written by others must not move the cursor or colour the screen.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The beginning of a text that may be long.
pub(super) fn cut(text: &str, chars: usize) -> String {
    let mut all = text.chars();
    let mut cut: String = all.by_ref().take(chars).collect();
    if all.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_one_line_each() {
        let shown = table(&["a", "b"], [["1".to_owned(), "x\n\u{1b}[31my".to_owned()]]);
        assert_eq!(shown.lines().count(), 2);
        assert!(!shown.contains('\u{1b}') && !shown.contains("  \n"), "{shown:?}");
        assert_eq!((cut("äöü", 2).as_str(), cut("äö", 2).as_str()), ("äö…", "äö"));
    }
}
