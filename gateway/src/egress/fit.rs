//! What an action becomes on a platform that cannot show all of it: buttons become numbered lines, a file its name, an edit a
//! message of its own. What has no such form is dropped and counted.

use std::{borrow::Cow, fmt::Write};

use codec::{ActionType, ButtonView, OutboundView};

use super::file::name;
use crate::platform::{ButtonLimits, Capabilities};

/// How an action is carried out here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It makes messages.
    Send,
    /// It changes what is there.
    Change,
    /// It only shows for a while.
    Apply,
    /// It asks something.
    Call,
    /// Nothing of it can be shown here; why, for the metric.
    Drop(&'static str),
}

/// Which way an action goes.
pub(super) fn way(action: ActionType, can: &Capabilities) -> Way {
    let if_can = |can: bool, way: Way, reason: &'static str| if can { way } else { Way::Drop(reason) };
    match action {
        ActionType::Message | ActionType::File | ActionType::Buttons => Way::Send,
        ActionType::Edit if !can.edits => Way::Send,
        ActionType::Edit => Way::Change,
        ActionType::Delete => if_can(can.deletes, Way::Change, "no_deletes"),
        ActionType::Reaction => if_can(can.reactions, Way::Change, "no_reactions"),
        ActionType::Typing => if_can(can.typing, Way::Apply, "no_typing"),
        ActionType::Presence => if_can(can.presence, Way::Apply, "no_presence"),
        ActionType::Rpc => Way::Call,
    }
}

/// What is shown of an action that makes messages, or of an edit.
#[derive(Debug)]
pub(super) struct Shown<'a, 'v> {
    pub(super) text: Cow<'a, str>,
    pub(super) buttons: Vec<Vec<ButtonView<'v>>>,
    /// Whether the action's file goes with it.
    pub(super) has_file: bool,
}

/// Stands before the text of an edit where the message that it changes cannot be changed.
const EDIT_MARK: &str = "✏️ ";

/// What an action carries beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    Nothing,
    /// A file of so many bytes.
    File(u64),
    /// A file that is not kept any more.
    Missing,
}

/// Fits an action into what the platform can.
pub(super) fn fit<'a, 'v>(action: &'a OutboundView<'v>, carried: Carried, can: &Capabilities) -> Shown<'a, 'v> {
    let mut text = Cow::Borrowed(action.text);
    if action.action == ActionType::Edit && !can.edits && !text.trim().is_empty() {
        text.to_mut().insert_str(0, EDIT_MARK);
    }
    let name = || plain(&name(action));
    let missing = match (carried, can.files) {
        (Carried::Nothing, _) => String::new(),
        (Carried::File(bytes), Some(limits)) if bytes <= limits.bytes => String::new(),
        (Carried::File(bytes), Some(_)) => format!("[{} ({}): too large to be sent here]", name(), size(bytes)),
        (Carried::File(bytes), None) => format!("[{} ({}): files cannot be sent here]", name(), size(bytes)),
        (Carried::Missing, _) => format!("[{}: not kept any more]", name()),
    };
    let has_file = matches!(carried, Carried::File(_)) && missing.is_empty();
    paragraph(&mut text, &missing);
    let rows: Vec<Vec<ButtonView<'v>>> = action.buttons.iter().map(|row| row.into_iter().collect()).collect();
    let buttons = match can.buttons.and_then(|limits| arrange(&rows, limits)) {
        Some(buttons) => buttons,
        None => {
            paragraph(&mut text, &numbered(rows.iter().flatten()));
            Vec::new()
        }
    };
    Shown { text, buttons, has_file }
}

/// The rows as they are where they fit, else the same buttons in full rows; none where they are too many.
fn arrange<'v>(rows: &[Vec<ButtonView<'v>>], limits: ButtonLimits) -> Option<Vec<Vec<ButtonView<'v>>>> {
    if rows.len() <= limits.rows && rows.iter().all(|row| row.len() <= limits.per_row) {
        return Some(rows.iter().filter(|row| !row.is_empty()).map(|row| labelled(row, limits.label)).collect());
    }
    let all = labelled(&rows.concat(), limits.label);
    let full: Vec<_> = all.chunks(limits.per_row.max(1)).map(<[_]>::to_vec).collect();
    (full.len() <= limits.rows).then_some(full)
}

/// With labels that are cut where they are too long.
fn labelled<'v>(buttons: &[ButtonView<'v>], most: usize) -> Vec<ButtonView<'v>> {
    let cut = |label: &'v str| label.char_indices().nth(most).map_or(label, |(end, _)| &label[..end]);
    buttons.iter().map(|button| ButtonView { label: cut(button.label), ..*button }).collect()
}

