//! Language models behind one seam: a conversation goes in, a stream of text comes out.

mod check;
mod chunk;
mod client;
mod echo;
mod error;
mod sse;

use std::sync::Arc;

use futures_util::stream::BoxStream;
use serde::Serialize;

pub use check::check;
pub use client::Client;
pub use echo::Echo;
pub use error::ModelError;
pub use sse::{SseError, SseParser};

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The system prompt.
    System,
    /// A person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Text to be shown.
    Text(String),
    /// The model works, but shows nothing (reasoning). Keeps timeouts away.
    Thinking,
    /// What the endpoint counted.
    Usage(Usage),
    /// The model reached the bound on its answer's length.
    TooLong,
}

/// Tokens of one answer, as the endpoint counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the conversation.
    pub prompt: u64,
    /// Tokens of the answer.
    pub completion: u64,
}

/// A model. Dropping the stream ends the request upstream.
pub trait Model: Send + Sync + std::fmt::Debug {
    /// Asks for the next message of a conversation. The stream ends after the answer's last piece, or with one error.
    fn ask(&self, messages: Vec<ChatMessage>) -> BoxStream<'static, Result<Delta, ModelError>>;

    /// How it is called in logs and metrics.
    fn name(&self) -> &str;
}

/// The model that the settings choose.
///
/// # Errors
/// One line that says what to do, when the client cannot be made.
pub fn from_settings(settings: &service::Model) -> Result<Arc<dyn Model>, String> {
    match (&settings.base_url, &settings.name) {
        (Some(base_url), Some(name)) => Ok(Arc::new(Client::new(base_url, name, settings)?)),
        _ => Ok(Arc::new(Echo)),
    }
}
