//! What the model says: an answer that its question determines, so that everybody knows what is to be read in the end.

use std::{fmt, str::FromStr, time::Duration};

use tests::{Answer, Request};

/// A question, which says which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) channel: usize,
    pub(crate) number: usize,
    /// It was changed after it was asked.
    pub(crate) is_edited: bool,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "question:{}:{}:{}", self.channel, self.number, if self.is_edited { "edited" } else { "new" })
    }
}

impl FromStr for Question {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut fields = text.strip_prefix("question:").ok_or(())?.split(':');
        let mut next = || fields.next().ok_or(());
        let (channel, number, state) = (next()?, next()?, next()?);
        let number_of = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { channel: number_of(channel)?, number: number_of(number)?, is_edited: state == "edited" })
    }
}

impl Question {
    /// Most are short, some fill a message, some are several.
    pub(crate) fn answer(self) -> String {
        let words = match self.number % 16 {
            0 => 900,
            3 | 9 => 90,
            _ => 3,
        };
        let mut text = format!("answer to {self}:");
        for word in 0..words {
            text.push_str(if word % 25 == 24 { ".\n" } else { " " });
            text.push_str(["one", "two", "three", "four", "five"][(word + self.number) % 5]);
        }
        text
    }
}

/// Answers the last question of a conversation, piece by piece.
pub(crate) fn answer(request: &Request) -> Answer {
    let conversation = request.conversation();
    let last = conversation.iter().rev().find(|line| line.starts_with("user: ")).cloned().unwrap_or_default();
    let asked = last.split_whitespace().rev().find_map(|word| word.parse::<Question>().ok());
    let Some(question) = asked else { return Answer::text("that was no question") };
    let text = question.answer();
    let pieces: Vec<&str> = text.split_inclusive(' ').collect();
    let mut answer = Answer::stream();
    for pieces in pieces.chunks(pieces.len().div_ceil(6)) {
        answer = answer.token(&pieces.concat()).pause(Duration::from_millis(40));
    }
    answer.finish("stop").done()
}
