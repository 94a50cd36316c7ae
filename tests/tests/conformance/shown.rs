//! Replies without what differs by nature: ids that a server made up, and times.

use bus::reply::Value;
use tests::Reply;

/// A reply of the simulated server, as the other is.
pub(crate) fn reply(value: &Value) -> Reply {
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Number(*number),
        Value::Okay => Reply::Text("OK".into()),
        Value::SimpleString(text) => Reply::Text(text.clone()),
        Value::BulkString(bytes) => Reply::Text(String::from_utf8_lossy(bytes).into_owned()),
        Value::Array(items) => Reply::List(items.iter().map(reply).collect()),
        Value::ServerError(error) => Reply::Error(error.code().into()),
        other => unreachable!("it answers in RESP2, not {other:?}"),
    }
}

/// A reply without what differs by nature: ids that a server made up, and times.
pub(crate) fn shown(reply: &Reply) -> Reply {
    match reply {
        Reply::Text(text) => Reply::Text(timeless(text)),
        Reply::List(items) => {
            let mut items: Vec<_> = items.iter().map(shown).collect();
            if let [Reply::Text(word), time, _] = &mut items[..]
                && word == "WAIT"
            {
                *time = Reply::Text("some time".into());
            }
            Reply::List(items)
        }
        // Above any count that a sequence reaches there are only times.
        Reply::Number(number) if *number > 5000 => Reply::Text("some time".into()),
        Reply::Error(error) => Reply::Error(error.split(' ').next().unwrap_or_default().into()),
        other => other.clone(),
    }
}

/// Thirteen digits are a time, and with a number behind them an id.
fn timeless(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    let end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        shown.push_str(&rest[..start]);
        let digits = &rest[start..start + end(&rest[start..])];
        rest = &rest[start + digits.len()..];
        if digits.len() != 13 {
            shown.push_str(digits);
            continue;
        }
        shown.push_str("time");
        if let Some(after) = rest.strip_prefix('-') {
            rest = &after[end(after)..];
        }
    }
    shown + rest
}