/// One line for each button: what it says, and where it leads.
fn numbered<'b, 'v: 'b>(buttons: impl Iterator<Item = &'b ButtonView<'v>>) -> String {
    let mut lines = String::new();
    for (button, number) in buttons.zip(1..) {
        if !lines.is_empty() {
            lines.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = write!(lines, "{number}. ");
        if let Some(emoji) = button.emoji {
            lines.push_str(emoji);
            lines.push(' ');
        }
        let label = plain(button.label);
        match button.url {
            Some(url) => _ = write!(lines, "[{label}](<{}>)", url.replace(['<', '>', '\n'], "")),
            None => lines.push_str(&label),
        }
    }
    lines
}

/// A text of one line that is no markup.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '<' | '>') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

fn paragraph(text: &mut Cow<'_, str>, more: &str) {
    if more.is_empty() {
        return;
    }
    let text = text.to_mut();
    if !text.trim().is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// `3.1 MiB`.
fn size(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use codec::{Button, Outbound};

    use super::*;
    use crate::platform::FileLimits;

    fn buttons(count: usize) -> Vec<Button> {
        (1..=count).map(|n| Button { label: format!("No. {n}"), ..Button::default() }).collect()
    }

    fn shown(action: &Outbound, carried: Carried, can: &Capabilities) -> (String, Vec<usize>, bool) {
        let bytes = action.to_bytes();
        let view = OutboundView::decode(&bytes).unwrap();
        let shown = fit(&view, carried, can);
        (shown.text.into_owned(), shown.buttons.iter().map(Vec::len).collect(), shown.has_file)
    }

    fn action(action: ActionType, text: &str) -> Outbound {
        Outbound {
            platform: "sim".into(),
            channel_id: Some("c".into()),
            action,
            text: text.into(),
            ..Outbound::default()
        }
    }

    #[test]
    fn buttons_are_shown_arranged_or_told() {
        let limits = ButtonLimits { rows: 2, per_row: 3, label: 80 };
        let can = Capabilities { buttons: Some(limits), ..Capabilities::TEXT_ONLY };
        let with = |rows: Vec<Vec<Button>>| Outbound { buttons: rows, ..action(ActionType::Buttons, "Which?") };
        assert_eq!(shown(&with(vec![buttons(1), buttons(3)]), Carried::Nothing, &can).1, [1, 3]);
        let long = Button { label: "é".repeat(100), ..Button::default() }.to_bytes();
        let long = ButtonView::decode(&long).unwrap();
        assert_eq!(labelled(&[long], 80)[0].label.chars().count(), 80);
        assert_eq!(shown(&with(vec![buttons(5)]), Carried::Nothing, &can).1, [3, 2]);
        let (text, none, _) = shown(&with(vec![buttons(7)]), Carried::Nothing, &can);
        assert!(none.is_empty() && text.starts_with("Which?\n\n1. No. 1\n2. No. 2\n") && text.ends_with("7. No. 7"));
        let link = Button { label: "a*b".into(), url: Some("https://x.org/".into()), ..Button::default() };
        let told = shown(&with(vec![vec![link]]), Carried::Nothing, &Capabilities::TEXT_ONLY).0;
        assert_eq!(told, "Which?\n\n1. [a\\*b](<https://x.org/>)");
    }

    #[test]
    fn a_file_goes_along_or_is_named() {
        let file = Outbound {
            filename: Some("big.bin".into()),
            data: Some(bytes::Bytes::from_static(b"x")),
            ..action(ActionType::File, "")
        };
        let can = Capabilities { files: Some(FileLimits { bytes: 1024 }), ..Capabilities::TEXT_ONLY };
        assert_eq!(shown(&file, Carried::File(1024), &can), (String::new(), vec![], true));
        assert_eq!(shown(&file, Carried::File(2048), &can).0, "[big.bin (2.0 KiB): too large to be sent here]");
        assert!(shown(&file, Carried::File(5), &Capabilities::TEXT_ONLY).0.ends_with("files cannot be sent here]"));
        assert_eq!(shown(&file, Carried::Missing, &can).0, "[big.bin: not kept any more]");
    }

    #[test]
    fn what_cannot_be_shown_has_a_way_all_the_same() {
        let all = ActionType::ALL.iter();
        let ways: Vec<_> = all.map(|action| (action.as_str(), way(*action, &Capabilities::TEXT_ONLY))).collect();
        let sent = ["message", "edit", "file", "buttons"];
        for (action, way) in ways {
            let expected = sent.contains(&action);
            assert_eq!(way == Way::Send, expected, "{action}");
            assert!(expected || action == "rpc" || matches!(way, Way::Drop(_)), "{action}");
        }
        let edit = Outbound { target: Some("1".into()), ..action(ActionType::Edit, "new") };
        assert_eq!(shown(&edit, Carried::Nothing, &Capabilities::TEXT_ONLY).0, "✏️ new");
        assert_eq!(shown(&edit, Carried::Nothing, &Capabilities { edits: true, ..Capabilities::TEXT_ONLY }).0, "new");
    }
}
