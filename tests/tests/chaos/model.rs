//! A model whose answer follows from the question, slow enough to be interrupted, that checks what it is told was said before.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
    time::Duration,
};

use fastrand::Rng;
use tests::{Answer, ModelServer, Request};

/// One answer in so many takes longer than a lease.
const SLOW_ONE_IN: u64 = 40;

pub(crate) struct Model {
    server: ModelServer,
    violations: Arc<Mutex<Vec<String>>>,
}

impl Model {
    pub(crate) async fn new(may_forget: bool) -> Self {
        let violations: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&violations);
        let server = ModelServer::speaking(move |request| answer(request, may_forget, &noted)).await;
        Self { server, violations }
    }

    pub(crate) fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Conversations that it was told wrongly.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }
}

/// The question `number` of the chat `chat`.
pub(crate) fn question(chat: usize, number: usize) -> String {
    format!("chat {chat} question {number}")
}

/// What the model says to a question, always.
pub(crate) fn answer_to(question: &str) -> String {
    pieces(question).concat()
}

fn pieces(question: &str) -> Vec<String> {
    let mut rng = chance(question);
    let mut pieces = vec![format!("To {question}: ")];
    pieces.extend((0..rng.usize(2..7)).map(|at| format!("piece {at} of {}, ", rng.u16(..))));
    pieces.push("done.".into());
    pieces
}

fn chance(question: &str) -> Rng {
    let mut hasher = DefaultHasher::new();
    question.hash(&mut hasher);
    Rng::with_seed(hasher.finish())
}

fn answer(request: &Request, may_forget: bool, noted: &Mutex<Vec<String>>) -> Answer {
    let conversation = request.conversation();
    let Some(question) = conversation.last().and_then(|line| line.strip_prefix("user: ")) else {
        noted.lock().unwrap().push(format!("the model was asked nothing: {conversation:?}"));
        return Answer::text("");
    };
    if let Err(fault) = remembered(&conversation[..conversation.len() - 1], may_forget) {
        // It is remembered on and on, and told once.
        let mut noted = noted.lock().unwrap();
        if !noted.iter().any(|known| known.starts_with(&fault)) {
            noted.push(format!("{fault}, before `{question}`: {conversation:#?}"));
        }
    }
    let mut rng = Rng::new();
    let pieces = pieces(question);
    let whole = if rng.u64(..SLOW_ONE_IN) == 0 { rng.u64(1200..2200) } else { rng.u64(20..400) };
    let pause = Duration::from_millis(whole) / pieces.len() as u32;
    let said = pieces.iter().fold(Answer::stream(), |answer, piece| answer.pause(pause).token(piece));
    said.done()
}

/// What was said before has to be question, answer, question, answer, each once. A worker that was overtaken while it asked
/// may know more than the question it asks, so only what lies before that is looked at.
fn remembered(before: &[String], may_forget: bool) -> Result<(), String> {
    let (mut last, mut asked) = (None, None);
    for line in before {
        if let Some(question) = line.strip_prefix("user: ") {
            let number = question.rsplit(' ').next().and_then(|number| number.parse::<usize>().ok());
            let number = number.ok_or_else(|| format!("a question of somebody else: {line}"))?;
            let follows = last.is_none_or(|last| if may_forget { number > last } else { number == last + 1 });
            if !follows || asked.is_some() {
                return Err(format!("remembered twice or out of order: {line}"));
            }
            (last, asked) = (Some(number), Some(question));
        } else if let Some(answer) = line.strip_prefix("assistant: ") {
            // The oldest question may have gone out of what is kept.
            if asked.take().map_or_else(|| last.is_some(), |question| answer != answer_to(question)) {
                return Err(format!("remembered with another answer: {line}"));
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_remembered_wrongly_is_noticed() {
    let lines = |numbers: &[usize]| -> Vec<String> {
        let said = |number: &usize| {
            let question = question(1, *number);
            [format!("user: {question}"), format!("assistant: {}", answer_to(&question))]
        };
        numbers.iter().flat_map(said).collect()
    };
    remembered(&lines(&[3, 4, 5]), false).unwrap();
    remembered(&lines(&[3, 4, 5])[1..], false).unwrap();
    remembered(&lines(&[3, 5]), true).unwrap();
    for wrong in [&[3, 3][..], &[4, 3], &[3, 4, 4, 5]] {
        assert!(remembered(&lines(wrong), true).is_err(), "{wrong:?}");
        assert!(remembered(&lines(wrong), false).is_err(), "{wrong:?}");
    }
    assert!(remembered(&lines(&[3, 5]), false).is_err());
    let mut other = lines(&[3, 4]);
    other[1] = "assistant: something else".into();
    assert!(remembered(&other, false).is_err());
}
