//! Recorded conversations, each wrong in one way, which has to be found.

use serde_json::{Value, json};

use super::{
    checker::{Conversation, Said, judge},
    model,
};

fn user(number: usize, index: usize) -> Value {
    json!({ "chat": "c", "n": number, "kind": "user", "id": format!("id-{index}"), "text": model::question(0, index) })
}

fn message(number: usize, index: usize) -> Value {
    let text = model::answer_to(&model::question(0, index));
    json!({ "chat": "c", "n": number, "kind": "message", "key": format!("webchat:c:id-{index}:0"), "text": text })
}

fn held(log: Vec<Value>) -> Conversation {
    let said = |index| Said { id: format!("id-{index}"), text: model::question(0, index) };
    let live = log.iter().map(|entry| (entry["n"].as_u64().unwrap(), entry.clone())).collect();
    Conversation { chat: "c".into(), said: (0..2).map(said).collect(), live, log, broken: Vec::new() }
}

/// Sent, answered, lost, doubled, reordered, wrong, forgotten.
fn counts(log: Vec<Value>, may_forget: bool) -> [usize; 7] {
    let found = judge(&held(log), may_forget);
    [found.sent, found.answered, found.lost, found.doubled, found.reordered, found.wrong, found.forgotten]
}

#[test]
fn a_right_one_passes() {
    for may_forget in [false, true] {
        assert_eq!(
            counts(vec![user(1, 0), message(2, 0), user(3, 1), message(4, 1)], may_forget),
            [2, 2, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            counts(vec![user(1, 0), user(2, 1), message(3, 0), message(4, 1)], may_forget),
            [2, 2, 0, 0, 0, 0, 0]
        );
    }
}

#[test]
fn what_is_lost_is_found() {
    assert_eq!(counts(vec![user(1, 0), message(2, 0)], false), [2, 1, 1, 0, 0, 0, 0]);
    assert_eq!(counts(vec![user(1, 0), message(2, 0)], true), [2, 1, 0, 0, 0, 0, 1]);
    for may_forget in [false, true] {
        assert_eq!(counts(vec![user(1, 0), user(2, 1), message(3, 1)], may_forget), [2, 1, 1, 0, 0, 0, 0]);
    }
}

#[test]
fn what_is_doubled_is_found() {
    for may_forget in [false, true] {
        let answer = vec![user(1, 0), message(2, 0), message(3, 0), user(4, 1), message(5, 1)];
        assert_eq!(counts(answer, may_forget), [2, 1, 0, 1, 0, 0, 0]);
        let question = vec![user(1, 0), user(2, 0), message(3, 0), user(4, 1), message(5, 1)];
        assert_eq!(counts(question, may_forget), [2, 2, 0, 1, 0, 0, 0]);
    }
}

#[test]
fn what_is_out_of_order_is_found() {
    for may_forget in [false, true] {
        let answers = vec![user(1, 0), user(2, 1), message(3, 1), message(4, 0)];
        assert_eq!(counts(answers, may_forget), [2, 2, 0, 0, 1, 0, 0]);
        let questions = vec![user(1, 1), user(2, 0), message(3, 0), message(4, 1)];
        assert_eq!(counts(questions, may_forget), [2, 2, 0, 0, 1, 0, 0]);
    }
    assert_eq!(counts(vec![message(1, 0), user(2, 0), user(3, 1), message(4, 1)], false), [2, 2, 0, 0, 1, 0, 0]);
}

#[test]
fn what_is_foreign_or_has_another_text_is_found() {
    for may_forget in [false, true] {
        let with = |change: fn(&mut Vec<Value>)| {
            let mut log = vec![user(1, 0), message(2, 0), user(3, 1), message(4, 1)];
            change(&mut log);
            judge(&held(log), may_forget).wrong
        };
        assert_eq!(with(|log| log[1]["text"] = "To chat 0 question 0: piece".into()), 1);
        assert_eq!(with(|log| log[2]["text"] = "other words".into()), 1);
        assert_eq!(with(|log| log[3]["key"] = "webchat:other:id-1:0".into()), 1);
        assert_eq!(with(|log| log[3]["key"] = "webchat:c:id-1:dead".into()), 1);
        assert_eq!(with(|log| log[2]["id"] = "id-9".into()), 1);
        assert!(with(|log| log[3]["n"] = 5.into()) > 0, "a gap");
        assert_eq!(with(|log| log.push(json!({ "chat": "c", "n": 5, "kind": "stop" }))), 1);
    }
}

#[test]
fn what_is_not_kept_any_more_was_seen() {
    let log = vec![user(1, 0), message(2, 0), user(3, 1), message(4, 1)];
    let mut conversation = held(log.clone());
    conversation.complete(log[2..].to_vec(), false);
    assert_eq!(conversation.log, log);
    conversation.live.remove(&2);
    conversation.complete(log[2..].to_vec(), false);
    assert!(!judge(&conversation, false).is_flawless());
}

#[test]
fn what_was_shown_and_changed_is_found() {
    let mut conversation = held(vec![user(1, 0), message(2, 0), user(3, 1), message(4, 1)]);
    conversation.live.insert(2, message(2, 1));
    assert_eq!(judge(&conversation, false).wrong, 1);
    assert!(judge(&conversation, true).is_flawless());
}
