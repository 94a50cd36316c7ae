//! The file of an action.

use std::borrow::Cow;

use codec::OutboundView;

use super::{Egress, Undone, fit::Carried};
use crate::platform::File;

/// What of a file there is.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Nothing,
    File(File<'a>),
    Missing,
}

impl<'a> Found<'a> {
    pub(super) fn carried(&self) -> Carried {
        match self {
            Self::Nothing => Carried::Nothing,
            Self::File(file) => Carried::File(file.bytes.len() as u64),
            Self::Missing => Carried::Missing,
        }
    }

    pub(super) fn take(self) -> Option<File<'a>> {
        match self {
            Self::File(file) => Some(file),
            Self::Nothing | Self::Missing => None,
        }
    }
}

impl Egress {
    /// The action's file, wherever its bytes are.
    pub(super) async fn file<'a>(&self, action: &'a OutboundView<'_>) -> Result<Found<'a>, Undone> {
        let bytes = match (action.data, action.media_key) {
            (Some(bytes), _) => Cow::Borrowed(bytes),
            (None, Some(key)) => match self.records.value(key).await? {
                Some(bytes) => Cow::Owned(bytes.to_vec()),
                None => return Ok(Found::Missing),
            },
            (None, None) => return Ok(Found::Nothing),
        };
        Ok(Found::File(File { name: name(action), mimetype: action.mimetype, bytes }))
    }
}

/// What a file is called: without folders, and without what would do something to a terminal or turn its end around.
pub(super) fn name<'a>(action: &OutboundView<'a>) -> Cow<'a, str> {
    let given = action.filename.unwrap_or_default();
    let given = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: Cow<'_, str> = match given.contains(is_odd) {
        true => given.chars().filter(|c| !is_odd(*c)).collect(),
        false => given.into(),
    };
    if matches!(name.trim(), "" | "." | "..") { "file".into() } else { name }
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
            let action = OutboundView { filename: Some(given), ..OutboundView::default() };
            assert_eq!(name(&action), expected, "{given:?}");
        }
    }
}
