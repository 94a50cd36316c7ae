//! Whether what the bot shows in a channel is the answers to what was asked there: each once, in order, complete.

use tests::discord::Snowflake;

use super::{answers::Question, crowd::Asked};

/// How far a channel is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Everything is answered.
    Complete {
        /// Messages that the answers are.
        messages: usize,
    },
    /// What is there fits, and there is more to come.
    Waiting,
    /// Something is there that must not be: it, and what was to be there.
    Wrong(String),
}

/// Reads what the bot shows.
pub(crate) fn read(asked: &[Asked], shown: &[String]) -> Reading {
    let (mut left, mut is_waiting) = (shown, false);
    for asked in asked {
        let found = variants(asked).iter().find_map(|question| taken(&question.answer(), left));
        match found {
            Some(count) if is_waiting => {
                return Reading::Wrong(format!(
                    "{count} messages that answer {} before an earlier one",
                    asked.question
                ));
            }
            Some(count) => left = &left[count..],
            // It may be on its way, or never come.
            None if asked.was_deleted => {}
            None => is_waiting = true,
        }
    }
    match left {
        [] if is_waiting => Reading::Waiting,
        [] => Reading::Complete { messages: shown.len() },
        _ if is_waiting && is_begun(asked, left) => Reading::Waiting,
        [first, ..] => Reading::Wrong(format!("{:?}", first.chars().take(120).collect::<String>())),
    }
}

/// What a question may be answered as.
fn variants(asked: &Asked) -> Vec<Question> {
    let mut all = vec![asked.question];
    if asked.was_edited {
        all.push(Question { is_edited: false, ..asked.question });
    }
    all
}

/// How many messages from the first on are this answer.
fn taken(answer: &str, shown: &[String]) -> Option<usize> {
    let mut left: String = without_space(answer);
    for (count, message) in shown.iter().enumerate() {
        left = left.strip_prefix(&without_space(message))?.to_owned();
        if left.is_empty() {
            return Some(count + 1);
        }
    }
    None
}

/// Whether the messages are the beginning of an answer that is asked for.
fn is_begun(asked: &[Asked], shown: &[String]) -> bool {
    let together: String = shown.iter().map(|message| without_space(message)).collect();
    asked.iter().flat_map(variants).any(|question| without_space(&question.answer()).starts_with(&together))
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn what_must_not_be_is_noticed() {
    let asked: Vec<Asked> = (1..4)
        .map(|number| Asked::new(Question { channel: 1, number, is_edited: false }, Snowflake::default(), 0))
        .collect();
    let say = |numbers: &[usize]| -> Vec<String> {
        numbers.iter().map(|number| asked[number - 1].question.answer()).collect()
    };
    assert_eq!(read(&asked, &say(&[1, 2, 3])), Reading::Complete { messages: 3 });
    assert_eq!(read(&asked, &say(&[1, 2])), Reading::Waiting);
    for wrong in [&[1, 2, 2, 3][..], &[1, 3], &[1, 2, 3, 1], &[2, 1, 3]] {
        assert!(matches!(read(&asked, &say(wrong)), Reading::Wrong(_)), "{wrong:?}");
    }
    let mut taken_back = asked.clone();
    taken_back[1].was_deleted = true;
    assert_eq!(read(&taken_back, &say(&[1, 3])), Reading::Complete { messages: 2 });
    // In parts, which are complete when the last one is there.
    let long = asked[2].question.answer();
    let (one, other) = long.split_at(long.len() / 2);
    let mut shown = say(&[1, 2]);
    shown.push(one.to_owned());
    assert_eq!(read(&asked, &shown), Reading::Waiting);
    shown.push(other.to_owned());
    assert_eq!(read(&asked, &shown), Reading::Complete { messages: 4 });
}
