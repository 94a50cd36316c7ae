//! What can go wrong with a model: a detailed line for the log, a short honest one for the user.

use std::time::Duration;

/// Why there is no (whole) answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection.
    #[error("no connection to {url}: {cause}; is the model server running there? (SG_MODEL_BASE_URL)")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// The endpoint does not take the key.
    #[error("{url} refused the key with {status}: {detail}; check SG_MODEL_API_KEY")]
    Key {
        /// The endpoint.
        url: String,
        /// Its HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// Nothing there, or no such model.
    #[error("{url} answered {status}: {detail}; check SG_MODEL_BASE_URL (it usually ends in /v1) and SG_MODEL_NAME")]
    NotFound {
        /// The endpoint.
        url: String,
        /// Its HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// Too many requests.
    #[error("{url} asked us to slow down: {detail}")]
    RateLimited {
        /// The endpoint.
        url: String,
        /// What it said.
        detail: String,
    },
    /// The endpoint refused or failed.
    #[error("{url} failed with {status}: {detail}")]
    Upstream {
        /// The endpoint.
        url: String,
        /// Its HTTP status, 200 for an error inside a stream.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// Something answered that is no OpenAI-compatible endpoint.
    #[error(
        "{url} does not speak OpenAI's chat completions: {detail}; check SG_MODEL_BASE_URL (it usually ends in /v1)"
    )]
    NotAModel {
        /// The endpoint.
        url: String,
        /// What it sent.
        detail: String,
    },
    /// No first token in time.
    #[error("no first token within {0:?} (model.first_token_timeout)")]
    NoFirstToken(Duration),
    /// It stopped in the middle.
    #[error("no further token within {0:?} (model.token_timeout)")]
    Stalled(Duration),
    /// The whole answer took too long.
    #[error("the answer was not complete within {0:?} (model.total_timeout)")]
    TookTooLong(Duration),
    /// The connection broke before the answer's end.
    #[error("the stream was cut: {0}")]
    Cut(String),
}

impl ModelError {
    /// From a short closed list, for metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Key { .. } => "key",
            Self::NotFound { .. } => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Upstream { .. } => "upstream",
            Self::NotAModel { .. } => "not_a_model",
            Self::NoFirstToken(_) => "no_first_token",
            Self::Stalled(_) => "stalled",
            Self::TookTooLong(_) => "took_too_long",
            Self::Cut(_) => "cut",
        }
    }

    /// What the user is told: true, short, and nothing of our insides.
    #[must_use]
    pub fn for_user(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "I can't reach my language model right now. Please try again in a moment.",
            Self::Key { .. } | Self::NotFound { .. } | Self::NotAModel { .. } => {
                "My language model is not set up correctly, so I can't answer. Whoever runs me finds the reason in the log."
            }
            Self::RateLimited { .. } => {
                "My language model is getting too many requests right now. Please try again in a moment."
            }
            Self::Upstream { .. } => "My language model failed to answer. Please try again.",
            Self::NoFirstToken(_) => "My language model did not answer in time. Please try again.",
            Self::Stalled(_) | Self::TookTooLong(_) | Self::Cut(_) => {
                "The answer was cut off: my language model stopped in the middle."
            }
        }
    }
}
